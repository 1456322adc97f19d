// Passes everything on to another store. For what watches or disturbs a few calls and leaves the others alone.
#pragma once

#include <utility>

#include "store/store.h"

namespace slipway::store {

class ForwardingStore : public Store {
  public:
    // `inner` outlives it.
    explicit ForwardingStore(Store& inner) : inner_(inner) {}

    Task<Result<CommitAnswer>> commit(Commit commit) override { return inner_.commit(std::move(commit)); }
    Task<Result<LeaseAnswer>> lease(LeaseRequest request) override { return inner_.lease(std::move(request)); }
    Task<Result<std::optional<Resource>>> resource(ResourceId id) override {
        return inner_.resource(std::move(id));
    }
    Task<Result<std::optional<Resource>>> resource_by_external_name(std::string provider,
                                                                    std::string external_name) override {
        return inner_.resource_by_external_name(std::move(provider), std::move(external_name));
    }
    Task<Result<Page<Resource>>> resources(ResourceFilter filter, PageRequest page) override {
        return inner_.resources(std::move(filter), std::move(page));
    }
    Task<Result<std::optional<Resource>>> claimable(Kind kind, std::string engine, std::string plan,
                                                    std::uint32_t skip) override {
        return inner_.claimable(kind, std::move(engine), std::move(plan), skip);
    }
    Task<Result<std::vector<PoolLevel>>> pool_levels() override { return inner_.pool_levels(); }
    Task<Result<std::vector<HostLoad>>> host_loads(OrganizationId organization, Kind kind,
                                                   std::string engine) override {
        return inner_.host_loads(std::move(organization), kind, std::move(engine));
    }
    Task<Result<std::vector<Resource>>> expiring(TimePoint until, std::uint32_t limit) override {
        return inner_.expiring(until, limit);
    }
    Task<Result<std::optional<Operation>>> operation(OperationId id) override {
        return inner_.operation(std::move(id));
    }
    Task<Result<Page<Operation>>> operations(OperationFilter filter, PageRequest page) override {
        return inner_.operations(std::move(filter), std::move(page));
    }
    Task<Result<Backlog>> backlog() override { return inner_.backlog(); }
    Task<Result<std::vector<Duration>>> durations(DurationQuery query) override {
        return inner_.durations(std::move(query));
    }
    Task<Result<std::vector<LiveCount>>> live_counts(OrganizationId organization) override {
        return inner_.live_counts(std::move(organization));
    }
    Task<Result<std::vector<ResourceCount>>> resource_counts() override { return inner_.resource_counts(); }
    Task<Result<std::vector<UsageRow>>> usage(UsageFilter filter) override {
        return inner_.usage(std::move(filter));
    }
    Task<Result<EventPage>> events(EventFilter filter, std::uint64_t after, std::uint32_t limit) override {
        return inner_.events(std::move(filter), after, limit);
    }
    Task<Result<std::uint64_t>> last_event() override { return inner_.last_event(); }
    Task<Result<std::optional<IdempotencyRecord>>> idempotency(std::string scope, std::string key) override {
        return inner_.idempotency(std::move(scope), std::move(key));
    }
    Task<Result<std::optional<ApiKey>>> api_key_by_hash(std::string hash) override {
        return inner_.api_key_by_hash(std::move(hash));
    }
    Task<Result<std::optional<ApiKey>>> api_key(ApiKeyId id) override { return inner_.api_key(std::move(id)); }
    Task<Result<Page<ApiKey>>> api_keys(std::optional<OrganizationId> organization, PageRequest page) override {
        return inner_.api_keys(std::move(organization), std::move(page));
    }
    Task<Result<std::optional<Organization>>> organization(OrganizationId id) override {
        return inner_.organization(std::move(id));
    }
    Task<Result<Page<Organization>>> organizations(PageRequest page) override {
        return inner_.organizations(std::move(page));
    }
    Task<Result<std::vector<Quota>>> quotas(OrganizationId organization) override {
        return inner_.quotas(std::move(organization));
    }
    Task<Result<std::vector<Webhook>>> webhooks() override { return inner_.webhooks(); }
    Task<Result<std::optional<Cluster>>> cluster(OrganizationId organization, std::string name) override {
        return inner_.cluster(std::move(organization), std::move(name));
    }
    Task<Result<Page<Cluster>>> clusters(OrganizationId organization, PageRequest page) override {
        return inner_.clusters(std::move(organization), std::move(page));
    }
    Task<Result<std::vector<Orphan>>> orphans() override { return inner_.orphans(); }
    Task<Result<std::optional<std::string>>> setting(std::string key) override {
        return inner_.setting(std::move(key));
    }
    void listen(std::function<void(const CommitNotice&)> listener) override { inner_.listen(std::move(listener)); }

  protected:
    Store& inner_;
};

}  // namespace slipway::store
