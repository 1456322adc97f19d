// The one interface of the durable state, in the domain's words.
//
// Threads: every function may be called from any executor; a Task resumes on the executor of its awaiter.
// Durability: a commit is answered only after it is on disk. Unknown outcomes do not exist here: an error means
// that nothing of the commit is visible, now or after a restart, unless it says ErrorCode::storage with
// "outcome unknown", in which case the caller must read before it acts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "domain/access.h"
#include "domain/cluster.h"
#include "domain/draft.h"
#include "domain/event.h"
#include "domain/operation.h"
#include "domain/operation_step.h"
#include "domain/placement.h"
#include "domain/resource.h"
#include "domain/usage.h"
#include "domain/webhook.h"

namespace slipway {

// ---- Preconditions: all are checked before anything is written; the first that fails is named. ----
namespace precondition {
struct ExternalNameFree {  // no resource, live or gone, of this provider ever had the name
    std::string provider;
    std::string external_name;
};
struct IdempotencyKeyFree {  // no unexpired record of this scope and key
    std::string scope;
    std::string key;
};
struct PoolBelow {  // fewer than `limit` pooled resources of the plan are requested, provisioning or ready
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    std::uint32_t limit = 0;
};
struct LiveResourcesBelow {  // fewer than `limit` resources of the organization are neither gone nor failed
    OrganizationId organization;
    std::uint64_t limit = 0;
};
struct PlanResourcesBelow {  // the same, counting those of one plan only
    OrganizationId organization;
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    std::uint64_t limit = 0;
};
struct NameFree {  // no resource of the organization that is not gone has this name
    OrganizationId organization;
    std::string name;
};
struct OrganizationFree {  // no organization has this id, or had it before it was deleted
    OrganizationId organization;
};
// Besides this one there is a key of an administrator that was not revoked and does not expire.
struct AnotherAdministrator {
    ApiKeyId key;
};
struct ResourceUnchanged {  // the resource has this version; for decisions that only read it
    ResourceId resource;
    std::uint64_t version = 0;
};
// The host (Resource::placed_on) is requested, provisioning, ready or updating, and fewer than `limit` resources
// hold a place on it (holds_place: neither gone nor failed, nor on their way from the one to the other).
struct PlaceFree {
    ResourceId host;
    std::uint64_t limit = 0;
};
struct PlacesFull {  // the opposite of PlaceFree
    ResourceId host;
    std::uint64_t limit = 0;
};
struct NothingPlaced {  // no resource holds a place on the host
    ResourceId host;
};
struct SettingIs {  // the setting has this value; "" for one that is not there
    std::string key;
    std::string value;
};
struct ClusterFree {  // no cluster of the organization has this name
    OrganizationId organization;
    std::string name;
};
}  // namespace precondition
using Precondition =
    std::variant<precondition::ExternalNameFree, precondition::IdempotencyKeyFree, precondition::PoolBelow,
                 precondition::LiveResourcesBelow, precondition::PlanResourcesBelow, precondition::NameFree,
                 precondition::OrganizationFree, precondition::AnotherAdministrator,
                 precondition::ResourceUnchanged, precondition::PlaceFree, precondition::PlacesFull,
                 precondition::NothingPlaced, precondition::SettingIs, precondition::ClusterFree>;

// ---- Writes. ----
struct IdempotencyRecord {
    std::string scope;  // organization and face
    std::string key;
    std::string request_hash;  // hex; the same key with another request is refused by the caller
    ResourceId resource;
    OperationId operation;
    TimePoint expires_at;
    std::string made = {};  // the id of what else was made: a key's, a webhook's, …
    Sealed secret = {};     // what was shown with it, to be shown again
};

// Something at a provider that no live resource accounts for, as a sweep found it.
struct Orphan {
    std::string provider;
    std::string external_name;
    std::string kind;  // "lost" (ours, unknown to the store), "gone" (ours, should be gone), "foreign"
    std::string detail;
    ResourceId resource;  // from its ownership tag; may be empty
    std::uint64_t generation = 0;
    TimePoint first_seen;
    TimePoint last_seen;
    std::optional<TimePoint> removed_at;
};

namespace write {
// Stored only if the stored version equals resource.version (0: it must not exist); the stored one is +1. Provider
// and external name never change (invalid_argument); a new resource whose name there was ever used is
// external_name_taken, asked for or not. One commit writes one row at most once (invalid_argument).
struct PutResource {
    Resource resource;
};
// The same for operations; where `fence` is set, the stored fence must equal it as well. Its resource must exist
// (resource_changed) or be written by the same commit. blocked_by is stored empty where the other operation is
// terminal, absent or unblocked by this commit, since nothing would ever clear it.
struct PutOperation {
    Operation operation;
    std::optional<std::uint64_t> fence;
};
struct Unblock {  // clears blocked_by in every operation that waits for this one, and raises their versions
    OperationId operation;
};
struct ReleaseAllocations {  // the resource's allocations are freed and rest until then
    ResourceId resource;
    TimePoint rest_until;
};
struct PutIdempotency {
    IdempotencyRecord record;
};
struct PutOrganization {  // insert or replace by id
    Organization organization;
};
// Marks it deleted, revokes its keys and drops its quotas and webhooks. Only where it is there (organization_gone),
// has neither a resource that is not gone nor a cluster (organization_used), and no administrator's key that stays
// is its own without there being another (last_administrator). From then on whatever would give it something (a
// resource that is not gone, a key that is not revoked, a quota, a webhook, a cluster, or itself anew) is
// organization_gone.
struct DeleteOrganization {
    OrganizationId organization;
    TimePoint at;
};
struct PutApiKey {  // insert or replace by id
    ApiKey key;
};
struct PutQuota {  // insert or replace by organization, kind, engine and plan
    Quota quota;
};
struct DropQuota {  // the one of the same organization, kind, engine and plan; its limit does not matter
    Quota quota;
};
// Stored only if the stored version equals webhook.version (0: it must not exist); the stored one is +1.
struct PutWebhook {
    Webhook webhook;
};
struct DropWebhook {
    WebhookId webhook;
};
// As a webhook, by organization and name. Two clusters never have one slug (slug_taken), and one keeps its own
// (invalid_argument).
struct PutCluster {
    Cluster cluster;
};
struct DropCluster {  // only if the stored version equals cluster.version
    Cluster cluster;
};
struct PutOrphan {  // insert or replace by provider and external name
    Orphan orphan;
};
struct DropOrphan {  // nothing is there any more
    std::string provider;
    std::string external_name;
};
struct PutSetting {  // insert or replace: "installation", wrapped data keys, …; never a plain secret
    std::string key;
    std::string value;
};
}  // namespace write
using Write =
    std::variant<write::PutResource, write::PutOperation, write::Unblock, write::ReleaseAllocations,
                 write::PutIdempotency, write::PutOrganization, write::DeleteOrganization, write::PutApiKey,
                 write::PutQuota, write::DropQuota, write::PutWebhook, write::DropWebhook, write::PutCluster,
                 write::DropCluster, write::PutOrphan, write::DropOrphan, write::PutSetting>;

// One number of a range, e.g. a port, for the lifetime of a resource. Two live allocations of one range never
// have the same value, and a freed value rests before it is given again. Taken in the order of longest rest.
// The value is put into `allocations[key]` of the commit's PutResource for the same resource (there must be one).
struct Allocation {
    std::string range;       // "local/port"
    std::string key;         // "port"
    std::int64_t first = 0;  // inclusive
    std::int64_t last = 0;   // inclusive
    ResourceId resource;
    bool replace = false;  // give up the present value (which rests until `rest_until`) for another
    TimePoint rest_until;
};

struct Commit {
    std::vector<Precondition> preconditions;
    std::vector<Allocation> allocations;
    std::vector<Write> writes;
    std::vector<EventDraft> events;
    // Everything is checked and nothing written; Committed (without rows) is the answer where it would be taken.
    bool trial = false;
};

// The commit that accepts a draft: its name must never have been used, its numbers are taken, and everything is
// written at once. Callers add their own preconditions and writes.
Commit accept(Draft draft);

// ---- Answers. ----
struct Committed {
    std::vector<Resource> resources;    // as stored, in the order of the PutResource writes
    std::vector<Operation> operations;  // as stored, in the order of the PutOperation writes
    std::uint64_t last_event = 0;       // the sequence of the last event written; 0: none
};
enum class Obstacle : std::uint8_t {
    external_name_taken,
    idempotency_key_used,
    pool_full,
    quota_reached,       // its subject: the organization, or "ORGANIZATION/ENGINE/PLAN"
    name_taken,          // NameFree
    organization_taken,  // OrganizationFree
    last_administrator,  // AnotherAdministrator, DeleteOrganization
    webhook_changed,     // version, or existence
    resource_changed,    // version, or existence
    operation_changed,   // version, or existence
    fenced,              // the operation was leased again since
    range_exhausted,     // an allocation found no free value that has rested
    no_place,            // PlaceFree
    place_free,          // PlacesFull
    place_taken,         // NothingPlaced
    setting_changed,     // SettingIs
    cluster_taken,       // ClusterFree
    slug_taken,          // of a new cluster
    cluster_changed,     // version, or existence
    organization_used,   // DeleteOrganization
    organization_gone,   // it was deleted, or there is none to delete
};
struct Rejected {
    Obstacle obstacle = Obstacle::resource_changed;
    std::string subject;  // the id, name or range it is about
};
using CommitAnswer = std::variant<Committed, Rejected>;

// ---- Leases. ----
struct LeaseRequest {
    // Operations bound to another host are passed over. Lease tokens are "<host>/<random>", so that the next
    // process of the same host knows the leases of a dead one.
    HostId host;
    Duration duration{};  // on the store's clock
    // How many may be leased now, by provider; a provider that is not named gets none.
    std::vector<std::pair<std::string, std::uint32_t>> capacity;
    std::uint32_t per_organization = 64;  // of one lease call
    // Organizations that have reached their bound already are passed over.
    std::vector<OrganizationId> saturated;
};
struct LeasedWork {
    Operation operation;  // running, with its new fence and token
    Resource resource;
    bool fresh = false;     // LeaseOutcome::fresh: copy it from what domain lease() answered
    bool takeover = false;  // LeaseOutcome::takeover, likewise
};
struct LeaseAnswer {
    TimePoint now;  // the store's clock
    std::vector<LeasedWork> work;
    // When the earliest operation that is not due yet becomes due (or its lease runs out); none: nothing to do.
    std::optional<TimePoint> next_due;
};

// ---- Queries. ----
struct ResourceFilter {
    std::optional<OrganizationId> organization;
    std::optional<Kind> kind;
    std::optional<std::string> engine;
    std::optional<std::string> plan;
    std::optional<std::string> provider;
    std::optional<std::string> state;  // state_name
    std::optional<std::string> billing_code;
    std::optional<std::string> name;
    std::optional<bool> pooled;
    std::optional<ResourceId> placed_on = {};
    std::optional<std::string> address =
        {};  // Resource::address; of what is not gone it costs the few that have it
    std::vector<std::pair<std::string, std::string>> labels;  // all must match
    bool include_gone = false;
};
struct OperationFilter {
    std::optional<OrganizationId> organization;
    std::optional<ResourceId> resource;
    std::optional<std::string> state;
    std::optional<OperationKind> kind;
    bool only_open = false;  // not terminal
};
template <class T>
struct Page {
    std::vector<T> items;
    std::string next;  // cursor of the next page; empty: this was the last
};
struct PageRequest {
    std::string after;          // cursor; empty: from the start (oldest first)
    std::uint32_t limit = 100;  // at most 1000
};
// What names an operation belongs to the operation's resource as well.
struct EventFilter {
    std::optional<ResourceId> resource = {};
    std::optional<OperationId> operation = {};
    std::optional<OrganizationId> organization = {};
    std::vector<std::string> types = {};  // any of these types, or beginnings of them ("resource."); empty: all
};
struct EventPage {
    std::vector<Event> items;   // ascending
    std::uint64_t scanned = 0;  // everything up to here was looked at: the cursor to go on from
    bool more = false;          // there is more to look at now: a page's work is bounded, found or not
};
struct LiveCount {
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    std::uint64_t live = 0;  // neither gone nor failed
};
// Of every organization.
struct ResourceCount {
    Kind kind = Kind::cache;
    std::string engine;
    std::string state;  // state_name, never "gone"
    bool pooled = false;
    std::uint64_t resources = 0;  // at least 1
    friend bool operator==(const ResourceCount&, const ResourceCount&) = default;
};
// How long finished operations of one kind took.
struct DurationQuery {
    OperationKind operation = OperationKind::provision;
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
};
struct PoolLevel {
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    std::uint32_t ready = 0;
    std::uint32_t coming = 0;  // requested or provisioning
};

// Where an operation stands that is not terminal: its state, or that it is not leased before another is terminal.
enum class OpenState : std::uint8_t { queued, blocked, running, waiting, retrying };
std::string_view to_string(OpenState state);

// What was accepted and has not ended.
struct Backlog {
    std::map<std::pair<OperationKind, OpenState>, std::uint64_t> open;  // no entry: none
    // Since when the one has been due that was due first, whoever may lease it; it may be to come, and is the end
    // of a lease where a worker has it. None: none is open but those that wait for another.
    std::optional<TimePoint> first_due;
};

// Told after every commit, from any thread; must return at once.
struct CommitNotice {
    std::vector<ResourceId> resources;
    std::vector<OperationId> operations;
    bool work = false;  // an operation may have become due
    // When the expiry of a resource that was written is due (expiry_due), of several the earliest; none: of none.
    std::optional<TimePoint> expiry_due = {};
    std::uint64_t last_event = 0;  // the sequence of the last event written; 0: none
};

class Store {
  public:
    virtual ~Store() = default;

