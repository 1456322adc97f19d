// Drafts: the records that a request becomes, complete and not stored yet. Pure: time, randomness and the seal are
// passed in. Requests, pools, reconcilers and dry runs all draft here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/sealer.h"
#include "domain/catalog.h"
#include "domain/event.h"
#include "domain/operation.h"
#include "domain/ports.h"

namespace slipway {

// Who asks and why; copied into operations and events.
struct Cause {
    std::string actor;
    std::string request_id;
    std::string trace = {};  // W3C traceparent; empty: none
};

struct ProvisionDraftRequest {
    const Plan* plan = nullptr;
    ProviderTraits traits;
    OrganizationId organization;
    std::string face;
    std::string billing_code;
    std::map<std::string, std::string> labels;
    std::string name;         // empty: the external name
    std::string name_prefix;  // of the external name, e.g. "oct"
    bool pooled = false;
    json::object parameters = {};       // of this one; win over the plan's
    Secret password = {};               // its owner's own, of a machine; empty: one is made where the plan has it
    ResourceId placed_on = {};          // what serves it; empty: nothing
    std::optional<Expiry> expiry = {};  // when it ends by itself; none: never
    std::string origin = {};            // of what it is filled, in words for its owner; empty: of nothing
    OperationId blocked_by = {};        // what has to end before it is begun, e.g. the making of what serves it
    HostId host;            // this host, used where the traits say so; of what is placed: that of what serves it
    Duration time_limit{};  // forward work is undone after that
    Cause cause;
};

struct Draft {
    Resource resource;
    Operation operation;
    std::vector<AllocationRange> ranges;  // numbers that the store is to give it
    std::vector<EventDraft> events;
};

// A requested resource and the queued operation that provisions it. External names are `prefix-` + 8 hex digits.
Draft draft_provision(const ProvisionDraftRequest& request, TimePoint now, Random& random, Sealer& sealer);

// Makes a resource one of a plan, as its provider makes such now, with new secrets, of which a machine's password
// is none. Its names, owner, state and own parameters stay.
void make_of(Resource& resource, const Plan& plan, const ProviderTraits& traits, const HostId& host, Random& random,
             Sealer& sealer);

// A queued operation on an existing resource.
Operation draft_operation(OperationKind kind, const Resource& resource, const Cause& cause, TimePoint now,
                          Duration time_limit, Random& random);

EventDraft draft_event(const Resource& resource, const Cause& cause, TimePoint at, std::string type,
                       std::string message);

}  // namespace slipway
