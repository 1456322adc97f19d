#include "domain/resource_step.h"

#include <fmt/format.h>

#include "domain/machine.h"
#include "domain/overloaded.h"

namespace slipway {
namespace {

using namespace resource_state;
namespace ev = resource_event;
using Next = std::expected<ResourceStepped, Refusal>;

std::unexpected<Refusal> refuse(const Resource& resource, std::string_view what) {
    return std::unexpected(Refusal{fmt::format("{} is {}: {}", resource.name, state_name(resource.state), what)});
}

Next to(const Resource& resource, TimePoint at, ResourceState state, std::vector<ResourceEffect> effects = {}) {
    Resource next = resource;
    next.state = std::move(state);
    next.updated_at = at;
    return ResourceStepped{std::move(next), std::move(effects)};
}

void observe_health(Resource& resource, Health health, TimePoint at, std::string detail) {
    resource.health = health;
    resource.health_at = at;
    resource.health_detail = std::move(detail);
}

std::string remnant(const Resource& resource) {
    return fmt::format("{} at provider {}", resource.external_name, resource.provider);
}

void release_allocations(ResourceStepped& stepped) {
    stepped.resource.allocations.clear();
    stepped.effects.emplace_back(resource_effect::ReleaseAllocations{});
}

// What came to nothing: its port is free again, unless something of it may still be out there.
Next fail_creation(const Resource& in, TimePoint at, const std::string& reason, bool left_behind) {
    Next next = to(in, at, Failed{reason});
    if (left_behind) {
        next->resource.remnants = {remnant(in)};
    } else {
        release_allocations(*next);
    }
    observe_health(next->resource, Health::unknown, at, "");
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::Started& event) {
    const auto* requested = std::get_if<Requested>(&in.state);
    if (requested == nullptr) return refuse(in, "only a requested resource can be started");
    if (requested->operation != event.operation) return refuse(in, "another operation provisions it");
    return to(in, at, Provisioning{event.operation});
}

Next on(const Resource& in, TimePoint at, const ev::Provisioned& event) {
    if (!std::holds_alternative<Provisioning>(in.state)) return refuse(in, "it is not being provisioned");
    Next next = to(in, at, Ready{event.endpoint, {}});
    next->resource.handle = event.handle;
    observe_health(next->resource, Health::healthy, at, "it answered when it was made");
    return next;
}

// A creation that was halted by a deletion ends while the resource is already being deprovisioned: then there is
// nothing to change, the deletion says the last word.
Next on(const Resource& in, TimePoint at, const ev::ProvisionFailed& event) {
    if (std::holds_alternative<Deprovisioning>(in.state)) return to(in, at, in.state);
    if (!std::holds_alternative<Provisioning>(in.state) && !std::holds_alternative<Requested>(in.state)) {
        return refuse(in, "it is not being provisioned");
    }
    return fail_creation(in, at, event.reason, event.left_behind);
}

Next on(const Resource& in, TimePoint at, const ev::UpdateRequested& event) {
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr) return refuse(in, "only a ready resource can be updated");
    if (!ready->maintenance.empty()) return refuse(in, "it is being repaired; try again when that is done");
    Next next = to(in, at, Updating{event.operation, ready->endpoint});
    if (event.next) {
        next->resource.former = FormerPlan{in.plan, in.parameters};
        next->resource.plan = event.next->plan;
        next->resource.parameters = event.next->parameters;
    }
    return next;
}

// Its own parameters are among those that it goes back to, unless it did not have them then.
void go_back(Resource& resource) {
    if (!resource.former) return;
    resource.plan = std::move(resource.former->plan);
    resource.parameters = std::move(resource.former->parameters);
    resource.former.reset();
    json::object own;
    for (const auto& each : resource.own_parameters) {
        const json::value* former = resource.parameters.if_contains(each.key());
        if (former != nullptr) own[each.key()] = *former;
    }
    resource.own_parameters = std::move(own);
}

Next on(const Resource& in, TimePoint at, const ev::UpdateReverted&) {
    if (!std::holds_alternative<Updating>(in.state) && !std::holds_alternative<Deprovisioning>(in.state)) {
        return refuse(in, "it is not being updated");
    }
    Next next = to(in, at, in.state);
    go_back(next->resource);
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::Updated& event) {
    if (!std::holds_alternative<Updating>(in.state)) return refuse(in, "it is not being updated");
    Next next = to(in, at, Ready{event.endpoint, {}});
    next->resource.handle = event.handle;
    next->resource.former.reset();
    return next;
}

// What had no endpoint before was never ready: it was being taken over.
Next on(const Resource& in, TimePoint at, const ev::UpdateFailed& event) {
    if (std::holds_alternative<Deprovisioning>(in.state)) return to(in, at, in.state);
    const auto* updating = std::get_if<Updating>(&in.state);
    if (updating == nullptr) return refuse(in, "it is not being updated");
    if (updating->endpoint.host.empty()) {
        Next next = to(in, at, Failed{event.reason});
        next->resource.remnants = {remnant(in)};
        return next;
    }
    Next next = to(in, at, Ready{updating->endpoint, {}});
    go_back(next->resource);
    if (event.left_behind) {
        observe_health(next->resource, Health::degraded, at,
                       fmt::format("a change failed and could not be taken back: {}", event.reason));
    }
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::RepairRequested& event) {
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr) return refuse(in, "only a ready resource is repaired");
    if (!ready->maintenance.empty()) return refuse(in, "it is being repaired already");
    Next next = to(in, at, Ready{ready->endpoint, event.operation});
    observe_health(next->resource, Health::unreachable, at, "it stopped; it is being brought back");
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::Repaired& event) {
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr || ready->maintenance.empty()) return refuse(in, "it is not being repaired");
    Next next = to(in, at, Ready{event.endpoint, {}});
    observe_health(next->resource, Health::healthy, at, "it was brought back");
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::RepairFailed& event) {
    if (std::holds_alternative<Deprovisioning>(in.state)) return to(in, at, in.state);
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr || ready->maintenance.empty()) return refuse(in, "it is not being repaired");
    Next next = event.lost ? to(in, at, Failed{event.reason}) : to(in, at, Ready{ready->endpoint, {}});
    observe_health(next->resource, Health::unreachable, at, event.reason);
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::Claimed& event) {
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr) return refuse(in, "only a ready resource can be claimed");
    if (!in.pooled) return refuse(in, "it has an owner already");
    if (!ready->maintenance.empty()) return refuse(in, "it is being repaired");
    Next next = to(in, at, Ready{ready->endpoint, event.operation});
    next->resource.pooled = false;
    next->resource.organization = event.organization;
    next->resource.face = event.face;
    next->resource.billing_code = event.billing_code;
    next->resource.labels = event.labels;
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::ClaimSettled& event) {
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr || ready->maintenance.empty()) return refuse(in, "it is not being claimed");
    Next next = to(in, at, Ready{ready->endpoint, {}});
    if (!event.handle.empty()) next->resource.handle = event.handle;
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::ClaimFailed& event) {
    if (std::holds_alternative<Deprovisioning>(in.state)) return to(in, at, in.state);
    const auto* ready = std::get_if<Ready>(&in.state);
    if (ready == nullptr || ready->maintenance.empty()) return refuse(in, "it is not being claimed");
    return fail_creation(in, at, event.reason, event.left_behind);
}

