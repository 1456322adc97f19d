#include "base/log.h"
#include "providers/local/call.h"
#include "providers/local/waiting.h"

namespace slipway::local {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(100);
constexpr Duration kLookForRoom = std::chrono::seconds(1);

Observation pending(std::string detail) {
    Observation seen;
    seen.presence = Presence::pending;
    seen.detail = std::move(detail);
    seen.look_again = kLookAgain;
    return seen;
}

// Nobody answered.
bool is_unheard(Login login) {
    return login == Login::loading || login == Login::refused || login == Login::silent;
}

}  // namespace

// It waits for room to write: nothing that a restart gives it, and its tenants can read as long as it lives. An
// operation waits, and who only looks finds it unreachable, so that no repair is asked for.
ProviderAnswer LocalProvider::out_of_room(const Call& call) {
    const std::string why = fmt::format("{} does not answer: its disk is full", call.spec.engine);
    if (full_.insert(call.name()).second) {
        log::warning("local", "an engine does not answer: its disk is full", {{"instance", call.name()}});
    }
    if (call.target.token.empty()) return std::unexpected(provider_error(ErrorClass::transient, why));
    Observation seen = pending(why);
    seen.look_again = kLookForRoom;
    return seen;
}

Task<ProviderAnswer> LocalProvider::do_observe(Call& call) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
    if (!status) co_return std::unexpected(error_of(status.error(), false));
    if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
    Observation seen;
    if (!status->exists) co_return seen;
    if (!status->held) {
        seen.presence = Presence::stopped;
        seen.detail = "the engine is not running";
        co_return seen;
    }
    if (!status->process) co_return pending("an earlier process of the engine is still ending");
    // What runs and where, not what should: after a change of port the two differ until the update is done.
    const auto port = static_cast<std::uint16_t>(json::get_int(status->meta, "port"));
    call.engine = engine_of(call.spec.kind, json::get_string(status->meta, "engine"));
    if (call.engine == nullptr) co_return pending("an engine that this version does not know lives there");
    watcher_.watch(call.name(), *status->process);
    const Greeting greeting =
        co_await call.engine->log_in(contact(call, *status->process, port), call.spec, nullptr,
                                     call.deadline.within(call.engine->facts().patience));
    if (is_unheard(greeting.login) && status->full) co_return out_of_room(call);
    full_.erase(call.name());
    switch (greeting.login) {
        // Without a tenant there is nothing else that could be stale.
        case Login::stale: co_return pending("it does not encrypt as it should, or shows another certificate");
        case Login::pong: co_return running(call, *status->process, port, "", greeting.version);
        case Login::strained:
            co_return running(call, *status->process, port,
                              "the engine runs but cannot serve everything at the moment", greeting.version);
        case Login::loading: co_return pending("the engine is reading its data");
        case Login::denied: co_return pending("what answers on its port does not prove to be this engine");
        case Login::refused:
        case Login::silent: co_return pending("the engine's process lives but does not answer");
    }
    co_return pending("the engine's process lives but does not answer");
}

}  // namespace slipway::local
