// The verbs for containers.
#include <boost/asio/ip/network_v4.hpp>
#include <fmt/format.h>

#include "agent/server.h"

namespace slipway::agent {
namespace {

constexpr std::int64_t kMostCpus = 64;
constexpr std::int64_t kLeastMemory = std::int64_t{64} << 20U;
constexpr std::int64_t kMostMemory = std::int64_t{1} << 46U;

Answer<Init> init_of(const json::object& request) {
    const std::optional<Init> init = parse_init(json::get_string(request, "init"));
    if (!init) return refuse(FailureCode::invalid, "init must be busybox or systemd");
    return *init;
}

Answer<boost::asio::ip::address_v4> gateway_of(const json::object& request,
                                               const boost::asio::ip::network_v4& subnet) {
    boost::system::error_code error;
    auto gateway = boost::asio::ip::make_address_v4(json::get_string(request, "gateway"), error);
    if (error || gateway <= subnet.network() || gateway >= subnet.broadcast()) {
        return refuse(FailureCode::invalid, "the gateway must be an address of the subnet");
    }
    return gateway;
}

Answer<void> read_limits(const json::object& request, ContainerPlan& plan) {
    plan.cpus = json::get_int(request, "cpus");
    const std::int64_t memory = json::get_int(request, "memory");
    if (plan.cpus < 1 || plan.cpus > kMostCpus || memory < kLeastMemory || memory > kMostMemory) {
        return refuse(FailureCode::invalid, fmt::format("cpus must be from 1 to {}, and memory from {} to {} bytes",
                                                        kMostCpus, kLeastMemory, kMostMemory));
    }
    plan.memory = static_cast<std::uint64_t>(memory);
    return {};
}

}  // namespace

Answer<json::object> Handler::start_container(const json::object& request) const {
    const Answer<Network> network = network_of(request);
    if (!network) return std::unexpected(network.error());
    const Answer<Tap> tap = tap_of(request);
    if (!tap) return std::unexpected(tap.error());
    ContainerPlan plan;
    if (const Answer<void> read = read_limits(request, plan); !read) return std::unexpected(read.error());
    const Answer<boost::asio::ip::network_v4> subnet = subnet_of(request);
    if (!subnet) return std::unexpected(subnet.error());
    const Answer<boost::asio::ip::address_v4> gateway = gateway_of(request, *subnet);
    if (!gateway) return std::unexpected(gateway.error());
    const Answer<Init> init = init_of(request);
    if (!init) return std::unexpected(init.error());
    const std::string tag = json::get_string(request, "tag");
    if (!valid_tag(tag)) return refuse(FailureCode::invalid, "the tag must be short printable text");
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    if (found->status.held && found->status.process) {
        return to_json(Started{*found->status.process, found->status.tag, true});
    }
    const Answer<uid_t> first = containers_.first_id(tap->address, *subnet);
    if (!first) return std::unexpected(first.error());
    plan.name = found->name;
    plan.address = tap->address;
    plan.subnet = *subnet;
    plan.gateway = *gateway;
    plan.init = *init;
    plan.first = *first;
    const Answer<Process> process = containers_.start(plan, json::get_string(found->status.meta, "image"), *tap,
                                                      *network, tag, found->directory.get());
    if (!process) return std::unexpected(process.error());
    return to_json(Started{*process, tag, false});
}

// liblxc's monitor passes on to the container what it is sent.
Answer<json::object> Handler::halt_container(const json::object& request) const {
    const Answer<Init> init = init_of(request);
    if (!init) return std::unexpected(init.error());
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    if (!found->status.process) return json::object{{"sent", false}};
    const UniqueFd pidfd = open_pidfd(*found->status.process);
    return json::object{{"sent", pidfd && send_signal(pidfd, halt_signal(*init))}};
}

Answer<json::object> Handler::end_container(const json::object& request) const {
    const Answer<Network> network = network_of(request);
    if (!network) return std::unexpected(network.error());
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    const Answer<void> ended = containers_.end(found->name, *network, found->directory.get());
    if (!ended) return std::unexpected(ended.error());
    return json::object{};
}

std::optional<Answer<json::object>> Handler::dispatch_containers(std::string_view verb,
                                                                 const json::object& request) const {
    if (verb == "check_containers") {
        const Answer<void> able = containers_.check();
        if (!able) return std::unexpected(able.error());
        return json::object{};
    }
    if (verb == "start_container") return start_container(request);
    if (verb == "halt_container") return halt_container(request);
    if (verb == "end_container") return end_container(request);
    return std::nullopt;
}

}  // namespace slipway::agent