Next on(const Resource& in, TimePoint at, const ev::DeleteRequested& event) {
    if (std::holds_alternative<Gone>(in.state)) return refuse(in, "there is nothing to delete");
    if (std::holds_alternative<Deprovisioning>(in.state)) return refuse(in, "it is being deleted already");
    std::vector<ResourceEffect> effects;
    if (const OperationId active = active_operation(in.state); !active.empty()) {
        effects.emplace_back(resource_effect::CancelOperation{active});
    }
    const bool failed = std::holds_alternative<Failed>(in.state);
    Next next = to(in, at, Deprovisioning{event.operation, failed}, std::move(effects));
    next->resource.pooled = false;  // nobody may claim it from now on
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::Deprovisioned&) {
    if (!std::holds_alternative<Deprovisioning>(in.state)) return refuse(in, "it is not being deleted");
    Next next = to(in, at, Gone{at});
    release_allocations(*next);
    next->resource.remnants.clear();
    next->resource.secrets.clear();  // nobody needs them any more
    observe_health(next->resource, Health::unknown, at, "");
    return next;
}

Next on(const Resource& in, TimePoint at, const ev::DeprovisionFailed& event) {
    if (!std::holds_alternative<Deprovisioning>(in.state)) return refuse(in, "it is not being deleted");
    Next next = to(in, at, Failed{event.reason});
    next->resource.remnants = {remnant(in)};
    return next;
}

}  // namespace

std::expected<ResourceStepped, Refusal> step(const Resource& resource, const ResourceEvent& event) {
    Next next = std::visit([&](const auto& change) { return on(resource, event.at, change); }, event.change);
    if (next) settle_machine(next->resource);
    return next;
}

}  // namespace slipway
