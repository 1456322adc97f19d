#include "ops/registry.h"

#include <fmt/format.h>

namespace slipway {

Provider* ProviderRegistry::find(std::string_view name) const {
    const auto found = providers_.find(name);
    return found == providers_.end() ? nullptr : found->second;
}

Result<ProviderTraits> ProviderRegistry::traits(std::string_view provider, Kind kind,
                                                std::string_view engine) const {
    const Provider* found = find(provider);
    if (found == nullptr) {
        return fail(ErrorCode::unavailable, fmt::format("provider {} is not configured here", provider));
    }
    if (auto available = found->available(kind, engine); !available) return fail(available.error());
    return ProviderTraits{std::string(provider), found->ranges(kind, engine), found->secrets(kind, engine),
                          found->on_this_host(), found->external_tags()};
}

}  // namespace slipway
