// Which open operations are due, in memory: the one place where a store decides what a lease call gets, and in
// what order. Kept by provider and organization, so that a backlog of one organization that has reached its bound
// costs nobody else a scan. A value: copies are independent.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace slipway::store {

struct OpenOperation {
    OperationId id;
    std::string provider;
    HostId host;
    OrganizationId organization;
    TimePoint due;
    OperationId waits_for;  // empty: none
    OperationKind kind = OperationKind::provision;
    OpenState state = OpenState::queued;  // its own, whether it waits for another or not
};

class DueIndex {
  public:
    // Brings the index up to date with the operation as it is stored now.
    void put(const Operation& operation);
    void put(OpenOperation entry);
    void erase(const OperationId& id);
    void clear() { *this = DueIndex(); }

    [[nodiscard]] bool is_open(const OperationId& id) const { return entries_.contains(id); }
    // Those that wait for it may run now; returns them in the order of their ids.
    std::vector<OperationId> unblock(const OperationId& id);

    // What a lease call gets: due first, oldest first (then by id), within the request's bounds.
    [[nodiscard]] std::vector<OperationId> select(const LeaseRequest& request, TimePoint now) const;
    // When the first one after `now` becomes due that this host may lease.
    [[nodiscard]] std::optional<TimePoint> next_due(const HostId& host, TimePoint now) const;
    [[nodiscard]] Backlog backlog() const;

  private:
    using Entry = std::shared_ptr<const OpenOperation>;  // immutable, so that copies of the index may share it
    struct Older {
        using is_transparent = void;
        bool operator()(const Entry& a, const Entry& b) const {
            return a->due != b->due ? a->due < b->due : a->id < b->id;
        }
        bool operator()(const Entry& a, TimePoint b) const { return a->due < b; }
        bool operator()(TimePoint a, const Entry& b) const { return a < b->due; }
    };
    using Queue = std::set<Entry, Older>;
    // The operations of one provider and host: a queue for each organization, and the oldest of each queue.
    struct Lane {
        std::map<OrganizationId, Queue> queues;
        Queue heads;
    };
    using LaneKey = std::pair<std::string, HostId>;
    class Merge;

    [[nodiscard]] static std::pair<OperationKind, OpenState> counted_as(const OpenOperation& entry) {
        return {entry.kind, entry.waits_for.empty() ? entry.state : OpenState::blocked};
    }
    void line_up(const Entry& entry);
    void take_out(const Entry& entry);

    std::unordered_map<OperationId, Entry> entries_;
    std::map<LaneKey, Lane> lanes_;
    std::map<HostId, Queue> by_host_;
    std::map<OperationId, std::set<OperationId>> followers_;
    std::map<std::pair<OperationKind, OpenState>, std::uint64_t> counts_;  // no entry: none
};

}  // namespace slipway::store