    virtual Task<Result<CommitAnswer>> commit(Commit commit) = 0;
    virtual Task<Result<LeaseAnswer>> lease(LeaseRequest request) = 0;

    virtual Task<Result<std::optional<Resource>>> resource(ResourceId id) = 0;
    virtual Task<Result<std::optional<Resource>>> resource_by_external_name(std::string provider,
                                                                            std::string external_name) = 0;
    virtual Task<Result<Page<Resource>>> resources(ResourceFilter filter, PageRequest page) = 0;
    // A ready, pooled resource of the plan, the oldest first, skipping the first `skip` (so that callers who lost
    // a race for one try another).
    virtual Task<Result<std::optional<Resource>>> claimable(Kind kind, std::string engine, std::string plan,
                                                            std::uint32_t skip) = 0;
    virtual Task<Result<std::vector<PoolLevel>>> pool_levels() = 0;
    // The hosts of one organization, kind and engine that are requested, provisioning, ready or updating, and not
    // pooled, in the order of their ids (the oldest first), with what is placed on each.
    virtual Task<Result<std::vector<HostLoad>>> host_loads(OrganizationId organization, Kind kind,
                                                           std::string engine) = 0;

    // Those whose expiry is due (expiry_due) up to this time, what is due first at first, then by id; at most
    // `limit` (1 to 1000). It costs as many as are answered.
    virtual Task<Result<std::vector<Resource>>> expiring(TimePoint until, std::uint32_t limit) = 0;

