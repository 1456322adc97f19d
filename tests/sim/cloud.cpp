#include "sim/cloud.h"

#include <fmt/format.h>

namespace slipway::sim {
namespace {

ProviderAnswer refuse(ErrorClass error, std::string message, std::string allocation = {}) {
    ProviderError made;
    made.error_class = error;
    made.message = std::move(message);
    made.allocation = std::move(allocation);
    return std::unexpected(std::move(made));
}

bool same(const Thing& thing, const Target& target) {
    return thing.installation == target.installation && thing.resource == target.resource &&
           thing.generation == target.generation;
}

}  // namespace

void Cloud::settle() {
    std::erase_if(things_, [&](const auto& entry) { return entry.second.gone_at <= world_.now(); });
}

const std::map<std::uint64_t, Thing>& Cloud::things() {
    settle();
    return things_;
}

Thing* Cloud::find(const Target& target, bool consistent) {
    settle();
    for (auto& [serial, thing] : things_) {
        if (thing.name != target.external_name) continue;
        if (!consistent && thing.visible_at > world_.now()) continue;
        return &thing;
    }
    return nullptr;
}

Observation Cloud::describe(const Thing& thing) const {
    Observation seen;
    seen.request_id = fmt::format("req-{}", thing.serial);
    if (thing.gone_at != TimePoint::max()) {
        seen.presence = Presence::deleting;
    } else if (thing.ready_at > world_.now()) {
        seen.presence = Presence::pending;
    } else if (thing.stopped) {
        seen.presence = Presence::stopped;
    } else {
        seen.presence = Presence::running;
        seen.endpoint = Endpoint{"redis", thing.name + ".sim", static_cast<std::uint16_t>(thing.port)};
        seen.handle = {{"serial", thing.serial}};
    }
    return seen;
}

ProviderAnswer Cloud::observe(const Target& target, bool consistent) {
    const Thing* thing = find(target, consistent);
    if (thing == nullptr) return Observation{};
    if (!same(*thing, target)) {
        Observation foreign;
        foreign.presence = Presence::foreign;
        return foreign;
    }
    return describe(*thing);
}

ProviderAnswer Cloud::create(const Target& target, const Spec& spec, Duration boot) {
    settle();
    if (on_create) on_create(target);
    for (auto& [serial, thing] : things_) {
        if (uniqueness_ == Uniqueness::by_token && thing.token == target.token && same(thing, target)) {
            thing.stopped = false;
            return describe(thing);
        }
        if (uniqueness_ == Uniqueness::by_name && thing.name == target.external_name) {
            if (!same(thing, target)) return refuse(ErrorClass::conflict, "the name is taken");
            if (thing.stopped && thing.gone_at == TimePoint::max()) {
                thing.stopped = false;
                return describe(thing);
            }
            return refuse(ErrorClass::conflict, "it exists already");
        }
    }
    Thing made;
    made.serial = next_serial_++;
    made.name = target.external_name;
    made.resource = target.resource;
    made.installation = target.installation;
    made.generation = target.generation;
    made.token = target.token;
    const auto port = spec.allocations.find("port");
    made.port = port == spec.allocations.end() ? 0 : port->second;
    made.visible_at =
        world_.now() + (world_.chance(0.2) ? world_.between({}, std::chrono::seconds(2)) : Duration{});
    made.ready_at = world_.now() + boot;
    made.tags = spec.tags;
    for (const auto& [serial, other] : things_) {
        // What comes late was given up long ago: its port may be somebody else's by now, until a sweep removes it.
        if (late.contains(made.resource) || late.contains(other.resource)) continue;
        if (made.port != 0 && other.port == made.port) {
            violations.push_back(fmt::format("port {} is used by {} and {}", made.port, other.name, made.name));
        }
        if (other.resource == made.resource && other.gone_at == TimePoint::max()) {
            violations.push_back(fmt::format("{} exists twice", made.name));
        }
    }
    const auto [entry, inserted] = things_.emplace(made.serial, made);
    return describe(entry->second);
}

ProviderAnswer Cloud::update(const Target& target, const Spec& spec) {
    Thing* thing = find(target, true);
    if (thing == nullptr) return Observation{};
    if (!same(*thing, target)) return observe(target, true);
    if (thing->gone_at == TimePoint::max()) {
        thing->stopped = false;
        thing->tags = spec.tags;
    }
    return describe(*thing);
}

ProviderAnswer Cloud::remove(const Target& target, Duration shutdown) {
    settle();
    Observation answer;
    for (auto& [serial, thing] : things_) {
        if (thing.name != target.external_name || thing.visible_at > world_.now()) continue;
        if (!same(thing, target)) {
            answer.presence = Presence::foreign;
            continue;
        }
        if (thing.gone_at == TimePoint::max()) thing.gone_at = world_.now() + shutdown;
        if (thing.gone_at > world_.now()) answer.presence = Presence::deleting;
    }
    settle();
    return answer;
}

InventoryPage Cloud::inventory() {
    settle();
    InventoryPage page;
    for (const auto& [serial, thing] : things_) {
        if (thing.gone_at != TimePoint::max()) continue;
        page.items.push_back({thing.name, thing.installation, thing.resource, thing.generation,
                              describe(thing).presence, "a simulated thing"});
    }
    return page;
}

void Cloud::disturb(const Faults& faults) {
    settle();
    for (auto found = things_.begin(); found != things_.end();) {
        Thing& thing = found->second;
        const bool ours = !thing.resource.empty() && thing.gone_at == TimePoint::max();
        if (ours && world_.chance(faults.vanish_thing)) {
            troubled.insert(thing.resource);
            found = things_.erase(found);
            continue;
        }
        if (ours && !thing.stopped && world_.chance(faults.stop_thing)) {
            thing.stopped = true;
            if (on_stop) on_stop(thing.name);
        }
        ++found;
    }
}

void Cloud::plant_foreign(const std::string& name) {
    Thing thing;
    thing.serial = next_serial_++;
    thing.name = name;
    thing.installation = InstallationId("somebody-else");
    things_.emplace(thing.serial, thing);
}

std::vector<const Thing*> Cloud::things_of(const ResourceId& resource) const {
    std::vector<const Thing*> found;
    for (const auto& [serial, thing] : things_) {
        if (thing.resource == resource && thing.gone_at > world_.now()) found.push_back(&thing);
    }
    return found;
}

}  // namespace slipway::sim
