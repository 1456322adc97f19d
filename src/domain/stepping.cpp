#include "domain/stepping.h"

#include <fmt/format.h>

#include "domain/overloaded.h"

namespace slipway {
namespace {

namespace fx = operation_effect;

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
    event.message = fmt::format("{} is {}", resource.name, state_name(resource.state));
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

}  // namespace slipway
