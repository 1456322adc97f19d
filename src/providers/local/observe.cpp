#include "base/log.h"
#include "providers/local/call.h"
#include "providers/local/resp.h"
#include "providers/local/waiting.h"

namespace slipway::local {
namespace {

constexpr Duration kAnswerTime = std::chrono::seconds(1);  // an engine that is slower than that is not well
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

Observation pending(std::string detail) {
    Observation seen;
    seen.presence = Presence::pending;
    seen.detail = std::move(detail);
    seen.look_again = kLookAgain;
    return seen;
}

}  // namespace

// Who answers "OK" to the management login knows its password's hash: nobody else can be that engine.
Task<LocalProvider::Login> LocalProvider::log_in(Call& call, bool tenant_too, Duration at_most) {
    std::vector<Command> commands;
    const auto management = call.spec.secrets.find("management_password");
    const Secret none;
    commands.push_back({Secret("AUTH"), Secret(fmt::format("slipway-{}", call.target.generation)),
                        management == call.spec.secrets.end() ? none : management->second});
    commands.push_back(command({"PING"}));
    if (tenant_too) {
        // An engine without a password takes any.
        commands.push_back({Secret("AUTH"), Secret("default"),
                            call.config.password ? call.spec.secrets.at("password") : Secret("none")});
        commands.push_back(command({"PING"}));
    }
    const auto answer = co_await exchange(options_.addresses.front(), call.config.port, std::move(commands),
                                          call.deadline.within(at_most));
    if (!answer) co_return answer.error() == NoReply::refused ? Login::refused : Login::silent;
    const auto any = [&](std::string_view start) {
        return std::ranges::any_of(*answer, [&](const std::string& each) { return each.starts_with(start); });
    };
    if (any("-WRONGPASS") || any("-NOAUTH") || any("-NOPERM")) co_return Login::denied;
    if (any("-LOADING")) co_return Login::loading;
    if (answer->back() == "+PONG" && answer->front() == "+OK") co_return Login::pong;
    // With all of its connections taken it answers before it asks who is there: the process is known by its lock.
    if (any("-ERR max number of clients")) co_return Login::strained;
    co_return answer->front() == "+OK" ? Login::strained : Login::silent;
}

Task<ProviderAnswer> LocalProvider::do_observe(Call& call) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
    if (!status) co_return std::unexpected(error_of(status.error(), false));
    if (std::optional<Observation> foreign = not_ours(call, *status)) co_return std::move(*foreign);
    Observation seen;
    if (!status->exists) co_return seen;
    if (!status->held) {
        seen.presence = Presence::stopped;
        seen.detail = "the engine is not running";
        co_return seen;
    }
    if (!status->process) co_return pending("an earlier process of the engine is still ending");
    // Where it runs, not where it should: after a change of port the two differ until the update is done.
    call.config.port = static_cast<std::uint16_t>(json::get_int(status->meta, "port"));
    watcher_.watch(call.name(), *status->process);
    const Login login = co_await log_in(call, false, kAnswerTime);
    switch (login) {
        case Login::pong: co_return running(call, *status->process, call.config.port, "");
        case Login::strained:
            co_return running(call, *status->process, call.config.port,
                              "the engine runs but cannot serve everything at the moment");
        case Login::loading: co_return pending("the engine is reading its data");
        case Login::denied: co_return pending("the engine does not accept its management login");
        case Login::refused:
        case Login::silent: co_return pending("the engine's process lives but does not answer");
    }
    co_return pending("the engine's process lives but does not answer");
}

}  // namespace slipway::local
