#include "providers/local/memcached_config.h"

#include <algorithm>

#include "base/digest.h"
#include "providers/local/parameters.h"

namespace slipway::local {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kGibibyte = 1 << 30;
constexpr std::int64_t kMost = std::int64_t{1} << 50;
constexpr std::int64_t kDefaultMemory = 64 * kMebibyte;
constexpr std::int64_t kItemStep = kMebibyte / 2;  // memcached's own: larger items are made of pieces of this size
constexpr std::int64_t kDefaultClients = 1000;
constexpr std::int64_t kThreads = 4;
// memcached compares the number of a connection's descriptor with its limit. So many are open before the first one,
// as was seen with four threads, and its listeners besides; a test counts what that leaves to clients.
constexpr std::int64_t kOwnDescriptors = 24;
constexpr std::uint64_t kSpareFiles = 128;
// It prints next to nothing, but any client can make it print all that it is sent. Twice what the helper lets a log
// grow to before it begins a new one.
constexpr std::uint64_t kMaxLog = 2 * kMebibyte;

struct Limits {
    std::int64_t memory = 0;
    std::int64_t item = 0;
    std::int64_t clients = 0;
};

std::expected<Limits, ProviderError> limits_of(const json::object& parameters) {
    Limits limits;
    const auto memory = between(parameters, "maxmemory", kDefaultMemory, kMebibyte, kMost);
    if (!memory) return std::unexpected(memory.error());
    if (*memory % kMebibyte != 0) return wrong("the plan's maxmemory must be whole MiB");
    limits.memory = *memory;
    const std::int64_t largest = std::min(limits.memory / 2, kGibibyte);
    const auto item = between(parameters, "max_item_size", std::min(kMebibyte, largest), kItemStep, largest);
    if (!item) return std::unexpected(item.error());
    if (*item % kItemStep != 0) return wrong("the plan's max_item_size must be a multiple of 512 KiB");
    limits.item = *item;
    const auto clients = between(parameters, "maxclients", kDefaultClients, 1, 10'000);
    if (!clients) return std::unexpected(clients.error());
    limits.clients = *clients;
    return limits;
}

// Any client may lift memcached's own limit (cache_memlimit), and what it took then it never gives back: the system
// holds it to this. What a full and busy one was seen to need, and some more: the stacks of its ten threads, its
// hash table, the buffers of its connections.
std::uint64_t most_memory(const Limits& limits) {
    return static_cast<std::uint64_t>(96 * kMebibyte + limits.memory + limits.memory / 4 +
                                      limits.clients * 32 * 1024);
}

}  // namespace

std::expected<Setup, ProviderError> memcached_setup(const Target& /*target*/, const Spec& spec,
                                                    const std::vector<std::string>& addresses) {
    const auto port = port_of(spec);
    if (!port) return std::unexpected(port.error());
    if (json::get_bool(spec.parameters, "password")) return wrong("memcached has no passwords");
    if (!all_loopback(addresses)) {
        return wrong("memcached has no passwords: it is only for engines that listen on loopback addresses");
    }
    const auto limits = limits_of(spec.parameters);
    if (!limits) return std::unexpected(limits.error());
    const std::int64_t connections =
        limits->clients + kOwnDescriptors + static_cast<std::int64_t>(addresses.size());
    Setup setup;
    setup.port = *port;
    setup.args = {"-l", fmt::format("{}", fmt::join(addresses, ",")),
                  "-p", std::to_string(setup.port),
                  "-U", "0",  // no UDP: it answers more than it is asked, to whoever the sender claims to be
                  "-m", std::to_string(limits->memory / kMebibyte),
                  "-c", std::to_string(connections),
                  "-I", std::to_string(limits->item),
                  "-t", std::to_string(kThreads)};
    // A start does it; said again by an update, because any client may have changed it.
    setup.online = {{"cache_memlimit", std::to_string(limits->memory / kMebibyte)}};
    setup.open_files = static_cast<std::uint64_t>(connections) + kSpareFiles;
    setup.file_size = kMaxLog;
    setup.memory = most_memory(*limits);
    setup.tag = sha256(fmt::format("{} {}", setup.memory, fmt::join(setup.args, " "))).substr(0, 32);
    return setup;
}

}  // namespace slipway::local
