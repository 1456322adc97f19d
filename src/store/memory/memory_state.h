// The whole state as a value: what a simulation calls a disk. Copies share the rows (they are immutable) and are
// otherwise independent. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "store/allocation_book.h"
#include "store/due_index.h"
#include "store/store.h"

namespace slipway::store {

class MemoryState {
  public:
    // `seed` is that of the lease tokens.
    explicit MemoryState(RetryPolicy policy = {}, std::uint64_t seed = 1) : policy_(policy), random_(seed) {}

    // As Store::commit and Store::lease; `notice` (may be null) is told what changed.
    Result<CommitAnswer> apply(Commit commit, TimePoint now, CommitNotice* notice = nullptr);
    Result<LeaseAnswer> lease(const LeaseRequest& request, TimePoint now, CommitNotice* notice = nullptr);

    // As the Store's queries. Pointers are valid until the next change; null: no such thing.
    [[nodiscard]] const Resource* resource(const ResourceId& id) const;
    [[nodiscard]] const Resource* resource_by_external_name(const std::string& provider,
                                                            const std::string& external_name) const;
    [[nodiscard]] Page<Resource> resources(const ResourceFilter& filter, const PageRequest& page) const;
    [[nodiscard]] const Resource* claimable(Kind kind, const std::string& engine, const std::string& plan,
                                            std::uint32_t skip) const;
    [[nodiscard]] std::vector<PoolLevel> pool_levels() const;
    [[nodiscard]] std::vector<HostLoad> host_loads(const OrganizationId& organization, Kind kind,
                                                   const std::string& engine) const;
    [[nodiscard]] std::vector<Resource> expiring(TimePoint until, std::uint32_t limit) const;
    [[nodiscard]] const Operation* operation(const OperationId& id) const;
    [[nodiscard]] Page<Operation> operations(const OperationFilter& filter, const PageRequest& page) const;
    [[nodiscard]] Backlog backlog() const { return due_.backlog(); }
    [[nodiscard]] std::vector<Duration> durations(const DurationQuery& query) const;
    [[nodiscard]] std::vector<LiveCount> live_counts(const OrganizationId& organization) const;
    [[nodiscard]] std::vector<ResourceCount> resource_counts() const;
    [[nodiscard]] std::vector<UsageRow> usage(const UsageFilter& filter) const;
    [[nodiscard]] EventPage events(const EventFilter& filter, std::uint64_t after, std::uint32_t limit) const;
    // The same, for tests: all of them or those of one resource.
    [[nodiscard]] std::vector<Event> events(std::uint64_t after, const std::optional<ResourceId>& resource,
                                            std::uint32_t limit) const;
    [[nodiscard]] std::uint64_t last_event() const { return events_.size(); }
    [[nodiscard]] const IdempotencyRecord* idempotency(const std::string& scope, const std::string& key,
                                                       TimePoint now) const;
    [[nodiscard]] const ApiKey* api_key_by_hash(const std::string& hash) const;
    [[nodiscard]] const ApiKey* api_key(const ApiKeyId& id) const;
    [[nodiscard]] Page<ApiKey> api_keys(const std::optional<OrganizationId>& organization,
                                        const PageRequest& page) const;
    [[nodiscard]] const Organization* organization(const OrganizationId& id) const;
    [[nodiscard]] Page<Organization> organizations(const PageRequest& page) const;
    [[nodiscard]] std::vector<Quota> quotas(const OrganizationId& organization) const;
    [[nodiscard]] std::vector<Webhook> webhooks() const;
    [[nodiscard]] const Cluster* cluster(const OrganizationId& organization, const std::string& name) const;
    [[nodiscard]] Page<Cluster> clusters(const OrganizationId& organization, const PageRequest& page) const;
    [[nodiscard]] std::vector<Orphan> orphans() const;
    [[nodiscard]] const std::string* setting(const std::string& key) const;

    // Every row in the order of its id, for tests and invariants of simulations.
    void for_each_resource(const std::function<void(const Resource&)>& visit) const;
    void for_each_operation(const std::function<void(const Operation&)>& visit) const;

