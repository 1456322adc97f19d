// What every store must read off a resource or an operation in the same way.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/random.h"
#include "base/result.h"
#include "domain/operation.h"
#include "domain/resource.h"
#include "store/allocation_book.h"
#include "store/store.h"

namespace slipway::store {

// When the operation may be leased: its time to run, or the end of the lease it has. None: it is terminal.
std::optional<TimePoint> due_at(const Operation& operation);
// The operation that has to be terminal before this one is leased; null: none. (Who runs is not held back.)
const OperationId* waits_for(const Operation& operation);
// By the word of an open operation's state (state_name).
OpenState open_state(std::string_view word);

bool is_gone(const ResourceState& state);
bool is_live(const ResourceState& state);  // neither gone nor failed: it counts against the quota
// What a host's state (state_name) is while it takes new placements: requested, provisioning, ready, updating.
bool takes_placements(std::string_view state);
// "ORGANIZATION/ENGINE/PLAN": what a plan's quota that was reached is about.
std::string plan_subject(const precondition::PlanResourcesBelow& below);
// What AnotherAdministrator asks for.
bool stays_administrator(const ApiKey& key);
// The organization that would have something by this write which a deleted one cannot have; null: none.
const OrganizationId* gives_to(const Write& write);
// A pooled resource that is there or coming, so that no other has to be made.
bool counts_in_pool(const Resource& resource);

// What can be said of a commit without looking at anything stored: ErrorCode::invalid_argument for a commit that
// no store could take (an empty id, one row written twice, an allocation for a resource that it does not write).
Status check_form(const Commit& commit);

// A resource keeps its provider and external name for ever: ErrorCode::invalid_argument otherwise, and where one
// commit makes two resources of one name (`made` collects them). Null: it is not stored yet.
Status check_identity(const Resource& resource, const std::string* stored_provider,
                      const std::string* stored_external_name, std::set<std::pair<std::string, std::string>>& made);

// Says in a notice that the resource was written.
void tell(CommitNotice& notice, const Resource& resource);

// Puts planned values, one for each allocation, into the resources that the commit writes.
void give_allocations(Commit& commit, const AllocationBook::Plan& plan);

// Whether a worker may now find it due: it is open, nobody has it, and it waits for no other.
bool is_work(const Operation& operation);

// Clears blocked_by in the operations that the commit writes where nothing would ever clear it again: the other one
// is unblocked by this commit, or is terminal or absent after it. `is_open` tells of those it does not write.
void settle_waits(Commit& commit, const std::function<bool(const OperationId&)>& is_open);

// How many events one call looks at, whether they match or not, so that its work is bounded.
inline constexpr std::uint32_t kMaxEventsLookedAt = 5000;
// What of an event a filter looks at, so that a store need not read its body.
struct EventKey {
    std::string_view resource;
    std::string_view operation;
    std::string_view organization;
    std::string_view type;
};
bool matches(const EventFilter& filter, const EventKey& event);

// How many durations one call gives, of how many operations that it looks at.
inline constexpr std::size_t kMaxDurations = 100;
inline constexpr std::size_t kMaxDurationsLookedAt = 1000;
inline constexpr std::size_t kMaxUsageRows = 10'000;

inline constexpr std::uint32_t kMaxPage = 1000;
// At least one row, at most the bound.
std::uint32_t page_limit(std::uint32_t asked);

// "<host>/<random>", as LeaseRequest says.
inline LeaseToken make_lease_token(const HostId& host, TimePoint now, Random& random) {
    return LeaseToken(host.str() + "/" + make_ulid(now, random));
}

}  // namespace slipway::store
