#include "providers/local/engine.h"
#include "providers/local/redis_config.h"
#include "providers/local/resp.h"

namespace slipway::local {
namespace {

constexpr std::string_view kConfigFile = "redis.conf";

Secret management_password(const Spec& spec) {
    const auto found = spec.secrets.find("management_password");
    return found == spec.secrets.end() ? Secret() : found->second;
}

Command management_login(const Contact& contact, const Spec& spec) {
    return {Secret("AUTH"), Secret(management_user(contact.generation)), management_password(spec)};
}

class RedisEngine final : public Engine {
  public:
    [[nodiscard]] const EngineFacts& facts() const override { return facts_; }

    [[nodiscard]] std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const override {
        auto config = redis_config(target, spec, addresses);
        if (!config) return std::unexpected(config.error());
        Setup setup;
        setup.port = config->port;
        setup.args = {"-"};
        setup.files = {{std::string(kConfigFile), std::move(config->text)}};
        setup.stdin_file = kConfigFile;
        setup.tag = std::move(config->tag);
        setup.online = std::move(config->online);
        setup.open_files = config->open_files;
        setup.file_size = config->file_size;
        setup.password = config->password;
        return setup;
    }

    Task<Greeting> log_in(Contact contact, const Spec& spec, const Setup* tenant, Deadline deadline) const override;
    Task<bool> apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const override;

  private:
    const EngineFacts facts_{.kind = Kind::cache,
                             .name = "redis",
                             .scheme = "redis",
                             .program = "redis-server",
                             .package = "redis-server",
                             .secrets = {"management_password"},
                             .keeps_data = true,
                             .log_holds_client_data = false};
};

// Who answers "OK" to the management login knows its password's hash: nobody else can be that engine.
Task<Greeting> RedisEngine::log_in(Contact contact, const Spec& spec, const Setup* tenant,
                                   Deadline deadline) const {
    std::vector<Command> commands;
    commands.push_back(management_login(contact, spec));
    commands.push_back(command({"PING"}));
    if (tenant != nullptr) {
        // An engine without a password takes any.
        commands.push_back(
            {Secret("AUTH"), Secret("default"), tenant->password ? spec.secrets.at("password") : Secret("none")});
        commands.push_back(command({"PING"}));
    }
    const auto answer = co_await exchange(contact.address, contact.port, std::move(commands), deadline);
    if (!answer) co_return Greeting(answer.error() == NoReply::refused ? Login::refused : Login::silent);
    const auto any = [&](std::string_view start) {
        return std::ranges::any_of(*answer, [&](const std::string& each) { return each.starts_with(start); });
    };
    if (any("-WRONGPASS") || any("-NOAUTH") || any("-NOPERM")) co_return Login::denied;
    if (any("-LOADING")) co_return Login::loading;
    if (answer->back() == "+PONG" && answer->front() == "+OK") co_return Login::pong;
    // With all of its connections taken it answers before it asks who is there: the process is known by its lock.
    if (any("-ERR max number of clients")) co_return Login::strained;
    co_return Greeting(answer->front() == "+OK" ? Login::strained : Login::silent);
}

Task<bool> RedisEngine::apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const {
    std::vector<Command> commands{management_login(contact, spec)};
    for (const OnlineSetting& each : setup.online) {
        commands.push_back(command({"CONFIG", "SET", each.name, each.value}));
    }
    const auto answer = co_await exchange(contact.address, contact.port, std::move(commands), deadline);
    co_return answer&& std::ranges::all_of(*answer, [](const std::string& each) { return each == "+OK"; });
}

}  // namespace

std::unique_ptr<Engine> make_redis_engine() { return std::make_unique<RedisEngine>(); }

}  // namespace slipway::local
