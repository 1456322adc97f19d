#include "domain/stepping.h"

#include <fmt/format.h>

#include "domain/overloaded.h"

namespace slipway {
namespace {

namespace fx = operation_effect;

// What its owner wants to know of a state that it has just come to.
std::string sentence_of(const Resource& resource) {
    if (const Endpoint* endpoint = endpoint_of(resource.state)) {
        return fmt::format("{} is ready at {}://{}:{}", resource.name, endpoint->scheme, endpoint->host,
                           endpoint->port);
    }
    if (const auto* failed = std::get_if<resource_state::Failed>(&resource.state)) {
        return fmt::format(
            "{} has failed: {}{}{}", resource.name, failed->reason,
            resource.remnants.empty() ? "" : "; this may be left: ", fmt::join(resource.remnants, ", "));
    }
    if (std::holds_alternative<resource_state::Gone>(resource.state)) {
        return fmt::format("{} is gone; nothing of it is left", resource.name);
    }
    return fmt::format("{} is {}", resource.name, state_name(resource.state));
}

void change_resource(const ResourceChange& change, TimePoint at, Resource& resource, Applied& applied,
                     std::vector<EventDraft>& events) {
    auto stepped = step(resource, {at, change});
    if (!stepped) {
        applied.refused = stepped.error();
        return;
    }
    const bool moved = state_name(stepped->resource.state) != state_name(resource.state);
    resource = std::move(stepped->resource);
    applied.resource_changed = true;
    for (const ResourceEffect& effect : stepped->effects) {
        if (std::holds_alternative<resource_effect::ReleaseAllocations>(effect)) applied.release_allocations = true;
    }
    if (!moved) return;
    EventDraft event;
    event.at = at;
    event.resource = resource.id;
    event.organization = resource.organization;
    event.type = fmt::format("resource.{}", state_name(resource.state));
    event.message = sentence_of(resource);
    events.push_back(std::move(event));
}

}  // namespace

Applied apply_effects(std::vector<OperationEffect> effects, TimePoint at, Resource& resource,
                      std::vector<EventDraft>& events) {
    Applied applied;
    for (OperationEffect& effect : effects) {
        std::visit(
            Overloaded{
                [&](const fx::CallProvider& call) { applied.call = call.verb; },
                [&](const fx::ChangeResource& in) { change_resource(in.change, at, resource, applied, events); },
                [&](const fx::Reallocate& in) { applied.reallocate.push_back(in.key); },
                [&](const fx::ReleaseFollower&) { applied.release_follower = true; },
                [&](fx::Record& in) { events.push_back(std::move(in.event)); },
            },
            effect);
    }
    return applied;
}

void attribute(std::vector<EventDraft>& events, const Operation& operation) {
    for (EventDraft& event : events) {
        if (event.operation.empty()) event.operation = operation.id;
        if (event.actor.empty()) event.actor = operation.actor;
        if (event.request_id.empty()) event.request_id = operation.request_id;
        if (event.trace.empty()) event.trace = operation.trace;
    }
}

}  // namespace slipway