  private:
    using PoolKey = std::tuple<Kind, std::string, std::string>;
    using PlanKey = std::tuple<std::string_view, std::string, std::string>;  // in the order of the kinds' words
    using StateKey =
        std::tuple<std::string_view, std::string, std::string_view, bool>;  // kind, engine, state, pooled
    struct UsageInterval {
        UsageKey key;
        TimePoint from;
        std::optional<TimePoint> to;  // none: it goes on
    };
    struct Pool {
        std::set<ResourceId> ready;
        std::set<ResourceId> coming;
    };

    std::optional<Rejected> check(const Precondition& precondition, TimePoint now) const;
    std::optional<Rejected> check(const write::PutResource& put) const;
    std::optional<Rejected> check(const write::PutOperation& put, const Commit& commit) const;
    std::optional<Rejected> check(const write::PutWebhook& put) const;
    std::optional<Rejected> check(const write::PutCluster& put) const;
    std::optional<Rejected> check(const write::DropCluster& drop) const;
    std::optional<Rejected> check(const write::DeleteOrganization& deletion) const;
    std::optional<Rejected> check_receiver(const Write& write) const;     // what is deleted is given nothing
    [[nodiscard]] std::uint64_t placed_on(const ResourceId& host) const;  // how many
    [[nodiscard]] bool has_place(const ResourceId& host, std::uint64_t limit) const;
    Status check_constraints(const Commit& commit) const;

    Resource put(Resource resource, CommitNotice& notice);
    Operation put(Operation operation, CommitNotice& notice);
    void put(IdempotencyRecord record, TimePoint now);
    void put(ApiKey key);
    void end(const write::DeleteOrganization& deletion);
    void unblock(const OperationId& id, CommitNotice& notice);
    std::uint64_t append(EventDraft draft);
    void index(const Resource& resource);
    void unindex(const Resource& resource);
    void meter(const Resource* before, const Resource& after);

    template <class T>
    using Rows = std::map<std::string, std::shared_ptr<const T>>;

    RetryPolicy policy_;
    SeededRandom random_;
    Rows<Resource> resources_;
    Rows<Operation> operations_;
    std::map<std::pair<std::string, std::string>, ResourceId> external_names_;
    std::map<OrganizationId, std::set<std::string>> by_organization_;
    std::map<ResourceId, std::set<std::string>> operations_of_;
    std::map<std::pair<OrganizationId, std::string>, std::uint64_t> names_;  // of how many that are not gone
    std::map<OrganizationId, std::map<PlanKey, std::uint64_t>> live_;        // no entry: none
    std::map<StateKey, std::uint64_t> in_state_;                             // not of those that are gone
    std::map<ResourceId, std::vector<UsageInterval>> usage_;
    std::map<PoolKey, Pool> pools_;
    std::set<std::pair<TimePoint, ResourceId>> expiries_;
    DueIndex due_;
    AllocationBook allocations_;
    std::vector<std::shared_ptr<const Event>> events_;  // sequence 1 is at 0
    std::unordered_map<ResourceId, std::vector<std::uint64_t>> events_of_;
    std::map<std::pair<std::string, std::string>, IdempotencyRecord> idempotency_;
    std::set<std::tuple<TimePoint, std::string, std::string>> idempotency_expiry_;
    std::map<OrganizationId, Organization> organizations_;
    std::map<ApiKeyId, ApiKey> api_keys_;
    std::map<std::string, ApiKeyId> api_key_hashes_;
    std::map<OrganizationId, std::map<PlanKey, Quota>> quotas_;
    std::map<WebhookId, Webhook> webhooks_;
    std::map<ResourceId, std::uint64_t> placed_;  // places that are held on each host; no entry: none
    std::map<std::pair<OrganizationId, std::string>, Cluster> clusters_;
    std::set<std::string> slugs_;
    std::map<std::pair<std::string, std::string>, Orphan> orphans_;
    std::map<std::string, std::string> settings_;
};

}  // namespace slipway::store
