// A resource: what was asked for and where its life stands.
//
//   requested ──started──▶ provisioning ──provisioned──▶ ready ◀──────┐
//       │                      │    └──provision failed─▶ failed      │ updated / update failed
//       │                      │                            │   ready ──update requested──▶ updating
//       └──delete requested──▶ deprovisioning ◀──delete requested (from any state but gone)
//                                 └──deprovisioned──▶ gone     └──deprovision failed──▶ failed
//
// Three things are kept apart: the lifecycle (ResourceState: asked and done), the health (as last observed)
// and the remnants (what a failure left behind).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/sealer.h"
#include "domain/ids.h"
#include "domain/provider_types.h"

namespace slipway {

enum class Kind : std::uint8_t { cache, database_server, database, machine, cluster, backup };
std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

enum class Health : std::uint8_t { unknown, healthy, degraded, unreachable };
std::string_view to_string(Health health);

namespace resource_state {
struct Requested {  // accepted and on disk; nobody has started it
    OperationId operation;
    friend bool operator==(const Requested&, const Requested&) = default;
};
struct Provisioning {
    OperationId operation;
    friend bool operator==(const Provisioning&, const Provisioning&) = default;
};
struct Ready {
    Endpoint endpoint;
    OperationId maintenance;  // a repair or a claim under way; empty: none
    friend bool operator==(const Ready&, const Ready&) = default;
};
struct Updating {
    OperationId operation;
    Endpoint endpoint;
    friend bool operator==(const Updating&, const Updating&) = default;
};
struct Deprovisioning {
    OperationId operation;
    bool after_failure = false;  // it had failed before: what it had given up it does not take again
    friend bool operator==(const Deprovisioning&, const Deprovisioning&) = default;
};
struct Gone {
    TimePoint at;
    friend bool operator==(const Gone&, const Gone&) = default;
};
struct Failed {
    std::string reason;  // public
    friend bool operator==(const Failed&, const Failed&) = default;
};
}  // namespace resource_state

using ResourceState = std::variant<resource_state::Requested, resource_state::Provisioning, resource_state::Ready,
                                   resource_state::Updating, resource_state::Deprovisioning, resource_state::Gone,
                                   resource_state::Failed>;

// The state's stable word: "requested", "provisioning", … (also stored in a column with a CHECK).
std::string_view state_name(const ResourceState& state);

// What an update goes back to when it fails.
struct FormerPlan {
    std::string plan;
    json::object parameters;
    friend bool operator==(const FormerPlan&, const FormerPlan&) = default;
};

// When a resource ends by itself: it is removed as if its owner had asked for that (expiry.h).
struct Expiry {
    TimePoint at;          // its end
    TimePoint due;         // when somebody has to see to it next: to warn, to remove it, to try that again
    bool warned = false;   // its owner was told that it is about to end
    bool delayed = false;  // its owner was told that something is in the way of its removal
    friend bool operator==(const Expiry&, const Expiry&) = default;
};

struct Resource {
    ResourceId id;
    std::string name;  // what its owner calls it
    Kind kind = Kind::cache;
    std::string engine;            // "redis", "postgres", …
    std::string plan;              // the plan's name in the catalog
    std::string provider;          // the provider's name
    std::string external_name;     // its name at the provider; unique for ever within the provider
    std::uint64_t generation = 1;  // told to the provider with every call; raised when it is made anew

    OrganizationId organization;
    std::string face;  // through which face it was made
    std::string billing_code;
    std::map<std::string, std::string> labels;
    bool pooled = false;  // made ahead and not claimed by anyone yet
    HostId host;          // the machine of ours it lives on; empty: none of ours
    // The resource that serves it, for life: a database's server. It has a place there until it is gone or has
    // failed.
    ResourceId placed_on;  // empty: none

    ResourceState state;
    std::optional<Expiry> expiry;  // none: it lasts until somebody removes it
    std::string address;           // of a machine: where it is reached, or was at last; empty: it never was
    Health health = Health::unknown;
    TimePoint health_at;
    std::string health_detail;          // public
    std::vector<std::string> remnants;  // public words for what is still out there after a failure

    json::object parameters;                          // a copy of the plan's when it was made, under its own
    json::object own_parameters;                      // given for this one alone: they survive a change of plan
    std::optional<FormerPlan> former;                 // while it changes to another plan
    std::map<std::string, std::int64_t> allocations;  // ports, uids, …, as given by the store
    std::map<std::string, Sealed> secrets;            // "password", "management_password", …; machine.h
    json::object handle;                              // the provider's immutable ids

    TimePoint created_at;
    TimePoint updated_at;
    std::uint64_t version = 0;  // optimistic concurrency: 0 is not stored yet; raised by every write
};

// A plan's parameters with those of one resource above them.
json::object overlaid(json::object parameters, const json::object& own);
// Whether it has a place on what serves it.
bool holds_place(const Resource& resource);
// The operation that is working on it now; empty: none.
OperationId active_operation(const ResourceState& state);
// The endpoint while there is one (ready, updating); null otherwise, and for what nobody connects to.
const Endpoint* endpoint_of(const ResourceState& state);
// The context to which a resource's secret is sealed.
std::string secret_context(const ResourceId& id, std::string_view secret_name);

}  // namespace slipway
