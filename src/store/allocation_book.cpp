#include "store/allocation_book.h"

namespace slipway::store {

void AllocationBook::restore(const Change& row) { set(row); }

void AllocationBook::set(const Change& row) {
    Range& range = ranges_[row.range];
    if (const auto live = range.live.find(row.value); live != range.live.end()) {
        held_.erase({live->second.resource, row.range, live->second.key});
        range.live.erase(live);
    }
    if (const auto rested = range.rest_until.find(row.value); rested != range.rest_until.end()) {
        range.resting.erase({rested->second, row.value});
        range.rest_until.erase(rested);
    }
    if (row.resource.empty()) {
        range.rest_until.emplace(row.value, row.rest_until);
        range.resting.emplace(row.rest_until, row.value);
    } else {
        range.live.emplace(row.value, Owner{row.resource, row.key});
        held_.insert_or_assign(Held{row.resource, row.range, row.key}, row.value);
    }
}

std::optional<std::int64_t> AllocationBook::choose(const Allocation& wanted, TimePoint now,
                                                   const std::set<std::pair<std::string, std::int64_t>>& taken) {
    Range& range = ranges_[wanted.range];
    // What was given once has a row for ever, so the frontier only moves up.
    std::int64_t& frontier = range.frontier.try_emplace(wanted.first, wanted.first).first->second;
    while (frontier <= wanted.last && range.ever_given(frontier)) ++frontier;
    for (std::int64_t value = frontier; value <= wanted.last; ++value) {
        if (!range.ever_given(value) && !taken.contains({wanted.range, value})) return value;
    }
    for (const auto& [rest_until, value] : range.resting) {
        if (rest_until > now) break;
        if (value < wanted.first || value > wanted.last || taken.contains({wanted.range, value})) continue;
        return value;
    }
    return std::nullopt;
}

AllocationBook::Plan AllocationBook::plan(const std::vector<Allocation>& wanted, TimePoint now) {
    Plan plan;
    std::set<std::pair<std::string, std::int64_t>> taken;
    std::vector<Change> given;
    for (const Allocation& one : wanted) {
        const auto present = held_.find({one.resource, one.range, one.key});
        if (present != held_.end() && !one.replace) {
            plan.given.push_back(present->second);
            continue;
        }
        const auto value = choose(one, now, taken);
        if (!value) {
            plan.exhausted = one.range;
            return plan;
        }
        if (present != held_.end()) {
            plan.changes.push_back({one.range, present->second, {}, {}, one.rest_until});
        }
        taken.emplace(one.range, *value);
        given.push_back({one.range, *value, one.resource, one.key, {}});
        plan.given.push_back(*value);
    }
    plan.changes.insert(plan.changes.end(), given.begin(), given.end());
    return plan;
}

void AllocationBook::apply(const Plan& plan) {
    for (const Change& change : plan.changes) set(change);
}

std::vector<AllocationBook::Change> AllocationBook::release(const ResourceId& resource, TimePoint rest_until) {
    std::vector<Change> changes;
    for (auto it = held_.lower_bound(Held{resource, "", ""});
         it != held_.end() && std::get<0>(it->first) == resource; ++it) {
        changes.push_back({std::get<1>(it->first), it->second, {}, {}, rest_until});
    }
    for (const Change& change : changes) set(change);
    return changes;
}

}  // namespace slipway::store
