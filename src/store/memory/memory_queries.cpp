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
    return (filter.include_gone || !is_gone(in.state)) && agrees(filter.organization, in.organization) &&
           agrees(filter.kind, in.kind) && agrees(filter.engine, in.engine) && agrees(filter.plan, in.plan) &&
           agrees(filter.provider, in.provider) && agrees(filter.state, state_name(in.state)) &&
           agrees(filter.billing_code, in.billing_code) && agrees(filter.name, in.name) &&
           agrees(filter.pooled, in.pooled) && std::ranges::all_of(filter.labels, has_label);
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

const Organization* MemoryState::organization(const OrganizationId& id) const {
    const auto found = organizations_.find(id);
    return found != organizations_.end() ? &found->second : nullptr;
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
