// The one interface of the durable state, in the domain's words.
//
// Threads: every function may be called from any executor; a Task resumes on the executor of its awaiter.
// Durability: a commit is answered only after it is on disk. Unknown outcomes do not exist here: an error means
// that nothing of the commit is visible, now or after a restart, unless it says ErrorCode::storage with
// "outcome unknown", in which case the caller must read before it acts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "domain/access.h"
#include "domain/draft.h"
#include "domain/event.h"
#include "domain/operation.h"
#include "domain/operation_step.h"
#include "domain/resource.h"

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
struct ResourceUnchanged {  // the resource has this version; for decisions that only read it
    ResourceId resource;
    std::uint64_t version = 0;
};
}  // namespace precondition
using Precondition =
    std::variant<precondition::ExternalNameFree, precondition::IdempotencyKeyFree, precondition::PoolBelow,
                 precondition::LiveResourcesBelow, precondition::ResourceUnchanged>;

// ---- Writes. ----
struct IdempotencyRecord {
    std::string scope;  // organization and face
    std::string key;
    std::string request_hash;  // hex; the same key with another request is refused by the caller
    ResourceId resource;
    OperationId operation;
    TimePoint expires_at;
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
struct PutApiKey {  // insert or replace by id
    ApiKey key;
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
using Write = std::variant<write::PutResource, write::PutOperation, write::Unblock, write::ReleaseAllocations,
                           write::PutIdempotency, write::PutOrganization, write::PutApiKey, write::PutOrphan,
                           write::DropOrphan, write::PutSetting>;

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
    quota_reached,
    resource_changed,   // version, or existence
    operation_changed,  // version, or existence
    fenced,             // the operation was leased again since
    range_exhausted,    // an allocation found no free value that has rested
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
struct PoolLevel {
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    std::uint32_t ready = 0;
    std::uint32_t coming = 0;  // requested or provisioning
};

// Told after every commit, from any thread; must return at once.
struct CommitNotice {
    std::vector<ResourceId> resources;
    std::vector<OperationId> operations;
    bool work = false;  // an operation may have become due
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

    virtual Task<Result<std::optional<Operation>>> operation(OperationId id) = 0;
    virtual Task<Result<Page<Operation>>> operations(OperationFilter filter, PageRequest page) = 0;

    // Events with a sequence above `after`, ascending; of one resource where it is given.
    virtual Task<Result<std::vector<Event>>> events(std::uint64_t after, std::optional<ResourceId> resource,
                                                    std::uint32_t limit) = 0;

    virtual Task<Result<std::optional<IdempotencyRecord>>> idempotency(std::string scope, std::string key) = 0;
    virtual Task<Result<std::optional<ApiKey>>> api_key_by_hash(std::string hash) = 0;
    virtual Task<Result<std::optional<Organization>>> organization(OrganizationId id) = 0;
    virtual Task<Result<std::vector<Orphan>>> orphans() = 0;
    virtual Task<Result<std::optional<std::string>>> setting(std::string key) = 0;

    // At most one listener; set before use from several threads, cleared (nullptr) before it dies.
    virtual void listen(std::function<void(const CommitNotice&)> listener) = 0;
};

}  // namespace slipway
