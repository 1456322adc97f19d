#include "store/due_index.h"

#include <algorithm>
#include <queue>

#include "store/rows.h"

namespace slipway::store {

void DueIndex::put(const Operation& operation) {
    const auto due = due_at(operation);
    if (!due) return erase(operation.id);
    const OperationId* blocker = waits_for(operation);
    put(OpenOperation{operation.id, operation.provider, operation.host, operation.organization, *due,
                      blocker != nullptr ? *blocker : OperationId(), operation.kind,
                      open_state(state_name(operation.state))});
}

void DueIndex::put(OpenOperation entry) {
    erase(entry.id);
    auto shared = std::make_shared<const OpenOperation>(std::move(entry));
    if (shared->waits_for.empty()) {
        line_up(shared);
    } else {
        followers_[shared->waits_for].insert(shared->id);
    }
    ++counts_[counted_as(*shared)];
    entries_.emplace(shared->id, shared);
}

void DueIndex::erase(const OperationId& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    const Entry entry = found->second;
    entries_.erase(found);
    const auto counted = counts_.find(counted_as(*entry));
    if (--counted->second == 0) counts_.erase(counted);
    if (entry->waits_for.empty()) return take_out(entry);
    const auto waiting = followers_.find(entry->waits_for);
    waiting->second.erase(id);
    if (waiting->second.empty()) followers_.erase(waiting);
}

void DueIndex::line_up(const Entry& entry) {
    by_host_[entry->host].insert(entry);
    Lane& lane = lanes_[{entry->provider, entry->host}];
    Queue& queue = lane.queues[entry->organization];
    if (!queue.empty()) lane.heads.erase(*queue.begin());
    queue.insert(entry);
    lane.heads.insert(*queue.begin());
}

void DueIndex::take_out(const Entry& entry) {
    const auto host = by_host_.find(entry->host);
    host->second.erase(entry);
    if (host->second.empty()) by_host_.erase(host);
    const auto lane = lanes_.find({entry->provider, entry->host});
    const auto queue = lane->second.queues.find(entry->organization);
    lane->second.heads.erase(*queue->second.begin());
    queue->second.erase(entry);
    if (!queue->second.empty()) {
        lane->second.heads.insert(*queue->second.begin());
        return;
    }
    lane->second.queues.erase(queue);
    if (lane->second.queues.empty()) lanes_.erase(lane);
}

std::vector<OperationId> DueIndex::unblock(const OperationId& id) {
    const auto found = followers_.find(id);
    if (found == followers_.end()) return {};
    const std::vector<OperationId> freed(found->second.begin(), found->second.end());
    for (const OperationId& follower : freed) {
        OpenOperation entry = *entries_.at(follower);
        entry.waits_for = {};
        put(std::move(entry));
    }
    return freed;
}

// Walks the queues of several lanes as one, oldest first. A lane's next queue is opened only when the head before
// it was taken, and a queue that is closed costs nothing more.
class DueIndex::Merge {
  public:
    struct Source {
        const Queue* queue = nullptr;  // of an organization, or a lane's heads
        Queue::const_iterator at;
        const Lane* lane = nullptr;
        bool heads = false;
        std::size_t provider = 0;  // the caller's number for it
    };

    void open(const Lane& lane, std::size_t provider) {
        push({&lane.heads, lane.heads.begin(), &lane, true, provider});
    }
    [[nodiscard]] bool empty() const { return sources_.empty(); }
    Source pop() {
        Source source = sources_.top();
        sources_.pop();
        return source;
    }
    // Opens what comes after `source` in its lane: the next head, and (if `stay`) the rest of the same queue.
    void advance(Source source, bool stay) {
        if (source.heads) {
            Source next = source;
            ++next.at;
            push(next);
            const Queue& queue = source.lane->queues.at((*source.at)->organization);
            source = {&queue, queue.begin(), source.lane, false, source.provider};
        }
        if (!stay) return;
        ++source.at;
        push(source);
    }

  private:
    struct Later {
        bool operator()(const Source& a, const Source& b) const { return Older()(*b.at, *a.at); }
    };
    void push(const Source& source) {
        if (source.at != source.queue->end()) sources_.push(source);
    }
    std::priority_queue<Source, std::vector<Source>, Later> sources_;
};

std::vector<OperationId> DueIndex::select(const LeaseRequest& request, TimePoint now) const {
    Merge merge;
    std::vector<std::uint32_t> left;
    std::vector<HostId> hosts{HostId()};
    if (!request.host.empty()) hosts.push_back(request.host);
    for (const auto& [provider, capacity] : request.capacity) {
        left.push_back(capacity);
        for (const HostId& host : hosts) {
            const auto lane = lanes_.find({provider, host});
            if (lane != lanes_.end()) merge.open(lane->second, left.size() - 1);
        }
    }
    std::map<OrganizationId, std::uint32_t> room;
    for (const OrganizationId& organization : request.saturated) room[organization] = 0;

    std::vector<OperationId> selected;
    while (!merge.empty()) {
        const auto source = merge.pop();
        const Entry& entry = *source.at;
        if (entry->due > now) break;
        std::uint32_t& capacity = left[source.provider];
        if (capacity == 0) continue;  // nothing more of this lane
        std::uint32_t& of_organization =
            room.try_emplace(entry->organization, request.per_organization).first->second;
        const bool take = of_organization > 0;
        if (take) {
            selected.push_back(entry->id);
            --capacity;
            --of_organization;
        }
        merge.advance(source, take);
    }
    return selected;
}

std::optional<TimePoint> DueIndex::next_due(const HostId& host, TimePoint now) const {
    std::optional<TimePoint> next;
    const auto look = [&](const HostId& of) {
        const auto found = by_host_.find(of);
        if (found == by_host_.end()) return;
        const auto later = found->second.upper_bound(now);
        if (later != found->second.end() && (!next || (*later)->due < *next)) next = (*later)->due;
    };
    look(HostId());
    if (!host.empty()) look(host);
    return next;
}

Backlog DueIndex::backlog() const {
    Backlog backlog{counts_, std::nullopt};
    for (const auto& [host, queue] : by_host_) {
        const TimePoint first = (*queue.begin())->due;
        if (!backlog.first_due || first < *backlog.first_due) backlog.first_due = first;
    }
    return backlog;
}

}  // namespace slipway::store