    virtual Task<Result<std::optional<Operation>>> operation(OperationId id) = 0;
    virtual Task<Result<Page<Operation>>> operations(OperationFilter filter, PageRequest page) = 0;

    // Kept in memory: it costs the same however much is open.
    virtual Task<Result<Backlog>> backlog() = 0;
    // Durations of the newest successful ones, newest first, at most 100 out of the newest 1000 of any kind.
    virtual Task<Result<std::vector<Duration>>> durations(DurationQuery query) = 0;
    virtual Task<Result<std::vector<LiveCount>>> live_counts(OrganizationId organization) = 0;
    // Ordered by kind (its word), engine, state and pooled. Counted as they are written: it costs the same however
    // many resources there are.
    virtual Task<Result<std::vector<ResourceCount>>> resource_counts() = 0;
    // At most 10,000 rows, ordered by their keys.
    virtual Task<Result<std::vector<UsageRow>>> usage(UsageFilter filter) = 0;

    // Events with a sequence above `after`, at most `limit` (1 to 1000).
    virtual Task<Result<EventPage>> events(EventFilter filter, std::uint64_t after, std::uint32_t limit) = 0;
    // The sequence of the newest event; 0: none.
    virtual Task<Result<std::uint64_t>> last_event() = 0;

    virtual Task<Result<std::optional<IdempotencyRecord>>> idempotency(std::string scope, std::string key) = 0;
    virtual Task<Result<std::optional<ApiKey>>> api_key_by_hash(std::string hash) = 0;
    virtual Task<Result<std::optional<ApiKey>>> api_key(ApiKeyId id) = 0;
    // Revoked ones too, in the order of their ids; of one organization where it is given.
    virtual Task<Result<Page<ApiKey>>> api_keys(std::optional<OrganizationId> organization, PageRequest page) = 0;
    // Deleted ones too.
    virtual Task<Result<std::optional<Organization>>> organization(OrganizationId id) = 0;
    // Without deleted ones.
    virtual Task<Result<Page<Organization>>> organizations(PageRequest page) = 0;
    // All quotas of one organization.
    virtual Task<Result<std::vector<Quota>>> quotas(OrganizationId organization) = 0;
    // All of them: there are few (the broker bounds them).
    virtual Task<Result<std::vector<Webhook>>> webhooks() = 0;
    virtual Task<Result<std::optional<Cluster>>> cluster(OrganizationId organization, std::string name) = 0;
    // In the order of their names; the cursor is the last name.
    virtual Task<Result<Page<Cluster>>> clusters(OrganizationId organization, PageRequest page) = 0;
    virtual Task<Result<std::vector<Orphan>>> orphans() = 0;
    virtual Task<Result<std::optional<std::string>>> setting(std::string key) = 0;

    // At most one listener; set before use from several threads, cleared (nullptr) before it dies.
    virtual void listen(std::function<void(const CommitNotice&)> listener) = 0;
};

}  // namespace slipway
