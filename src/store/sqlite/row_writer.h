// Writes rows: the statements behind each kind of write. Knows no rule but how a row is stored; throws SqlFailure.
// Keeps the counts of live resources of the organizations that were written lately, and stores those that changed
// once for a whole transaction.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/allocation_book.h"
#include "store/sqlite/database.h"
#include "store/sqlite/state_counts.h"
#include "store/store.h"

namespace slipway::sqlite {

// What is stored of a row beside its body, as far as a write has to know it.
struct StoredResource {
    std::uint64_t version = 0;
    std::string provider;
    std::string external_name;
    std::string organization;
    std::string kind;
    std::string engine;
    std::string plan;
    std::string name;
    std::string billing_code;
    bool pooled = false;
    std::string state;
    std::string placed_on;                          // empty: nothing serves it
    std::string address;                            // empty: it has none
    std::optional<TimePoint> expiry_due = {};       // none: it has none
    std::shared_ptr<const Resource> row = nullptr;  // all of it, where it is known
};
StoredResource stored_form(const Resource& resource);

struct StoredOperation {
    std::uint64_t version = 0;
    std::uint64_t fence = 0;
    std::string resource;
    std::string organization;
    std::string kind;
    std::string provider;
    std::string host;
    bool open = false;
};
StoredOperation stored_form(const Operation& operation);

class RowWriter {
  public:
    explicit RowWriter(Database& database) : database_(database) {}

    std::optional<StoredResource> find_resource(const ResourceId& id);
    std::optional<StoredOperation> find_operation(const OperationId& id);

    // `before`: what is stored now; null: nothing. The versions are already the new ones.
    void put(const Resource& resource, std::string_view body, const StoredResource* before);
    void put(const Operation& operation, std::string_view body, const StoredOperation* before);
    void unblock(const OperationId& id);
    void put(const store::AllocationBook::Change& change);
    void put(const IdempotencyRecord& record, TimePoint now);
    void put(const Organization& organization);
    // Marks it deleted, revokes its keys, and drops its quotas and webhooks.
    void end(const OrganizationId& organization, TimePoint at);
    void put(const ApiKey& key);
    void put(const Quota& quota);
    void drop(const Quota& quota);
    void put(const Webhook& webhook, std::string_view body);  // at its version + 1
    void drop(const WebhookId& webhook);
    void put(const Cluster& cluster);  // at its version + 1
    void drop(const Cluster& cluster);
    void put(const Orphan& orphan);
    void drop_orphan(const std::string& provider, const std::string& external_name);
    void put_setting(const std::string& key, const std::string& value);
    void append(std::uint64_t sequence, const EventDraft& event, std::string_view body);

    struct PlanKey {
        std::string kind;
        std::string engine;
        std::string plan;
        friend auto operator<=>(const PlanKey&, const PlanKey&) = default;
    };
    std::uint64_t live_resources(const std::string& organization);
    std::uint64_t live_resources(const std::string& organization, const PlanKey& plan);
    // Stores the counts that changed; before the transaction is committed.
    void flush_counts();

  private:
    struct Count {
        std::int64_t live = 0;
        bool changed = false;
    };
    struct Counts {  // of an organization
        std::int64_t live = 0;
        bool changed = false;
        std::map<PlanKey, Count> plans;
    };
    Counts& counts(const std::string& organization);
    void put_labels(const Resource& resource, const StoredResource* before);
    void count_change(const StoredResource* before, const StoredResource& after);
    void meter(const ResourceId& id, const StoredResource* before, const StoredResource& after, TimePoint at);

    Database& database_;
    std::unordered_map<std::string, Counts> counts_;
    StateCounts state_counts_;
};

}  // namespace slipway::sqlite
