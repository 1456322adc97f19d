// The use cases. Every face calls these and nothing below; none of them knows of a protocol.
//
// Thread-safe: called from any executor, resumes on the caller's. A 2xx of a face may follow only a successful
// answer from here: then the intent is on disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/sealer.h"
#include "base/task.h"
#include "broker/quotas.h"
#include "broker/selector.h"
#include "broker/waiters.h"
#include "domain/access.h"
#include "domain/catalog.h"
#include "domain/draft.h"
#include "domain/expiry.h"
#include "domain/ports.h"
#include "store/placing.h"
#include "store/store.h"

namespace slipway {

struct BrokerOptions {
    HostId host;                                          // this machine
    std::string name_prefix = "oct";                      // of external names
    Duration provision_limit = std::chrono::minutes(15);  // forward work is undone after that
    Duration idempotency_ttl = std::chrono::hours(24);
    Duration rest = std::chrono::minutes(1);                // freed ports and addresses are not given again before
    std::uint64_t max_resources_per_organization = 10'000;  // where an organization has no quota of its own
    std::size_t max_feed_waits = 1'000;                     // at once; more are refused
};

// A request's context, filled by the face.
struct CallContext {
    Caller caller;
    std::string request_id;
    std::string trace = {};  // W3C traceparent; empty: none

    [[nodiscard]] Cause cause() const { return {caller.actor, request_id, trace}; }
};

struct ProvisionRequest {
    std::string face;  // "redis", "native", …
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    std::string billing_code;  // 1 to 128 printable characters
    std::map<std::string, std::string>
        labels;                   // at most 32; keys [A-Za-z0-9._/-]{1,63}, values up to 255 characters
    std::string idempotency_key;  // empty: none; 1 to 128 printable ASCII characters
    std::string name = {};        // empty: its external name; valid_name(), free in the organization
    // Whose it is to be; none: the caller's. Only administrators may name another.
    std::optional<OrganizationId> organization = {};
    // For the provider, besides the plan's, which they win over. The face has checked them: they are not the
    // caller's words.
    json::object parameters = {};
    // Of a machine, and of nothing else: the login that is made on it. The password is kept until that was seen to
    // work, and forgotten then.
    std::string username = {};
    Secret password = {};
    // When it ends by itself, counted from its acceptance; nothing: what its plan says.
    LifetimeWish expires_in = {};
    // What it takes as long as its data need; none: as long as anything may take.
    Duration time_limit = {};
    bool made_anew = false;  // never one that was made ahead
    // Of plans with a placement rule: on this shared resource, whatever the rule would say. As `parameters`, no
    // word of the caller's.
    std::optional<ResourceId> placed_on = {};
    // Of what it is filled, in words for its owner: "it is filled from backup b1 of db1, …". No word of the
    // caller's.
    std::string origin = {};
};

// What else belongs into the commit that accepts a request: conditions (those of placement, clusters and resources
// that do not hold are ErrorCode::precondition_failed: look again) and writes.
using Companion = std::function<void(Commit& commit, const ResourceId& resource)>;

// What is not named stays as it is.
struct UpdateRequest {
    std::optional<std::string> plan;  // of the same kind, engine and provider
    std::optional<std::string> name;
    std::optional<std::string> billing_code;
    std::map<std::string, std::optional<std::string>> labels;  // nullopt takes a label away
    std::optional<std::uint64_t> if_version;                   // only if the resource has this version
    LifetimeWish expires_in = {};                              // from now on
};

// What an accepted request became.
struct Accepted {
    Resource resource;
    std::optional<Operation> operation;  // none where nothing is left to do (claimed from a pool)
    bool replayed = false;               // an idempotency key brought back an earlier request
};

struct OperationView {
    Operation operation;
    std::optional<Resource> resource;
};

// What is shared: where a database lives, and what a server serves.
struct Sharing {
    std::string server = {};  // the name of the shared server that it is on; empty: it lives by itself
    // Of a shared server, for administrators; else none.
    std::optional<std::uint64_t> serves = {};  // databases that hold a place on it
    std::optional<std::uint64_t> places = {};  // the most that it takes
    std::optional<bool> current = {};          // whether it is the one that new databases go to
};

struct PlannedStep {
    StepKind kind = StepKind::create;
    std::string what;  // for the owner
};
struct Forecast {  // from what the same took before
    Duration median{};
    Duration p95{};
    std::uint32_t samples = 0;  // at least 1
};
// A dry run: what a request would do now. It promises nothing: others may come first.
struct Preview {
    bool allowed = true;
    std::optional<Error> refusal;  // why not, as the request itself would be answered
    bool from_pool = false;
    std::string server = {};         // the shared resource on which it would be placed; empty: it lives by itself
    bool new_server = false;         // which would be made for it
    std::vector<PlannedStep> steps;  // none: it is done at once
    std::optional<TimePoint> expires_at = {};  // when it would end by itself; none: never
    std::optional<Price> price_before;
    std::optional<Price> price_after;
    std::vector<QuotaEffect> quotas;
    std::optional<Forecast> expected;
};

struct AdoptRequest {
    std::string face;
    std::string provider;
    std::string external_name;
    std::string plan;                            // of that provider
    std::optional<Kind> kind;                    // needed where several kinds or engines have a plan of this name
    std::string engine;                          // likewise
    std::string billing_code;                    // empty: the organization's id
    std::string name;                            // empty: the external name
    std::string idempotency_key;                 // as in ProvisionRequest
    std::optional<OrganizationId> organization;  // none: the caller's
    std::string server = {};  // the name of the shared one it is on; for plans with a placement rule, where the
                              // record of what is on it is lost
};

// A plan, and how it stands.
struct PlanView {
    const Plan* plan = nullptr;  // of the catalog
    std::uint32_t ready = 0;     // in its pool
    std::uint32_t coming = 0;
    Status available;  // ErrorCode::unavailable: why its provider cannot make it now
};

class Broker {
  public:
    struct Parts {
        Store& store;
        const Catalog& catalog;
        const ProviderDirectory& providers;
        Sealer& sealer;
        const Clock& clock;
        Random& random;
    };
    Broker(Parts parts, BrokerOptions options);
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    // Claims one from the plan's pool, or accepts the making of a new one.
    // Errors: invalid_argument (with problems), unavailable, exhausted (quota, no free port), idempotency_reuse,
    // storage.
    Task<Result<Accepted>> provision(CallContext context, ProvisionRequest request);
    // For other use cases: with what belongs to it, and for the system's organization where it is named (the caller
    // has seen to it that the request may do so).
    Task<Result<Accepted>> provision_with(CallContext context, ProvisionRequest request, Companion companion);

