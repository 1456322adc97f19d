// The pure transition function of resources. Events carry their time and every generated id.
#pragma once

#include <expected>
#include <string>
#include <variant>

#include "domain/resource.h"

namespace slipway {

namespace resource_event {
struct Started {  // a worker holds the lease of the provisioning operation
    OperationId operation;
};
struct Provisioned {
    Endpoint endpoint;
    json::object handle;
};
struct ProvisionFailed {
    std::string reason;
    bool left_behind = false;  // undoing it failed too: something may still be out there
};
struct UpdateRequested {
    OperationId operation;
    std::optional<FormerPlan> next = {};  // the plan it is to have; none: the same
};
struct Updated {
    Endpoint endpoint;
    json::object handle;
};
struct UpdateReverted {};  // the change is being taken back: the spec is the former one again
struct UpdateFailed {
    std::string reason;
    bool left_behind = false;  // taking it back failed too: nobody knows which spec it runs with
};
struct RepairRequested {
    OperationId operation;
};
struct Repaired {
    Endpoint endpoint;
};
struct RepairFailed {
    std::string reason;
    bool lost = false;  // nothing is there any more: it cannot come back by itself
};
struct Claimed {  // a pooled resource gets its owner
    OrganizationId organization;
    std::string face;
    std::string billing_code;
    std::map<std::string, std::string> labels;
    OperationId operation = {};  // the claim operation, where the provider has to be told; empty: none
};
struct ClaimSettled {          // the provider was told of the new owner
    json::object handle = {};  // as it is since then; empty: as it was
};
struct ClaimFailed {  // undone by removing it: what had an owner for a moment never goes to another one
    std::string reason;
    bool left_behind = false;
};
struct DeleteRequested {
    OperationId operation;
};
struct Deprovisioned {};
struct DeprovisionFailed {
    std::string reason;
};
}  // namespace resource_event

using ResourceChange =
    std::variant<resource_event::Started, resource_event::Provisioned, resource_event::ProvisionFailed,
                 resource_event::UpdateRequested, resource_event::Updated, resource_event::UpdateReverted,
                 resource_event::UpdateFailed, resource_event::RepairRequested, resource_event::Repaired,
                 resource_event::RepairFailed, resource_event::Claimed, resource_event::ClaimSettled,
                 resource_event::ClaimFailed, resource_event::DeleteRequested, resource_event::Deprovisioned,
                 resource_event::DeprovisionFailed>;

struct ResourceEvent {
    TimePoint at;
    ResourceChange change;
};

// Why an event does not apply in a state; `why` is public.
struct Refusal {
    std::string why;
};

namespace resource_effect {
struct CancelOperation {  // what runs on the resource is to stop and undo itself first
    OperationId operation;
};
struct ReleaseAllocations {};  // its ports and addresses go to rest
}  // namespace resource_effect
using ResourceEffect = std::variant<resource_effect::CancelOperation, resource_effect::ReleaseAllocations>;

struct ResourceStepped {
    Resource resource;
    std::vector<ResourceEffect> effects;
};

std::expected<ResourceStepped, Refusal> step(const Resource& resource, const ResourceEvent& event);

}  // namespace slipway
