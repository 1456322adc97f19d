// The store of a history: the in-memory state is the disk; each process reaches it through a SimStore that takes
// time, crashes its process around commits, and can be mutated.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/faults.h"
#include "sim/world.h"
#include "store/memory/memory_state.h"

namespace slipway::sim {

// What survives. With the mutant synchronous-off, commits are answered before they are durable.
class Disk {
  public:
    Disk(World& world, const Duration& offset, RetryPolicy policy, Mutant mutant)
        : world_(world), offset_(offset), mutant_(mutant), state_(policy), durable_(policy) {}

    Result<CommitAnswer> commit(Commit commit);
    Result<LeaseAnswer> lease(const LeaseRequest& request);
    // Power loss: what was not synced is gone.
    void crash();
    [[nodiscard]] const store::MemoryState& state() const { return state_; }
    std::function<void(const CommitNotice&)> on_notice;
    // The most that any server ever served.
    [[nodiscard]] std::uint64_t most_placed() const { return most_placed_; }

  private:
    [[nodiscard]] TimePoint now() const { return world_.now() + offset_; }
    void synced();
    void break_rules(Commit& commit) const;
    void count_places(const std::string& engine);
    void keep_leases_alive();

    World& world_;
    const Duration& offset_;
    Mutant mutant_;
    store::MemoryState state_;
    store::MemoryState durable_;
    bool flush_planned_ = false;
    std::uint64_t most_placed_ = 0;
};

class SimStore final : public Store {
  public:
    // `crash(label, point)`: whether the process dies here; it then never comes back from its present commit.
    using CrashHook = std::function<bool(const std::string& label, CrashPoint point)>;
    SimStore(World& world, Disk& disk, Owner owner, CrashHook crash)
        : world_(world), disk_(disk), owner_(owner), crash_(std::move(crash)) {}

    Task<Result<CommitAnswer>> commit(Commit commit) override;
    Task<Result<LeaseAnswer>> lease(LeaseRequest request) override;
    Task<Result<std::optional<Resource>>> resource(ResourceId id) override;
    Task<Result<std::optional<Resource>>> resource_by_external_name(std::string provider,
                                                                    std::string name) override;
    Task<Result<Page<Resource>>> resources(ResourceFilter filter, PageRequest page) override;
    Task<Result<std::optional<Resource>>> claimable(Kind kind, std::string engine, std::string plan,
                                                    std::uint32_t skip) override;
    Task<Result<std::vector<PoolLevel>>> pool_levels() override;
    Task<Result<std::vector<HostLoad>>> host_loads(OrganizationId organization, Kind kind,
                                                   std::string engine) override;
    Task<Result<std::vector<Resource>>> expiring(TimePoint until, std::uint32_t limit) override;
    Task<Result<std::optional<Operation>>> operation(OperationId id) override;
    Task<Result<Page<Operation>>> operations(OperationFilter filter, PageRequest page) override;
    Task<Result<Backlog>> backlog() override;
    Task<Result<std::vector<Duration>>> durations(DurationQuery query) override;
    Task<Result<std::vector<LiveCount>>> live_counts(OrganizationId organization) override;
    Task<Result<std::vector<ResourceCount>>> resource_counts() override;
    Task<Result<std::vector<UsageRow>>> usage(UsageFilter filter) override;
    Task<Result<EventPage>> events(EventFilter filter, std::uint64_t after, std::uint32_t limit) override;
    Task<Result<std::uint64_t>> last_event() override;
    Task<Result<std::optional<IdempotencyRecord>>> idempotency(std::string scope, std::string key) override;
    Task<Result<std::optional<ApiKey>>> api_key_by_hash(std::string hash) override;
    Task<Result<std::optional<ApiKey>>> api_key(ApiKeyId id) override;
    Task<Result<Page<ApiKey>>> api_keys(std::optional<OrganizationId> organization, PageRequest page) override;
    Task<Result<std::optional<Organization>>> organization(OrganizationId id) override;
    Task<Result<Page<Organization>>> organizations(PageRequest page) override;
    Task<Result<std::vector<Quota>>> quotas(OrganizationId organization) override;
    Task<Result<std::vector<Webhook>>> webhooks() override;
    Task<Result<std::optional<Cluster>>> cluster(OrganizationId organization, std::string name) override;
    Task<Result<Page<Cluster>>> clusters(OrganizationId organization, PageRequest page) override;
    Task<Result<std::vector<Orphan>>> orphans() override;
    Task<Result<std::optional<std::string>>> setting(std::string key) override;
    void listen(std::function<void(const CommitNotice&)>) override {}

    // The mutant that calls before it stores: told of every commit before it is made.
    std::function<void(const Commit&)> before_commit;

  private:
    Task<void> forever() { co_await world_.wait(std::chrono::hours(24 * 365), owner_); }

    World& world_;
    Disk& disk_;
    Owner owner_;
    CrashHook crash_;
};

// "provision.create", "provision.create.undo", "accept.provision", "claim", …: which step a commit records.
std::string label_of(const Commit& commit);
std::string label_of(const Operation& operation);

}  // namespace slipway::sim