    // Accepts the removal; a creation under way is halted and undone first. A resource that is being removed
    // already answers with that operation. Errors: not_found (also for what is gone or another organization's),
    // conflict (others are placed on it), storage.
    Task<Result<Accepted>> deprovision(CallContext context, ResourceId id);

    // The commit that would accept it, of this resource as it was read, which is not gone: for other use cases that
    // remove one with what they write. The last operation that it writes is the removal. Errors: conflict, storage.
    Task<Result<Commit>> deletion(CallContext context, const Resource& resource);

    // Changes it. The operation is there where the provider has to be told; its failure goes back to the former
    // plan. Errors: not_found, forbidden, invalid_argument (with problems), conflict (it is not ready; its name is
    // taken; it is being removed, and its end was to be moved; if_version does not hold: precondition_failed),
    // storage.
    Task<Result<Accepted>> update(CallContext context, ResourceId id, UpdateRequest request);

    // Dry runs. Errors are only those of asking: not_found, storage; a request that would be refused is an answer.
    Task<Result<Preview>> preview_provision(CallContext context, ProvisionRequest request);
    Task<Result<Preview>> preview_update(CallContext context, ResourceId id, UpdateRequest request);
    Task<Result<Preview>> preview_deprovision(CallContext context, ResourceId id);

