// The use cases. Every face calls these and nothing below; none of them knows of a protocol.
//
// Thread-safe: called from any executor, resumes on the caller's. A 2xx of a face may follow only a successful
// answer from here: then the intent is on disk.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/sealer.h"
#include "base/task.h"
#include "broker/waiters.h"
#include "domain/access.h"
#include "domain/catalog.h"
#include "domain/ports.h"
#include "store/store.h"

namespace slipway {

struct BrokerOptions {
    HostId host;                                          // this machine
    std::string name_prefix = "oct";                      // of external names
    Duration provision_limit = std::chrono::minutes(15);  // forward work is undone after that
    Duration idempotency_ttl = std::chrono::hours(24);
    Duration rest = std::chrono::minutes(1);  // freed ports and addresses are not given again before
    std::uint64_t max_resources_per_organization = 10'000;
};

// A request's context, filled by the face.
struct CallContext {
    Caller caller;
    std::string request_id;
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

    // Accepts the removal; a creation under way is halted and undone first. A resource that is being removed
    // already answers with that operation. Errors: not_found (also for what is gone or another organization's),
    // storage.
    Task<Result<Accepted>> deprovision(CallContext context, ResourceId id);

    // Stops an operation and undoes it. Errors: not_found, conflict (it has ended, or is a deletion).
    Task<Result<Operation>> cancel(CallContext context, OperationId id, std::string reason);

    // Waits until the operation is terminal or `limit` has passed, then answers how it is. A caller that goes away
    // changes nothing.
    Task<Result<Operation>> wait(OperationId id, Duration limit);

    // Sets or replaces one label. The name "billingcode" sets the billing code.
    Task<Result<Resource>> tag(CallContext context, ResourceId id, std::string name, std::string value);

    Task<Result<Resource>> find(CallContext context, ResourceId id);
    // By the name that its clients use. Gone ones are not found.
    Task<Result<Resource>> find_by_name(CallContext context, Kind kind, std::string engine, std::string name);
    // Callers other than administrators see their own organization only, whatever the filter says.
    Task<Result<Page<Resource>>> list(CallContext context, ResourceFilter filter, PageRequest page);
    Task<Result<OperationView>> find_operation(CallContext context, OperationId id);
    Task<Result<Page<Operation>>> list_operations(CallContext context, OperationFilter filter, PageRequest page);
    Task<Result<std::vector<Event>>> timeline(CallContext context, ResourceId id, std::uint64_t after,
                                              std::uint32_t limit);

    // The tenant's password, for the owner only; nullopt where its plan has none.
    Task<Result<std::optional<Secret>>> password(CallContext context, const Resource& resource);

    // Who presents this key. Errors: unauthenticated.
    Task<Result<Caller>> authenticate(Secret key);
    // Makes a key and answers it once; only its hash is stored.
    Task<Result<Secret>> create_key(OrganizationId organization, Role role, std::string description);

    [[nodiscard]] const Catalog& catalog() const { return parts_.catalog; }
    [[nodiscard]] TimePoint now() const { return parts_.clock.now(); }

    // To be told of every commit, and to be called every 100 ms or so.
    void on_commit(const CommitNotice& notice);
    void tick();
    // Destroys the coroutines that wait() holds; for the end of a process, before its executors go.
    void abandon_waits() { waiters_.abandon(); }

  private:
    Task<Result<std::optional<Accepted>>> claim(const CallContext& context, const ProvisionRequest& request,
                                                const ProviderTraits& traits, const std::string& request_hash);
    Task<Result<Accepted>> create(const CallContext& context, const ProvisionRequest& request, const Plan& plan,
                                  const ProviderTraits& traits, const std::string& request_hash);
    Task<Result<std::optional<Accepted>>> replay(const CallContext& context, const ProvisionRequest& request,
                                                 const std::string& request_hash);
    void remember(Commit& commit, const CallContext& context, const ProvisionRequest& request,
                  const std::string& request_hash, const ResourceId& resource, const OperationId& operation) const;
    Task<Result<Commit>> deletion(const CallContext& context, const Resource& resource);

    Parts parts_;
    BrokerOptions options_;
    Waiters waiters_;
};

// Checks the parts of a request that need no store; every fault is listed.
std::vector<FieldProblem> check(const ProvisionRequest& request, const Catalog& catalog);
// The stored form of an API key: hex BLAKE2b-256.
std::string hash_key(const Secret& key);

}  // namespace slipway
