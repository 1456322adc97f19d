#include "main/store_levels.h"

#include <algorithm>

#include "domain/placement.h"
#include "main/database_plans.h"
#include "store/rows.h"

namespace slipway {
namespace {

// Backups are never made ahead, nor are databases that cannot be renamed; servers are where that is asked for.
bool may_have_pool(const Plan& plan) {
    if (plan.kind == Kind::backup || !can_be_made_ahead(plan)) return false;
    return plan.kind != Kind::database_server || plan.pool > 0;
}

// How many databases one server of each engine serves at most, as SharedServers has it.
std::map<std::string, std::uint64_t> places_by_engine(const Catalog& catalog) {
    std::map<std::string, std::uint64_t> places;
    for (const Plan& plan : catalog.plans()) {
        if (!plan.placement) continue;
        std::uint64_t& most = places[plan.engine];
        most = std::max(most, places_of(plan.placement->threshold));
    }
    return places;
}

Metrics::Places places_of_engine(const std::vector<ResourceCount>& counts, const std::string& engine,
                                 std::uint64_t of_each) {
    Metrics::Places places;
    std::uint64_t there = 0;
    for (const ResourceCount& each : counts) {
        if (each.engine != engine) continue;
        if (each.kind == Kind::database && each.state != "failed") places.used += each.resources;
        const bool serves = each.kind == Kind::database_server && !each.pooled;
        if (serves && store::takes_placements(each.state)) there += each.resources * of_each;
    }
    places.free = there > places.used ? there - places.used : 0;
    return places;
}

}  // namespace

Task<Metrics::Levels> read_store_levels(Store& store, const Catalog& catalog, TimePoint now) {
    Metrics::Levels levels;
    if (auto pools = co_await store.pool_levels()) levels.pools = std::move(*pools);
    if (auto orphans = co_await store.orphans()) levels.orphans = std::move(*orphans);
    if (auto backlog = co_await store.backlog()) {
        levels.open = std::move(backlog->open);
        if (backlog->first_due && *backlog->first_due < now) levels.overdue = now - *backlog->first_due;
    }
    for (const Plan& plan : catalog.plans()) {
        levels.made.emplace(plan.kind, plan.engine);
        if (may_have_pool(plan)) {
            levels.pool_targets[{std::string(to_string(plan.kind)), plan.engine, plan.name}] = plan.pool;
        }
    }
    if (auto counts = co_await store.resource_counts()) {
        for (const auto& [engine, of_each] : places_by_engine(catalog)) {
            levels.places[engine] = places_of_engine(*counts, engine, of_each);
        }
        levels.resources = std::move(*counts);
    }
    co_return levels;
}

}  // namespace slipway
