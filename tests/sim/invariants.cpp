#include "sim/invariants.h"

#include <fmt/format.h>

namespace slipway::sim {
namespace {

using Violations = std::vector<std::string>;
// When the removal that is the last of its resource was accepted, if that was because its lifetime was over.
using Ends = std::map<ResourceId, TimePoint>;

// By how much a resource may outlive its end, once nothing fails any more.
constexpr Duration kLateness = std::chrono::seconds(5);

std::vector<EventDraft> all_events(const store::MemoryState& state) {
    std::vector<EventDraft> all;
    while (all.size() < state.last_event()) {  // a page is bounded
        for (Event& event : state.events(all.size(), std::nullopt, 1000)) all.push_back(std::move(event.body));
    }
    return all;
}

Ends ends_in(const store::MemoryState& state) {
    Ends ends;
    for (const EventDraft& event : all_events(state)) {
        if (event.type != "resource.delete_requested") continue;
        ends.erase(event.resource);
        if (event.actor == kExpiryActor) ends.emplace(event.resource, event.at);
    }
    return ends;
}

// None is removed before its end, wherever that was moved to, and none lives on after it.
void check_end(const Evidence& evidence, const Ends& ends, const Resource& resource, Violations& out) {
    const auto complain = [&](std::string_view problem) {
        out.push_back(fmt::format("{} ({}): {}", resource.external_name, state_name(resource.state), problem));
    };
    const bool gone = std::holds_alternative<resource_state::Gone>(resource.state);
    const auto removed = ends.find(resource.id);
    if (gone && removed != ends.end() && (!resource.expiry || removed->second < resource.expiry->at)) {
        complain("it was removed before its end");
    }
    const bool lives = !gone && !std::holds_alternative<resource_state::Failed>(resource.state) &&
                       !std::holds_alternative<resource_state::Deprovisioning>(resource.state);
    if (lives && resource.expiry && resource.expiry->at + kLateness < evidence.now) complain("it outlived its end");
    if (resource.pooled && resource.expiry) complain("it has an end before it has an owner");
}

bool excused(const Evidence& evidence, const ResourceId& id) {
    return evidence.cloud.refused.contains(id) || evidence.cloud.troubled.contains(id);
}

// Exactly one thing for what is ready, none for what is gone or cleanly failed.
void check_resource(Phase phase, const Evidence& evidence, const Resource& resource, Violations& out) {
    const auto things = evidence.cloud.things_of(resource.id);
    const bool late = evidence.cloud.late.contains(resource.id);
    const std::string what = fmt::format("{} ({})", resource.external_name, state_name(resource.state));
    const auto complain = [&](std::string_view problem) { out.push_back(fmt::format("{}: {}", what, problem)); };
    if (std::holds_alternative<resource_state::Ready>(resource.state)) {
        if (phase == Phase::removed) complain("was not removed");
        const bool vanished =
            things.empty() && evidence.cloud.troubled.contains(resource.id) && !evidence.reconciled;
        if (things.size() != 1 && !vanished) complain(fmt::format("{} things exist for it", things.size()));
        if (evidence.reconciled && things.size() == 1 && things[0]->stopped)
            complain("it stopped and was not brought back");
        if (!active_operation(resource.state).empty()) complain("it is marked as worked on, and nobody does");
    } else if (std::holds_alternative<resource_state::Gone>(resource.state)) {
        if (!things.empty() && (!late || phase != Phase::served)) complain("something of it was left behind");
        if (!resource.allocations.empty()) complain("it still holds a port");
        if (!resource.secrets.empty()) complain("it still holds secrets");
    } else if (std::holds_alternative<resource_state::Failed>(resource.state)) {
        const bool known = !resource.remnants.empty();
        if (!things.empty() && (phase == Phase::removed || !(known || late)))
            complain("something of it was left behind");
    } else {
        complain("it never came to rest");
    }
}

void check_intent(const Evidence& evidence, const Ends& ends, const Intent& intent, Violations& out) {
    const auto complain = [&](std::string_view problem) {
        out.push_back(fmt::format("{}: {}", intent.key, problem));
    };
    if (!intent.settled) return complain("never got a definite answer");
    if (!intent.resource) return;
    const Resource* resource = evidence.state.resource(*intent.resource);
    if (resource == nullptr) return complain("an accepted request was lost");
    if (resource->organization != intent.organization) complain("its resource belongs to somebody else");
    const bool ready = std::holds_alternative<resource_state::Ready>(resource->state);
    const bool failed = std::holds_alternative<resource_state::Failed>(resource->state);
    if (intent.delete_accepted) {
        if (!std::holds_alternative<resource_state::Gone>(resource->state) && !failed)
            complain("its deletion was lost");
        return;
    }
    if (ready || intent.delete_wanted) return;
    if (ends.contains(resource->id) && std::holds_alternative<resource_state::Gone>(resource->state)) return;
    // Where the server comes to nothing, so does what was to live on it.
    const bool served = excused(evidence, resource->id) || excused(evidence, resource->placed_on);
    if (!failed || !(intent.cancel_accepted || served)) {
        const auto* why = std::get_if<resource_state::Failed>(&resource->state);
        complain(fmt::format("{}: an accepted request ended as {} for no reason: {}", resource->external_name,
                             state_name(resource->state), why == nullptr ? "" : why->reason));
    }
}

}  // namespace

void check_invariants(Phase phase, const Evidence& evidence, Violations& out) {
    const Ends ends = ends_in(evidence.state);
    evidence.state.for_each_resource([&](const Resource& resource) {
        check_resource(phase, evidence, resource, out);
        check_end(evidence, ends, resource, out);
    });
    evidence.state.for_each_operation([&](const Operation& operation) {
        if (!is_terminal(operation.state)) out.push_back(fmt::format("{} never ended", operation.id.str()));
    });
    if (evidence.most_placed > places_of(kThreshold)) {
        out.push_back(fmt::format("a server served {} at once", evidence.most_placed));
    }
    std::map<ResourceId, std::string> owners;
    for (const Intent* intent : evidence.intents) {
        check_intent(evidence, ends, *intent, out);
        if (!intent->resource) continue;
        const auto [found, fresh] = owners.emplace(*intent->resource, intent->key);
        if (!fresh)
            out.push_back(fmt::format("{} and {} were given the same resource", found->second, intent->key));
    }
    bool foreign = false;
    for (const auto& [serial, thing] : evidence.cloud.things()) {
        if (thing.installation != InstallationId("sim")) {
            foreign = true;
        } else if (phase == Phase::removed && thing.gone_at == TimePoint::max()) {
            out.push_back(fmt::format("{} is still there after everything was removed", thing.name));
        } else if (evidence.state.resource(thing.resource) == nullptr) {
            out.push_back(fmt::format("{} belongs to nothing in the store", thing.name));
        }
    }
    if (!foreign) out.emplace_back("a foreign thing was removed");
}

void check_secrets(const Evidence& evidence, const std::vector<std::string>& outputs, Violations& out) {
    std::string all;
    for (const std::string& text : outputs) all += text + "\n";
    for (const EventDraft& event : all_events(evidence.state)) {
        all += event.message + event.type + json::dump(event.data) + "\n";
    }
    evidence.state.for_each_operation([&](const Operation& operation) {
        for (const Step& step : operation.steps) all += step.last_error + "\n";
        all += operation.failure + operation.cancel_reason + "\n";
    });
    evidence.state.for_each_resource([&](const Resource& resource) {
        all += resource.health_detail + json::dump(resource.handle) + json::dump(resource.parameters) + "\n";
    });
    for (const std::string& secret : evidence.sealer.plaintexts()) {
        if (all.find(secret) != std::string::npos) out.emplace_back("a secret is in an output");
    }
}

}  // namespace slipway::sim