    Task<Result<Preview>> preview_cancel(CallContext context, OperationId id);
    Task<Result<Preview>> preview_adopt(CallContext context, AdoptRequest request);
    // For other use cases: what this operation on this resource, as it is now, would do, and whether the commit
    // that begins it would be taken.
    Task<Result<Preview>> preview_operation(Resource resource, Operation operation, Commit commit);

    // Makes a lost thing of ours (an orphan that the last sweep noted as "lost", or as "gone" where its resource
    // failed) a resource again, under its old id, name and generation, with new secrets. Administrators. Errors:
    // not_found, forbidden, invalid_argument, conflict (foreign, or it is accounted for), exhausted, unavailable.
    Task<Result<Accepted>> adopt(CallContext context, AdoptRequest request);

    // Stops an operation and undoes it. Errors: not_found, conflict (it has ended, or is a deletion).
    Task<Result<Operation>> cancel(CallContext context, OperationId id, std::string reason);

    // Waits until the operation is terminal or `limit` has passed, then answers how it is. A caller that goes away
    // changes nothing.
    Task<Result<Operation>> wait(OperationId id, Duration limit);

    // Sets or replaces one label. The name "billingcode" sets the billing code.
    Task<Result<Resource>> tag(CallContext context, ResourceId id, std::string name, std::string value);

    Task<Result<Resource>> find(CallContext context, ResourceId id);
    // By its name, else by its external name. Gone ones are not found. Administrators find those of their own
    // organization first; conflict where several others have the name.
    Task<Result<Resource>> find_by_name(CallContext context, Kind kind, std::string engine, std::string name);
    // The same of any kind, and by id ("res_…"; gone ones too).
    Task<Result<Resource>> find_named(CallContext context, std::string id_or_name);
    // By the name that it has at its provider; nullopt: none of the catalog's providers has one, or it is gone.
    Task<Result<std::optional<Resource>>> by_external_name(CallContext context, std::string name);
    // The machine that has this IP address, or had it before it failed; of several the caller's own, and one that
    // works. Errors: not_found; conflict (it cannot be told which is meant); storage.
    Task<Result<Resource>> find_machine(CallContext context, std::string address);
    // Callers other than administrators see their own organization only; naming another one is forbidden to them.
    Task<Result<Page<Resource>>> list(CallContext context, ResourceFilter filter, PageRequest page);
    // Those whose labels match, too. A page may be short while there is a next one: the work of one is bounded.
    Task<Result<Page<Resource>>> list(CallContext context, ResourceFilter filter, LabelSelector selector,
                                      PageRequest page);
    // Of each of them, in their order, which the caller may see.
    Task<Result<std::vector<Sharing>>> sharing(CallContext context, std::span<const Resource> resources);
    // The shared server of this name; an id is taken as it is. nullopt: there is none.
    Task<Result<std::optional<ResourceId>>> shared_server(std::string id_or_name);
    // All plans, with the levels of their pools and whether they can be made now.
    Task<Result<std::vector<PlanView>>> plans(CallContext context);
    Task<Result<OperationView>> find_operation(CallContext context, OperationId id);
    Task<Result<Page<Operation>>> list_operations(CallContext context, OperationFilter filter, PageRequest page);
    Task<Result<std::vector<Event>>> timeline(CallContext context, ResourceId id, std::uint64_t after,
                                              std::uint32_t limit);
    // The feed. Callers other than administrators see their own organization only; naming another one is forbidden.
    Task<Result<EventPage>> events(CallContext context, EventFilter filter, std::uint64_t after,
                                   std::uint32_t limit);
    // The newest event's number.
    Task<Result<std::uint64_t>> last_event();
    // Waits until there is an event after this number, or `limit` has passed. Errors: exhausted (too many wait),
    // storage.
    Task<Status> wait_for_event(std::uint64_t after, Duration limit);

    // The tenant's password, for its owner only (no reader, no administrator of others); nullopt where its plan has
    // none.
    Task<Result<std::optional<Secret>>> password(CallContext context, const Resource& resource);

    // Who presents this key. Errors: unauthenticated (unknown, revoked, expired).
    Task<Result<Caller>> authenticate(Secret key);
    // Whether that still holds, for what goes on for a long time. A caller without a key stays who it is.
    Task<Result<bool>> still_valid(Caller caller);

