#include "store/store.h"

namespace slipway {

Commit accept(Draft draft) {
    Commit commit;
    commit.preconditions.emplace_back(
        precondition::ExternalNameFree{draft.resource.provider, draft.resource.external_name});
    for (const AllocationRange& range : draft.ranges) {
        Allocation allocation;
        allocation.range = range.range;
        allocation.key = range.key;
        allocation.first = range.first;
        allocation.last = range.last;
        allocation.resource = draft.resource.id;
        commit.allocations.push_back(std::move(allocation));
    }
    commit.events = std::move(draft.events);
    commit.writes.emplace_back(write::PutResource{std::move(draft.resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(draft.operation), std::nullopt});
    return commit;
}

}  // namespace slipway
