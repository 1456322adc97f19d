#include "providers/machines/network.h"

#include <set>

#include "agent/network.h"
#include "base/digest.h"
#include "domain/resource.h"

namespace slipway::machines {
namespace {

constexpr std::size_t kIdLength = 8;
constexpr std::size_t kTapLength = 9;

// Of all instances, until it answers false.
Task<Status> each_instance(agent::AgentClient& agent, std::function<bool(const agent::InstanceStatus&)> look,
                           Deadline deadline) {
    std::string cursor;
    do {
        const agent::Answer<agent::ListPage> page = co_await agent.list(cursor, deadline.left());
        if (!page) co_return unavailable(page.error());
        for (const agent::InstanceStatus& each : page->instances) {
            if (!look(each)) co_return Status{};
        }
        cursor = page->next;
    } while (!cursor.empty());
    co_return Status{};
}

}  // namespace

std::string network_of(const InstallationId& installation) {
    return sha256(installation.str()).substr(0, kIdLength);
}

Net own_net(const boost::asio::ip::network_v4& subnet) {
    using boost::asio::ip::address_v4;
    const address_v4 host = *subnet.hosts().begin();
    return {subnet, host, address_v4(host.to_uint() + 1), address_v4(subnet.broadcast().to_uint() - 1)};
}

std::vector<AllocationRange> address_ranges(const Net& net) {
    // Its name is in every store by now.
    return {{"libvirt/address", "address", std::int64_t{net.first.to_uint()}, std::int64_t{net.last.to_uint()}}};
}

std::unexpected<Error> unavailable(const agent::Failure& failure) {
    const bool cut_short =
        failure.code == agent::FailureCode::unavailable || failure.code == agent::FailureCode::unknown;
    return fail(cut_short ? ErrorCode::timeout : ErrorCode::unavailable, failure.message);
}

Task<Status> bring_up_whole(std::function<Task<Status>()> bring_up) {
    constexpr int kTries = 5;
    for (int tries = 1;; ++tries) {
        Status done = co_await bring_up();
        if (done) co_return done;
        if (tries == kTries || done.error().code != ErrorCode::timeout) {
            co_return fail(ErrorCode::unavailable, done.error().message, done.error().detail);
        }
    }
}

Task<Result<bool>> any_machine(agent::AgentClient& agent, Deadline deadline) {
    bool found = false;
    const Status looked = co_await each_instance(
        agent,
        [&](const agent::InstanceStatus& each) {
            found = json::get_string(each.meta, "kind") == to_string(Kind::machine);
            return !found;
        },
        deadline);
    if (!looked) co_return fail(looked.error());
    co_return found;
}

Task<Status> clear_taps(agent::AgentClient& agent, std::string network, Deadline deadline) {
    const agent::Answer<std::vector<std::string>> taps = co_await agent.taps(network, deadline.left());
    if (!taps) co_return unavailable(taps.error());
    std::set<std::string> used;
    const Status looked = co_await each_instance(
        agent,
        [&](const agent::InstanceStatus& each) {
            boost::system::error_code error;
            const auto address = boost::asio::ip::make_address_v4(json::get_string(each.meta, "address"), error);
            if (!error) used.insert(agent::tap_name(address));
            return true;
        },
        deadline);
    if (!looked) co_return looked;
    for (const std::string& each : *taps) {
        if (used.contains(each) || each.size() != kTapLength) continue;
        const auto number = static_cast<std::uint32_t>(std::stoul(each.substr(1), nullptr, 16));
        const agent::Answer<void> removed =
            co_await agent.remove_tap(network, boost::asio::ip::address_v4(number).to_string(), deadline.left());
        if (!removed) co_return unavailable(removed.error());
    }
    co_return Status{};
}

}  // namespace slipway::machines
