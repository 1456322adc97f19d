// The Store in memory: for tests and simulations, where "on disk" means "in the state that a crash leaves behind".
#pragma once

#include <functional>
#include <mutex>

#include "store/memory/memory_state.h"

namespace slipway::store {

// Thread-safe; answers at once, without suspending. The clock must outlive it.
class MemoryStore final : public Store {
  public:
    explicit MemoryStore(const Clock& clock, RetryPolicy policy = {}) : clock_(clock), state_(policy) {}

    // What a crash would leave behind, and starting again from it.
    [[nodiscard]] MemoryState snapshot() const;
    void restore(MemoryState state);

    Task<Result<CommitAnswer>> commit(Commit commit) override;
    Task<Result<LeaseAnswer>> lease(LeaseRequest request) override;
    Task<Result<std::optional<Resource>>> resource(ResourceId id) override;
    Task<Result<std::optional<Resource>>> resource_by_external_name(std::string provider,
                                                                    std::string external_name) override;
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
    void listen(std::function<void(const CommitNotice&)> listener) override;

  private:
    void tell(const CommitNotice& notice);

    const Clock& clock_;
    mutable std::mutex mutex_;
    MemoryState state_;
    std::mutex listener_mutex_;
    std::function<void(const CommitNotice&)> listener_;
};

}  // namespace slipway::store
