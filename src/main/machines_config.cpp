#include "main/machines_config.h"

#include <array>

#include <fmt/format.h>

namespace slipway {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::network_v4;

constexpr std::array<std::string_view, 3> kAccelerations{"auto", "kvm", "emulation"};
constexpr unsigned short kWidestSubnet = 16;  // agent/network.h
constexpr unsigned short kNarrowestSubnet = 29;
constexpr std::int64_t kLeastContainerUid = 1'000'000;  // below are those of people and services
constexpr std::int64_t kMaxUid = 4'000'000'000;
constexpr std::size_t kMostNameservers = 3;  // resolv.conf(5)

std::optional<network_v4> parse_subnet(const std::string& text) {
    boost::system::error_code error;
    const auto subnet = boost::asio::ip::make_network_v4(text, error);
    const bool good = !error && subnet == subnet.canonical() && subnet.prefix_length() >= kWidestSubnet &&
                      subnet.prefix_length() <= kNarrowestSubnet;
    return good ? std::optional(subnet) : std::nullopt;
}

std::optional<address_v4> parse_address(const std::string& text) {
    boost::system::error_code error;
    const address_v4 address = boost::asio::ip::make_address_v4(text, error);
    return error ? std::nullopt : std::optional(address);
}

struct Range {
    address_v4 first;
    address_v4 last;
};

std::optional<Range> parse_range(const std::string& text) {
    const std::size_t dash = std::min(text.find('-'), text.size());
    const auto first = parse_address(text.substr(0, dash));
    const auto last = parse_address(dash < text.size() ? text.substr(dash + 1) : "");
    return first && last && *first <= *last ? std::optional(Range{*first, *last}) : std::nullopt;
}

std::string check_subnet(const std::string& text) {
    if (parse_subnet(text)) return "";
    return fmt::format("must be like \"10.213.0.0/24\", from /{} to /{}", kWidestSubnet, kNarrowestSubnet);
}

std::string check_bridge(const std::string& text) {
    return text.empty() || agent::valid_device(text) ? ""
                                                     : "must be the name of a bridge of this host, e.g. \"br0\", "
                                                       "or empty: machines have one of their own";
}

std::string check_gateway(const std::string& text) {
    return text.empty() || parse_address(text) ? "" : "must be an IPv4 address, e.g. \"192.168.7.1\"";
}

std::string check_range(const std::string& text) {
    return text.empty() || parse_range(text) ? ""
                                             : "must be two IPv4 addresses, the lower one first, e.g. "
                                               "\"192.168.7.100-192.168.7.199\"";
}

bool is_host_of(const network_v4& subnet, const address_v4& address) {
    return address > subnet.network() && address < subnet.broadcast();
}

// What each setting says is good by itself; whether they go together is seen here.
void check_net(TableReader& reader, const MachinesConfig& config) {
    const auto subnet = parse_subnet(config.subnet);
    if (!subnet) return;
    const auto gateway = parse_address(config.gateway);
    const auto range = parse_range(config.addresses);
    if (config.bridge.empty() && gateway) {
        reader.problem("gateway", "is of no use without machines.bridge: the host is the gateway");
    }
    if (!config.bridge.empty() && config.gateway.empty()) {
        reader.problem("bridge", "needs machines.gateway, the router of that network");
    }
    if (!config.bridge.empty() && config.addresses.empty()) {
        reader.problem("bridge", "needs machines.addresses, those of that network which may be given out");
    }
    if (gateway && !is_host_of(*subnet, *gateway)) {
        reader.problem("gateway", fmt::format("must be an address of machines.subnet ({})", config.subnet));
    }
    if (!range) return;
    const address_v4 taken = gateway ? *gateway : *subnet->hosts().begin();
    if (!is_host_of(*subnet, range->first) || !is_host_of(*subnet, range->last)) {
        reader.problem("addresses", fmt::format("must be addresses of machines.subnet ({})", config.subnet));
    } else if (range->first <= taken && taken <= range->last) {
        reader.problem("addresses", fmt::format("must not hold {}, which is the gateway's", taken.to_string()));
    }
}

}  // namespace

void read_machines(TableReader& root, const LocalConfig& local, MachinesConfig& out,
                   std::vector<ConfigProblem>& problems) {
    const toml::table* table = root.table("machines");
    if (table == nullptr) return;
    TableReader reader(*table, "machines", problems);
    reader.text("subnet", out.subnet, check_subnet);
    reader.text("bridge", out.bridge, check_bridge);
    reader.text("gateway", out.gateway, check_gateway);
    reader.text("addresses", out.addresses, check_range);
    reader.texts("nameservers", out.nameservers, [](const std::string& text) {
        return parse_address(text) ? "" : "must be an IPv4 address, e.g. \"192.168.7.1\"";
    });
    if (out.nameservers.size() > kMostNameservers) {
        reader.problem("nameservers", fmt::format("must be at most {}", kMostNameservers));
    }
    check_net(reader, out);
    reader.integer("boots", out.boots, 1, 64);
    if (const auto how = reader.one_of("acceleration", kAccelerations)) out.acceleration = *how;
    reader.integer("container_uids", out.container_uids, kLeastContainerUid, kMaxUid);
    if (out.container_uids <= local.uid_last) {
        reader.problem("container_uids", fmt::format("must be above local.uid_last ({})", local.uid_last));
    }
    reader.integer("playbooks", out.playbooks, 1, 32);
    reader.finish();
}

machines::Net net_of(const MachinesConfig& config) {
    machines::Net net = machines::own_net(parse_subnet(config.subnet).value_or(network_v4()));
    net.bridge = config.bridge;
    if (const auto gateway = parse_address(config.gateway)) net.gateway = *gateway;
    if (const auto range = parse_range(config.addresses)) {
        net.first = range->first;
        net.last = range->last;
    }
    for (const std::string& each : config.nameservers) {
        if (const auto address = parse_address(each)) net.nameservers.push_back(*address);
    }
    return net;
}

}  // namespace slipway
