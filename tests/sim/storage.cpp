#include "sim/storage.h"

#include <fmt/format.h>

namespace slipway::sim {
namespace {

template <class T>
std::optional<T> copy(const T* found) {
    return found == nullptr ? std::nullopt : std::optional<T>(*found);
}

constexpr Duration kLeastDelay = std::chrono::microseconds(100);
constexpr Duration kMostDelay = std::chrono::milliseconds(4);
// What is read of places is often old when it is used, so that many want the same one.
constexpr Duration kStaleRead = std::chrono::milliseconds(800);
constexpr Duration kFlush = std::chrono::milliseconds(500);

}  // namespace

std::string label_of(const Operation& operation) {
    std::string label(to_string(operation.kind));
    if (operation.cursor < operation.steps.size()) {
        label += fmt::format(".{}", to_string(operation.steps[operation.cursor].kind));
    }
    if (operation.direction == Direction::undo) label += ".undo";
    return label;
}

std::string label_of(const Commit& commit) {
    for (const Write& write : commit.writes) {
        const auto* put = std::get_if<write::PutOperation>(&write);
        if (put == nullptr) continue;
        if (put->operation.version == 0) return fmt::format("accept.{}", to_string(put->operation.kind));
        if (!put->fence) return "cancel";
        return label_of(put->operation);
    }
    for (const Write& write : commit.writes) {
        if (std::holds_alternative<write::PutIdempotency>(write)) return "accept.claim";
        if (std::holds_alternative<write::PutResource>(write)) return "resource";
    }
    return "other";
}

// ---- The disk. ----

void Disk::break_rules(Commit& commit) const {
    for (Write& write : commit.writes) {
        if (auto* put = std::get_if<write::PutOperation>(&write)) {
            const Operation* stored = state_.operation(put->operation.id);
            if (mutant_ == Mutant::no_fence && put->fence && stored != nullptr) {
                put->operation.version = stored->version;
                put->operation.fence = stored->fence;
                put->fence.reset();
            }
            if (mutant_ == Mutant::delete_does_not_wait) put->operation.blocked_by = OperationId();
        }
        if (auto* put = std::get_if<write::PutResource>(&write)) {
            const Resource* stored = state_.resource(put->resource.id);
            if (stored == nullptr) continue;
            const bool claim =
                !put->resource.pooled && put->resource.face != stored->face && put->resource.face != "pool";
            const bool claimed_again = !stored->pooled && !put->resource.pooled && stored->face != "pool";
            if (mutant_ == Mutant::no_fence ||
                (mutant_ == Mutant::claim_not_conditional && (claim || claimed_again))) {
                put->resource.version = stored->version;
            }
        }
    }
    if (mutant_ == Mutant::places_unchecked) {
        std::erase_if(commit.preconditions, [](const Precondition& each) {
            return std::holds_alternative<precondition::PlaceFree>(each);
        });
    }
    if (mutant_ == Mutant::forget_release) {
        for (Allocation& allocation : commit.allocations) {
            // Everybody gets numbers of a range of its own, all beginning at the same one.
            allocation.range += "/" + allocation.resource.str();
        }
    }
}

void Disk::count_places(const std::string& engine) {
    const OrganizationId everybody(kSystemOrganization);
    for (const HostLoad& load : state_.host_loads(everybody, Kind::database_server, engine)) {
        most_placed_ = std::max(most_placed_, load.placed);
    }
}

Result<CommitAnswer> Disk::commit(Commit commit) {
    break_rules(commit);
    CommitNotice notice;
    std::optional<std::string> engine;  // of what is placed by it
    for (const Write& write : commit.writes) {
        const auto* put = std::get_if<write::PutResource>(&write);
        if (put != nullptr && !put->resource.placed_on.empty()) engine = put->resource.engine;
    }
    auto answer = state_.apply(std::move(commit), now(), &notice);
    if (engine) count_places(*engine);
    synced();
    if (on_notice) on_notice(notice);
    return answer;
}

// The mutant: a lease that has run out looks as if it had just been given.
void Disk::keep_leases_alive() {
    OperationFilter open;
    open.only_open = true;
    open.state = "running";
    for (Operation& operation : state_.operations(open, {"", 1000}).items) {
        auto& running = std::get<operation_state::Running>(operation.state);
        if (running.until > now()) continue;
        running.until = operation.run_at = now() + std::chrono::hours(1);
        Commit commit;
        commit.writes.emplace_back(write::PutOperation{std::move(operation), std::nullopt});
        static_cast<void>(state_.apply(std::move(commit), now()));
    }
}

Result<LeaseAnswer> Disk::lease(const LeaseRequest& request) {
    if (mutant_ == Mutant::lease_never_expires) keep_leases_alive();
    CommitNotice notice;
    auto answer = state_.lease(request, now(), &notice);
    synced();
    return answer;
}

void Disk::synced() {
    if (mutant_ != Mutant::synchronous_off) return;
    if (flush_planned_) return;
    flush_planned_ = true;
    world_.at(kFlush, kWorld, [this] {
        durable_ = state_;
        flush_planned_ = false;
    });
}

void Disk::crash() {
    if (mutant_ == Mutant::synchronous_off) state_ = durable_;
}

// ---- A process's way to it. ----

Task<Result<CommitAnswer>> SimStore::commit(Commit commit) {
    const std::string label = label_of(commit);
    co_await world_.wait(world_.between(kLeastDelay, kMostDelay), owner_);
    if (before_commit) before_commit(commit);
    if (crash_(label, CrashPoint::before_commit)) co_await forever();
    auto answer = disk_.commit(std::move(commit));
    if (crash_(label, CrashPoint::after_commit)) co_await forever();
    co_await world_.wait(world_.between(kLeastDelay, kMostDelay), owner_);
    co_return answer;
}

Task<Result<LeaseAnswer>> SimStore::lease(LeaseRequest request) {
    co_await world_.wait(world_.between(kLeastDelay, kMostDelay), owner_);
    auto answer = disk_.lease(request);
    const bool any = answer && !answer->work.empty();
    if (any && crash_("lease", CrashPoint::after_commit)) co_await forever();
    co_await world_.wait(world_.between(kLeastDelay, kMostDelay), owner_);
    co_return answer;
}

Task<Result<std::optional<Resource>>> SimStore::resource(ResourceId id) {
    co_return copy(disk_.state().resource(id));
}

Task<Result<std::optional<Resource>>> SimStore::resource_by_external_name(std::string provider, std::string name) {
    co_return copy(disk_.state().resource_by_external_name(provider, name));
}

Task<Result<Page<Resource>>> SimStore::resources(ResourceFilter filter, PageRequest page) {
    co_return disk_.state().resources(filter, page);
}

// Takes a moment, so that two callers can see the same one.
Task<Result<std::optional<Resource>>> SimStore::claimable(Kind kind, std::string engine, std::string plan,
                                                          std::uint32_t skip) {
    auto found = copy(disk_.state().claimable(kind, engine, plan, skip));
    co_await world_.wait(world_.between(kLeastDelay, kMostDelay), owner_);
    co_return found;
}

Task<Result<std::vector<PoolLevel>>> SimStore::pool_levels() { co_return disk_.state().pool_levels(); }

Task<Result<std::vector<HostLoad>>> SimStore::host_loads(OrganizationId organization, Kind kind,
                                                         std::string engine) {
    auto found = disk_.state().host_loads(organization, kind, engine);
    co_await world_.wait(world_.between(kLeastDelay, kStaleRead), owner_);
    co_return found;
}

Task<Result<std::vector<Resource>>> SimStore::expiring(TimePoint until, std::uint32_t limit) {
    auto found = disk_.state().expiring(until, limit);
    co_await world_.wait(world_.between(kLeastDelay, kStaleRead), owner_);
    co_return found;
}

Task<Result<std::optional<Operation>>> SimStore::operation(OperationId id) {
    auto found = copy(disk_.state().operation(id));
    co_await world_.wait(world_.between(kLeastDelay, kMostDelay), owner_);
    co_return found;
}

Task<Result<Page<Operation>>> SimStore::operations(OperationFilter filter, PageRequest page) {
    co_return disk_.state().operations(filter, page);
}

Task<Result<Backlog>> SimStore::backlog() { co_return disk_.state().backlog(); }

Task<Result<std::vector<Duration>>> SimStore::durations(DurationQuery query) {
    co_return disk_.state().durations(query);
}

Task<Result<std::vector<LiveCount>>> SimStore::live_counts(OrganizationId organization) {
    co_return disk_.state().live_counts(organization);
}

Task<Result<std::vector<ResourceCount>>> SimStore::resource_counts() { co_return disk_.state().resource_counts(); }

Task<Result<std::vector<UsageRow>>> SimStore::usage(UsageFilter filter) { co_return disk_.state().usage(filter); }

Task<Result<EventPage>> SimStore::events(EventFilter filter, std::uint64_t after, std::uint32_t limit) {
    co_return disk_.state().events(filter, after, limit);
}

Task<Result<std::uint64_t>> SimStore::last_event() { co_return disk_.state().last_event(); }

Task<Result<std::optional<IdempotencyRecord>>> SimStore::idempotency(std::string scope, std::string key) {
    co_return copy(disk_.state().idempotency(scope, key, world_.now()));
}

Task<Result<std::optional<ApiKey>>> SimStore::api_key_by_hash(std::string hash) {
    co_return copy(disk_.state().api_key_by_hash(hash));
}

Task<Result<std::optional<ApiKey>>> SimStore::api_key(ApiKeyId id) { co_return copy(disk_.state().api_key(id)); }

Task<Result<Page<ApiKey>>> SimStore::api_keys(std::optional<OrganizationId> organization, PageRequest page) {
    co_return disk_.state().api_keys(organization, page);
}

Task<Result<std::optional<Organization>>> SimStore::organization(OrganizationId id) {
    co_return copy(disk_.state().organization(id));
}

Task<Result<Page<Organization>>> SimStore::organizations(PageRequest page) {
    co_return disk_.state().organizations(page);
}

Task<Result<std::vector<Quota>>> SimStore::quotas(OrganizationId organization) {
    co_return disk_.state().quotas(organization);
}

Task<Result<std::vector<Webhook>>> SimStore::webhooks() { co_return disk_.state().webhooks(); }

Task<Result<std::optional<Cluster>>> SimStore::cluster(OrganizationId organization, std::string name) {
    co_return copy(disk_.state().cluster(organization, name));
}

Task<Result<Page<Cluster>>> SimStore::clusters(OrganizationId organization, PageRequest page) {
    co_return disk_.state().clusters(organization, page);
}

Task<Result<std::vector<Orphan>>> SimStore::orphans() { co_return disk_.state().orphans(); }

Task<Result<std::optional<std::string>>> SimStore::setting(std::string key) {
    co_return copy(disk_.state().setting(key));
}

}  // namespace slipway::sim
