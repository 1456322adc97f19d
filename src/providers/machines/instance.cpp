#include "providers/machines/instance.h"

#include "providers/provider_error.h"

namespace slipway::machines {

json::object meta_of(const Target& target, const Shape& shape, const Made& made) {
    return {{"installation", target.installation.str()},
            {"resource", target.resource.str()},
            {"generation", target.generation},
            {"token", target.token},
            {"uid", static_cast<std::int64_t>(made.uid)},
            {"kind", to_string(Kind::machine)},
            {"engine", made.engine},
            {"provider", made.provider},
            {"address", shape.address.to_string()},
            {"image", made.image}};
}

Observation running(const Target& target, const Shape& shape, const Greeting& greeting) {
    Observation seen;
    seen.presence = Presence::running;
    seen.endpoint = Endpoint{"ssh", shape.address.to_string(), 22};
    seen.handle = {{"uuid", uuid_of(target)},
                   {"mac", mac_of(target)},
                   {"host_key", greeting.host_key},
                   {"generation", target.generation}};
    seen.proven = greeting.seen == Greeted::let_in;
    return seen;
}

std::optional<ProviderError> release_image(const ImageKeeper& keeper, const std::string& machine) {
    const Status released = keeper.release(machine);
    if (released) return std::nullopt;
    return provider_error(ErrorClass::transient, "its image cannot be released", released.error().message);
}

}  // namespace slipway::machines
