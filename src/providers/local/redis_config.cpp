#include "providers/local/redis_config.h"

#include <span>

#include <boost/asio/ip/address.hpp>
#include <sodium.h>

namespace slipway::local {
namespace {

constexpr std::int64_t kDefaultClients = 1000;
constexpr std::uint64_t kSpareFiles = 128;  // the engine's own, beside its clients' sockets

std::unexpected<ProviderError> wrong(std::string message) {
    ProviderError error;
    error.error_class = ErrorClass::permanent;
    error.message = std::move(message);
    return std::unexpected(std::move(error));
}

std::string sha256(std::string_view text) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    std::string bytes(text);
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    sodium_memzero(bytes.data(), bytes.size());
    std::string hex;
    for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
    return hex;
}

bool all_loopback(const std::vector<std::string>& addresses) {
    return std::ranges::all_of(addresses, [](const std::string& address) {
        boost::system::error_code error;
        const auto parsed = boost::asio::ip::make_address(address, error);
        return !error && parsed.is_loopback();
    });
}

std::expected<std::string, ProviderError> one_of(const json::object& parameters, std::string_view key,
                                                 std::span<const std::string_view> allowed) {
    if (!parameters.contains(key)) return std::string(allowed.front());
    std::string value = json::get_string(parameters, key);
    if (std::ranges::find(allowed, value) == allowed.end()) {
        return wrong(fmt::format("the plan's {} must be one of {}", key, fmt::join(allowed, ", ")));
    }
    return value;
}

std::expected<std::int64_t, ProviderError> between(const json::object& parameters, std::string_view key,
                                                   std::int64_t otherwise, std::int64_t first, std::int64_t last) {
    if (!parameters.contains(key)) return otherwise;
    const std::int64_t value = json::get_int(parameters, key, first - 1);
    if (value < first || value > last) {
        return wrong(fmt::format("the plan's {} must be a whole number from {} to {}", key, first, last));
    }
    return value;
}

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

std::string users(const Spec& spec, const RedisConfig& config) {
    const std::string tenant =
        config.password ? fmt::format("#{}", sha256(spec.secrets.at("password").reveal())) : "nopass";
    // The tenant has all of the data and none of the engine. MIGRATE would make it a client of other machines.
    std::string text = fmt::format("user default on {} ~* &* +@all -@admin -migrate -script|debug\n", tenant);
    text += fmt::format("user {} on #{} resetkeys resetchannels -@all +ping +info +config|get +config|set\n",
                        config.management_user, sha256(spec.secrets.at("management_password").reveal()));
    return text;
}

std::string fixed_part(const Spec& spec, const RedisConfig& config, const std::vector<std::string>& addresses,
                       std::int64_t clients) {
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
    return text + users(spec, config);
}

}  // namespace

std::expected<RedisConfig, ProviderError> redis_config(const Target& target, const Spec& spec,
                                                       const std::vector<std::string>& addresses) {
    RedisConfig config;
    const auto port = spec.allocations.find("port");
    if (port == spec.allocations.end() || port->second < 1 || port->second > 65535) {
        return wrong("no port was allocated for it");
    }
    config.port = static_cast<std::uint16_t>(port->second);
    const auto management = spec.secrets.find("management_password");
    if (management == spec.secrets.end() || management->second.empty()) {
        return wrong("no management password was made for it");
    }
    // Each generation has a user of its own: an engine of an earlier one never lets a later one in.
    config.management_user = fmt::format("slipway-{}", target.generation);
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
    config.text = fixed_part(spec, config, addresses, *clients);
    config.tag = sha256(fmt::format("{}{}", config.file_size, config.text)).substr(0, 32);
    for (const OnlineSetting& each : config.online) config.text += fmt::format("{} {}\n", each.name, each.value);
    return config;
}

}  // namespace slipway::local
