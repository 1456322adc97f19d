#include "providers/dummy/world.h"

namespace slipway::dummy {

std::vector<Thing> World::named(const std::string& external_name) const {
    std::vector<Thing> found;
    if (const auto ids = by_name_.find(external_name); ids != by_name_.end()) {
        for (const std::uint64_t id : ids->second) found.push_back(things_.at(id));
    }
    return found;
}

std::vector<Thing*> World::find_named(const std::string& external_name) {
    std::vector<Thing*> found;
    if (const auto ids = by_name_.find(external_name); ids != by_name_.end()) {
        for (const std::uint64_t id : ids->second) found.push_back(&things_.at(id));
    }
    return found;
}

std::size_t World::count(const ResourceId& resource) const {
    const auto found = tallies_.find(resource);
    return found == tallies_.end() ? 0 : found->second.now;
}

std::size_t World::peak(const ResourceId& resource) const {
    const auto found = tallies_.find(resource);
    return found == tallies_.end() ? 0 : found->second.peak;
}

std::size_t World::made(const ResourceId& resource) const {
    const auto found = tallies_.find(resource);
    return found == tallies_.end() ? 0 : found->second.made;
}

const Thing& World::add(Thing thing) {
    thing.id = ++last_id_;
    by_name_[thing.external_name].push_back(thing.id);
    Tally& tally = tallies_[thing.resource];
    tally.made += 1;
    tally.now += 1;
    tally.peak = std::max(tally.peak, tally.now);
    return things_.emplace(thing.id, std::move(thing)).first->second;
}

void World::erase(std::uint64_t id) {
    const auto found = things_.find(id);
    if (found == things_.end()) return;
    tallies_[found->second.resource].now -= 1;
    const auto ids = by_name_.find(found->second.external_name);
    std::erase(ids->second, id);
    if (ids->second.empty()) by_name_.erase(ids);
    things_.erase(found);
}

Thing* World::find(std::uint64_t id) {
    const auto found = things_.find(id);
    return found == things_.end() ? nullptr : &found->second;
}

bool World::kill(const std::string& external_name) {
    const std::vector<Thing*> found = find_named(external_name);
    for (Thing* each : found) {
        each->presence = Presence::stopped;
        each->polls_left = 0;
    }
    return !found.empty();
}

bool World::vanish(const std::string& external_name) {
    const std::vector<Thing> found = named(external_name);
    for (const Thing& each : found) erase(each.id);
    return !found.empty();
}

void World::bury(const std::string& external_name, std::uint64_t generation) {
    std::uint64_t& buried = buried_[external_name];
    buried = std::max(buried, generation);
}

bool World::is_buried(const std::string& external_name, std::uint64_t generation) const {
    const auto found = buried_.find(external_name);
    return found != buried_.end() && generation <= found->second;
}

}  // namespace slipway::dummy
