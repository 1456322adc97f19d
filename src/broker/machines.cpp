// Machines by the address under which their owners know them.
#include <algorithm>

#include "broker/access.h"
#include "broker/broker.h"

namespace slipway {
namespace {

// Far more than can have one address: it is one machine's at its provider.
constexpr std::uint32_t kMost = 100;

bool works(const Resource& machine) { return !std::holds_alternative<resource_state::Failed>(machine.state); }

}  // namespace

Task<Result<Resource>> Broker::find_machine(CallContext context, std::string address) {
    ResourceFilter filter;
    filter.kind = Kind::machine;
    filter.address = std::move(address);
    auto found = co_await list(context, std::move(filter), {"", kMost});
    if (!found) co_return fail(found.error());
    // Others' only where the caller has none: what an administrator means is first of all its own.
    const auto rank = [&](const Resource& each) {
        const bool own = each.organization == context.caller.organization;
        return std::pair(own ? 0 : 1, works(each) ? 0 : 1);
    };
    std::vector<Resource>& machines = found->items;
    if (machines.empty()) co_return fail(ErrorCode::not_found, "no such machine");
    std::ranges::sort(machines, [&](const Resource& one, const Resource& other) {
        return std::pair(rank(one), other.id) < std::pair(rank(other), one.id);  // the newest of a rank first
    });
    // Networks of two providers may have the same addresses: none of the two is taken away by a guess.
    const bool which = machines.size() > 1 && works(machines[1]) && rank(machines[0]) == rank(machines[1]);
    if (which) {
        co_return fail(ErrorCode::conflict, "several machines have this address; use a name or an id");
    }
    co_return std::move(machines[0]);
}

}  // namespace slipway
