// A provider's side of the world: things that exist whatever happens to the broker.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "providers/provider.h"
#include "sim/faults.h"
#include "sim/world.h"

namespace slipway::sim {

struct Thing {
    std::uint64_t serial = 0;
    std::string name;
    ResourceId resource;
    InstallationId installation;
    std::uint64_t generation = 0;
    std::string token;
    std::int64_t port = 0;
    bool stopped = false;
    TimePoint visible_at;                  // eventual consistency: not seen before
    TimePoint ready_at;                    // pending until then
    TimePoint gone_at = TimePoint::max();  // deleting until then
    std::map<std::string, std::string> tags;
};

// Two kinds of clouds: names are unique and a second creation is a conflict (like a cache service), or names are
// not unique and the client token decides (like a machine service).
enum class Uniqueness : std::uint8_t { by_name, by_token };

class Cloud {
  public:
    Cloud(World& world, Uniqueness uniqueness) : world_(world), uniqueness_(uniqueness) {}

    // The effects, at the moment when they happen.
    ProviderAnswer observe(const Target& target, bool consistent = false);
    ProviderAnswer create(const Target& target, const Spec& spec, Duration boot);
    ProviderAnswer update(const Target& target, const Spec& spec);
    ProviderAnswer remove(const Target& target, Duration shutdown);
    InventoryPage inventory();

    void disturb(const Faults& faults);  // once in a while: things die by themselves
    void plant_foreign(const std::string& name);

    [[nodiscard]] std::vector<const Thing*> things_of(const ResourceId& resource) const;
    [[nodiscard]] const std::map<std::uint64_t, Thing>& things();
    // Called before a creation takes effect: law 2 says that the intent is on disk by then.
    std::function<void(const Target&)> on_create;
    std::function<void(std::string)> on_stop;
    // What the world did to a resource, which explains why its request was not served to the end.
    std::set<ResourceId> refused;   // a permanent error was answered
    std::set<ResourceId> troubled;  // errors or a vanished thing: attempts may have run out
    std::set<ResourceId> late;      // an effect came after its caller had given up
    std::vector<std::string> violations;

  private:
    void settle();
    Thing* find(const Target& target, bool consistent);
    Observation describe(const Thing& thing) const;

    World& world_;
    Uniqueness uniqueness_;
    std::uint64_t next_serial_ = 1;
    std::map<std::uint64_t, Thing> things_;
};

}  // namespace slipway::sim
