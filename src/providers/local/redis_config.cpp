#include "providers/local/redis_config.h"

#include <array>

#include "base/digest.h"
#include "providers/local/parameters.h"

namespace slipway::local {
namespace {

constexpr std::int64_t kDefaultClients = 1000;
constexpr std::uint64_t kSpareFiles = 128;  // the engine's own, beside its clients' sockets

constexpr std::array<std::string_view, 8> kPolicies{"noeviction",      "allkeys-lru",  "allkeys-lfu",
                                                    "allkeys-random",  "volatile-lru", "volatile-lfu",
                                                    "volatile-random", "volatile-ttl"};
constexpr std::array<std::string_view, 3> kFsync{"everysec", "always", "no"};

std::expected<std::vector<OnlineSetting>, ProviderError> online_settings(const json::object& parameters) {
    const auto memory = between(parameters, "maxmemory", 0, 0, std::int64_t{1} << 50);
    if (!memory) return std::unexpected(memory.error());
    const auto policy = one_of(parameters, "maxmemory_policy", kPolicies);
    if (!policy) return std::unexpected(policy.error());
    const auto fsync = one_of(parameters, "appendfsync", kFsync);
    if (!fsync) return std::unexpected(fsync.error());
    return std::vector<OnlineSetting>{
        {"maxmemory", std::to_string(*memory)}, {"maxmemory-policy", *policy}, {"appendfsync", *fsync}};
}

// Whether the tenant logs in by password.
std::expected<bool, ProviderError> wants_password(const Spec& spec, const std::vector<std::string>& addresses) {
    const auto secret = spec.secrets.find("password");
    const bool have = secret != spec.secrets.end() && !secret->second.empty();
    const bool wanted = json::get_bool(spec.parameters, "password", have);
    if (wanted && !have) return wrong("the plan wants a password, but none was made");
    if (!wanted && !all_loopback(addresses)) {
        return wrong("a plan without a password is only for engines that listen on loopback addresses");
    }
    return wanted;
}

std::string users(const Spec& spec, const RedisConfig& config, std::uint64_t generation) {
    const std::string tenant =
        config.password ? fmt::format("#{}", sha256(spec.secrets.at("password").reveal())) : "nopass";
    // The tenant has all of the data and none of the engine. MIGRATE would make it a client of other machines.
    std::string text = fmt::format("user default on {} ~* &* +@all -@admin -migrate -script|debug\n", tenant);
    text += fmt::format("user {} on #{} resetkeys resetchannels -@all +ping +info +config|get +config|set\n",
                        management_user(generation), sha256(spec.secrets.at("management_password").reveal()));
    return text;
}

std::string fixed_part(const RedisConfig& config, const std::vector<std::string>& addresses, std::int64_t clients) {
    std::string bind;
    // "-": an address that the machine lost must not keep the engine from starting.
    for (const std::string& each : addresses) bind += (each.contains(':') ? " -" : " ") + each;
    std::string text = fmt::format("port {}\nbind{}\nmaxclients {}\n", config.port, bind, clients);
    text += fmt::format("protected-mode {}\n", config.password ? "yes" : "no");
    // The working directory is the data directory, entered by the helper; the log goes to standard output.
    text +=
        "daemonize no\n"
        "supervised no\n"
        "logfile \"\"\n"
        "loglevel warning\n"
        "always-show-logo no\n"
        "save \"\"\n"
        "appendonly yes\n"
        "sanitize-dump-payload yes\n"
        "crash-memcheck-enabled no\n";
    return text;
}

}  // namespace

std::string management_user(std::uint64_t generation) { return fmt::format("slipway-{}", generation); }

std::expected<RedisConfig, ProviderError> redis_config(const Target& target, const Spec& spec,
                                                       const std::vector<std::string>& addresses) {
    RedisConfig config;
    const auto port = port_of(spec);
    if (!port) return std::unexpected(port.error());
    config.port = *port;
    const auto management = spec.secrets.find("management_password");
    if (management == spec.secrets.end() || management->second.empty()) {
        return wrong("no management password was made for it");
    }
    const auto password = wants_password(spec, addresses);
    if (!password) return std::unexpected(password.error());
    config.password = *password;
    const auto clients = between(spec.parameters, "maxclients", kDefaultClients, 1, 10'000);
    if (!clients) return std::unexpected(clients.error());
    config.open_files = static_cast<std::uint64_t>(*clients) + kSpareFiles;
    const auto file_size = between(spec.parameters, "max_file_bytes", 0, 1 << 20, std::int64_t{1} << 50);
    if (!file_size) return std::unexpected(file_size.error());
    config.file_size = static_cast<std::uint64_t>(*file_size);
    auto online = online_settings(spec.parameters);
    if (!online) return std::unexpected(online.error());
    config.online = std::move(*online);
    config.text = fixed_part(config, addresses, *clients) + users(spec, config, target.generation);
    config.tag = sha256(fmt::format("{}{}", config.file_size, config.text)).substr(0, 32);
    for (const OnlineSetting& each : config.online) config.text += fmt::format("{} {}\n", each.name, each.value);
    return config;
}

}  // namespace slipway::local
