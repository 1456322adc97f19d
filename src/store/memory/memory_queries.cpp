#include <algorithm>

#include "store/memory/memory_state.h"
#include "store/rows.h"

namespace slipway::store {
namespace {

template <class T>
bool agrees(const std::optional<T>& wanted, const auto& present) {
    return !wanted || *wanted == present;
}

bool matches(const ResourceFilter& filter, const Resource& in) {
    const auto has_label = [&](const auto& label) {
        const auto found = in.labels.find(label.first);
        return found != in.labels.end() && found->second == label.second;
    };
    const auto is_at = [&](const Resource& of) {
        return !filter.address || (!of.address.empty() && of.address == *filter.address);
    };
    return (filter.include_gone || !is_gone(in.state)) && agrees(filter.organization, in.organization) &&
           agrees(filter.kind, in.kind) && agrees(filter.engine, in.engine) && agrees(filter.plan, in.plan) &&
           agrees(filter.provider, in.provider) && agrees(filter.state, state_name(in.state)) &&
           agrees(filter.billing_code, in.billing_code) && agrees(filter.name, in.name) &&
           agrees(filter.pooled, in.pooled) && agrees(filter.placed_on, in.placed_on) && is_at(in) &&
           std::ranges::all_of(filter.labels, has_label);
}

bool matches(const OperationFilter& filter, const Operation& in) {
    return agrees(filter.organization, in.organization) && agrees(filter.resource, in.resource) &&
           agrees(filter.state, state_name(in.state)) && agrees(filter.kind, in.kind) &&
           (!filter.only_open || !is_terminal(in.state));
}

// A page of what matches, over ids in order; `at` finds the row of an id.
template <class T, class Filter, class Ids, class At>
Page<T> page_of(const Filter& filter, const PageRequest& request, const Ids& ids, At at) {
    Page<T> page;
    const std::uint32_t limit = page_limit(request.limit);
    for (auto it = ids.upper_bound(request.after); it != ids.end(); ++it) {
        const T& row = at(*it);
        if (!matches(filter, row)) continue;
        if (page.items.size() == limit) {
            page.next = page.items.back().id.str();
            break;
        }
        page.items.push_back(row);
    }
    return page;
}

// A page of the rows of a map by id.
template <class T, class Id>
Page<T> page_of_map(const std::map<Id, T>& rows, const Id& after, std::uint32_t limit, const auto& wanted) {
    Page<T> page;
    limit = page_limit(limit);
    for (auto it = rows.upper_bound(after); it != rows.end(); ++it) {
        if (!wanted(it->second)) continue;
        if (page.items.size() == limit) {
            page.next = page.items.back().id.str();
            break;
        }
        page.items.push_back(it->second);
    }
    return page;
}

}  // namespace

Page<Resource> MemoryState::resources(const ResourceFilter& filter, const PageRequest& page) const {
    if (filter.organization) {
        const auto ids = by_organization_.find(*filter.organization);
        if (ids == by_organization_.end()) return {};
        return page_of<Resource>(filter, page, ids->second,
                                 [&](const std::string& id) -> const Resource& { return *resources_.at(id); });
    }
    return page_of<Resource>(filter, page, resources_,
                             [](const auto& row) -> const Resource& { return *row.second; });
}

Page<Operation> MemoryState::operations(const OperationFilter& filter, const PageRequest& page) const {
    if (filter.resource) {
        const auto ids = operations_of_.find(*filter.resource);
        if (ids == operations_of_.end()) return {};
        return page_of<Operation>(filter, page, ids->second,
                                  [&](const std::string& id) -> const Operation& { return *operations_.at(id); });
    }
    return page_of<Operation>(filter, page, operations_,
                              [](const auto& row) -> const Operation& { return *row.second; });
}

const Resource* MemoryState::resource_by_external_name(const std::string& provider,
                                                       const std::string& external_name) const {
    const auto found = external_names_.find({provider, external_name});
    return found != external_names_.end() ? resource(found->second) : nullptr;
}

const Resource* MemoryState::claimable(Kind kind, const std::string& engine, const std::string& plan,
                                       std::uint32_t skip) const {
    const auto pool = pools_.find({kind, engine, plan});
    if (pool == pools_.end() || pool->second.ready.size() <= skip) return nullptr;
    return resource(*std::next(pool->second.ready.begin(), skip));
}

std::vector<PoolLevel> MemoryState::pool_levels() const {
    std::vector<PoolLevel> levels;
    for (const auto& [key, pool] : pools_) {
        const auto& [kind, engine, plan] = key;
        levels.push_back({kind, engine, plan, static_cast<std::uint32_t>(pool.ready.size()),
                          static_cast<std::uint32_t>(pool.coming.size())});
    }
    std::ranges::sort(levels, {}, [](const PoolLevel& level) {
        return std::tuple(to_string(level.kind), std::string_view(level.engine), std::string_view(level.plan));
    });
    return levels;
}

std::vector<HostLoad> MemoryState::host_loads(const OrganizationId& organization, Kind kind,
                                              const std::string& engine) const {
    std::vector<HostLoad> loads;
    const auto ids = by_organization_.find(organization);
    if (ids == by_organization_.end()) return loads;
    for (const std::string& id : ids->second) {
        const Resource& in = *resources_.at(id);
        if (in.kind != kind || in.engine != engine || in.pooled || !takes_placements(state_name(in.state)))
            continue;
        loads.push_back({in.id, placed_on(in.id)});
    }
    return loads;
}

std::vector<Resource> MemoryState::expiring(TimePoint until, std::uint32_t limit) const {
    std::vector<Resource> found;
    for (const auto& [due, id] : expiries_) {
        if (due > until || found.size() == page_limit(limit)) break;
        found.push_back(*resource(id));
    }
    return found;
}

std::vector<Duration> MemoryState::durations(const DurationQuery& query) const {
    std::vector<Duration> found;
    std::size_t looked_at = 0;
    for (auto it = operations_.rbegin(); it != operations_.rend() && found.size() < kMaxDurations; ++it) {
        const Operation& operation = *it->second;
        const auto* succeeded = std::get_if<operation_state::Succeeded>(&operation.state);
        if (succeeded == nullptr) continue;
        if (looked_at++ == kMaxDurationsLookedAt) break;
        const Resource& of = *resource(operation.resource);
        if (operation.kind != query.operation || of.kind != query.kind) continue;
        if (of.engine != query.engine || of.plan != query.plan) continue;
        found.push_back(succeeded->at - operation.created_at);
    }
    return found;
}

std::vector<LiveCount> MemoryState::live_counts(const OrganizationId& organization) const {
    std::vector<LiveCount> counts;
    const auto of = live_.find(organization);
    if (of == live_.end()) return counts;
    for (const auto& [key, live] : of->second) {
        const auto& [kind, engine, plan] = key;
        counts.push_back({parse_kind(kind).value(), engine, plan, live});
    }
    return counts;
}

std::vector<ResourceCount> MemoryState::resource_counts() const {
    std::vector<ResourceCount> counts;
    for (const auto& [key, resources] : in_state_) {
        const auto& [kind, engine, state, pooled] = key;
        counts.push_back({parse_kind(kind).value(), engine, std::string(state), pooled, resources});
    }
    return counts;
}

std::vector<UsageRow> MemoryState::usage(const UsageFilter& filter) const {
    std::map<std::tuple<OrganizationId, std::string, std::string_view, std::string, std::string>, UsageRow> rows;
    for (const auto& [resource, intervals] : usage_) {
        std::set<UsageRow*> counted;
        for (const UsageInterval& interval : intervals) {
            const UsageKey& key = interval.key;
            if (!agrees(filter.organization, key.organization)) continue;
            if (!agrees(filter.billing_code, key.billing_code)) continue;
            const TimePoint from = std::max(interval.from, filter.from);
            const TimePoint to = std::min(interval.to.value_or(filter.to), filter.to);
            if (from >= to) continue;
            UsageRow& row = rows[{key.organization, key.billing_code, to_string(key.kind), key.engine, key.plan}];
            row.key = key;
            row.time = to - from > Duration::max() - row.time ? Duration::max() : row.time + (to - from);
            if (counted.insert(&row).second) ++row.resources;
        }
    }
    std::vector<UsageRow> found;
    for (auto& [key, row] : rows) {
        if (found.size() == kMaxUsageRows) break;
        found.push_back(std::move(row));
    }
    return found;
}

EventPage MemoryState::events(const EventFilter& filter, std::uint64_t after, std::uint32_t limit) const {
    EventPage page;
    page.scanned = after;
    limit = page_limit(limit);
    std::uint32_t looked_at = 0;
    // False: the page is full.
    const auto look = [&](std::uint64_t sequence) {
        if (page.items.size() == limit || looked_at == kMaxEventsLookedAt) {
            page.more = true;
            return false;
        }
        ++looked_at;
        page.scanned = sequence;
        const EventDraft& event = events_[sequence - 1]->body;
        if (matches(filter, {event.resource.str(), event.operation.str(), event.organization.str(), event.type})) {
            page.items.push_back(*events_[sequence - 1]);
        }
        return true;
    };
    auto resource_id = filter.resource;
    if (const Operation* of = filter.operation ? operation(*filter.operation) : nullptr; of && !resource_id) {
        resource_id = of->resource;
    }
    if (resource_id) {
        if (const auto of = events_of_.find(*resource_id); of != events_of_.end()) {
            const auto& all = of->second;
            for (auto it = std::ranges::upper_bound(all, after); it != all.end(); ++it) {
                if (!look(*it)) return page;
            }
        }
    } else {
        for (std::uint64_t sequence = after; sequence < last_event(); ++sequence) {
            if (!look(sequence + 1)) return page;
        }
    }
    page.scanned = std::max(page.scanned, last_event());
    return page;
}

std::vector<Event> MemoryState::events(std::uint64_t after, const std::optional<ResourceId>& resource,
                                       std::uint32_t limit) const {
    std::vector<Event> found;
    limit = page_limit(limit);
    if (resource) {
        const auto of = events_of_.find(*resource);
        if (of == events_of_.end()) return found;
        const auto& all = of->second;
        for (auto it = std::ranges::upper_bound(all, after); it != all.end() && found.size() < limit; ++it) {
            found.push_back(*events_[*it - 1]);
        }
        return found;
    }
    for (std::uint64_t at = after; at < events_.size() && found.size() < limit; ++at) {
        found.push_back(*events_[at]);
    }
    return found;
}

const IdempotencyRecord* MemoryState::idempotency(const std::string& scope, const std::string& key,
                                                  TimePoint now) const {
    const auto found = idempotency_.find({scope, key});
    return found != idempotency_.end() && found->second.expires_at > now ? &found->second : nullptr;
}

const ApiKey* MemoryState::api_key_by_hash(const std::string& hash) const {
    const auto found = api_key_hashes_.find(hash);
    return found != api_key_hashes_.end() ? &api_keys_.at(found->second) : nullptr;
}

const ApiKey* MemoryState::api_key(const ApiKeyId& id) const {
    const auto found = api_keys_.find(id);
    return found != api_keys_.end() ? &found->second : nullptr;
}

Page<ApiKey> MemoryState::api_keys(const std::optional<OrganizationId>& organization,
                                   const PageRequest& page) const {
    const auto of_it = [&](const ApiKey& key) { return agrees(organization, key.organization); };
    return page_of_map<ApiKey>(api_keys_, ApiKeyId(page.after), page.limit, of_it);
}

Page<Organization> MemoryState::organizations(const PageRequest& page) const {
    return page_of_map<Organization>(organizations_, OrganizationId(page.after), page.limit,
                                     [](const Organization& each) { return !each.deleted_at; });
}

std::vector<Quota> MemoryState::quotas(const OrganizationId& organization) const {
    std::vector<Quota> all;
    const auto of = quotas_.find(organization);
    if (of == quotas_.end()) return all;
    for (const auto& [key, quota] : of->second) all.push_back(quota);
    return all;
}

std::vector<Webhook> MemoryState::webhooks() const {
    std::vector<Webhook> all;
    for (const auto& [id, webhook] : webhooks_) all.push_back(webhook);
    return all;
}

const Organization* MemoryState::organization(const OrganizationId& id) const {
    const auto found = organizations_.find(id);
    return found != organizations_.end() ? &found->second : nullptr;
}

const Cluster* MemoryState::cluster(const OrganizationId& organization, const std::string& name) const {
    const auto found = clusters_.find({organization, name});
    return found != clusters_.end() ? &found->second : nullptr;
}

Page<Cluster> MemoryState::clusters(const OrganizationId& organization, const PageRequest& request) const {
    Page<Cluster> page;
    const std::uint32_t limit = page_limit(request.limit);
    for (auto it = clusters_.upper_bound({organization, request.after});
         it != clusters_.end() && it->first.first == organization; ++it) {
        if (page.items.size() == limit) {
            page.next = page.items.back().name;
            break;
        }
        page.items.push_back(it->second);
    }
    return page;
}

std::vector<Orphan> MemoryState::orphans() const {
    std::vector<Orphan> all;
    for (const auto& [at, orphan] : orphans_) all.push_back(orphan);
    return all;
}

const std::string* MemoryState::setting(const std::string& key) const {
    const auto found = settings_.find(key);
    return found != settings_.end() ? &found->second : nullptr;
}

void MemoryState::for_each_resource(const std::function<void(const Resource&)>& visit) const {
    for (const auto& [id, row] : resources_) visit(*row);
}

void MemoryState::for_each_operation(const std::function<void(const Operation&)>& visit) const {
    for (const auto& [id, row] : operations_) visit(*row);
}

}  // namespace slipway::store