    [[nodiscard]] const Catalog& catalog() const { return parts_.catalog; }
    [[nodiscard]] TimePoint now() const { return parts_.clock.now(); }

    // To be told of every commit, and to be called every 100 ms or so.
    void on_commit(const CommitNotice& notice);
    void tick();
    // Destroys the coroutines that wait() holds; for the end of a process, before its executors go.
    void abandon_waits();

  private:
    struct Order;    // a request that may be carried out
    struct Offer;    // the commit that would carry it out
    struct Change;   // the same for an update
    struct Taking;   // the same for an adoption
    struct Halt;     // the same for a cancel
    struct Memory;   // of an idempotency key
    struct Served {  // by a shared server
        std::uint64_t live = 0;
        std::vector<Resource> first;  // the oldest few of them
    };

    Task<Result<Order>> examine(const CallContext& context, const ProvisionRequest& request,
                                Companion companion = {});
    Task<Status> admit(Order& order);
    Task<Result<std::optional<Offer>>> offer_claim(const CallContext& context, const Order& order,
                                                   std::uint32_t& skip);
    Task<Result<Offer>> offer_creation(const CallContext& context, const Order& order);
    [[nodiscard]] Placer placer() const;
    Task<Result<Served>> served_by(const ResourceId& host);
    Task<Status> serves_nothing(const Resource& host);
    Task<Result<std::optional<Accepted>>> claim(const CallContext& context, const Order& order);
    Task<Result<Accepted>> create(const CallContext& context, const Order& order);
    Task<Result<std::optional<Accepted>>> replay(const Memory& memory);
    void remember(Commit& commit, const Memory& memory, const ResourceId& resource,
                  const OperationId& operation) const;
    std::unexpected<Error> refused(const Rejected& rejected, const std::vector<QuotaRule>& quotas) const;

    Task<Result<Resource>> changeable(const CallContext& context, const ResourceId& id);
    Task<Result<Change>> draft_change(const CallContext& context, Resource resource, const UpdateRequest& request);
    Task<Result<Halt>> draft_cancel(const CallContext& context, const OperationId& id, const std::string& reason);
    Task<Result<Resource>> accounted(const Orphan& orphan);
    Task<Result<Resource>> server_of(const Resource& resource, const Plan& plan, const std::string& named);
    Task<Result<OrganizationId>> adopter(const CallContext& context, const AdoptRequest& request);
    Task<Result<Taking>> draft_adoption(const CallContext& context, const AdoptRequest& request,
                                        OrganizationId organization, const Memory& memory);

    Task<Status> try_out(Commit commit, const std::vector<QuotaRule>& quotas);
    Task<Status> foresee_provision(const CallContext& context, const ProvisionRequest& request, Preview& preview);
    Task<Status> foresee_place(const Offer& offer, Preview& preview);
    Task<Status> foresee_update(const CallContext& context, const ResourceId& id, const UpdateRequest& request,
                                Preview& preview);
    Task<Status> foresee_deprovision(const CallContext& context, const ResourceId& id, Preview& preview);
    Task<Status> foresee_quotas(const Resource& resource, std::int64_t more, Preview& preview);
    Task<Status> foresee_adoption(const CallContext& context, const AdoptRequest& request, Preview& preview);
    Task<Status> foresee(const Operation& operation, Kind kind, std::string engine, std::string plan,
                         Preview& preview);
    Task<Result<Resource>> the_one(const CallContext& context, ResourceFilter filter);

    Parts parts_;
    BrokerOptions options_;
    Waiters waiters_;  // for operations
    Waiters feed_;     // for events
};

// The dry run of what would be refused so. Errors: failures of ours, which are no answer.
Result<Preview> refused_preview(Error error);
// Checks the parts of a request that need no store; every fault is listed.
std::vector<FieldProblem> check(const ProvisionRequest& request, const Catalog& catalog);
// The stored form of an API key: hex BLAKE2b-256.
std::string hash_key(const Secret& key);

}  // namespace slipway
