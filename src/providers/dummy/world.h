// What exists "out there" for the dummy provider. It outlives the provider, as a cloud outlives a broker, so that a
// test can drop the one and look at the other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "providers/provider.h"

namespace slipway::dummy {

struct Thing {
    std::uint64_t id = 0;  // in order of creation, from 1
    std::string external_name;
    InstallationId installation;  // empty: somebody else's
    ResourceId resource;
    std::uint64_t generation = 0;
    std::string token;
    Presence presence = Presence::running;
    std::uint32_t polls_left = 0;  // while pending or deleting: how often that is still the answer
    std::uint32_t updates = 0;
    json::object parameters;
    std::map<std::string, std::string> tags;
    std::uint16_t port = 0;
    std::string address = {};  // of a machine
};

// Not thread-safe: one executor.
class World {
  public:
    // Direct inspection.
    // By id.
    [[nodiscard]] const std::map<std::uint64_t, Thing>& things() const { return things_; }
    [[nodiscard]] std::vector<Thing> named(const std::string& external_name) const;
    // How many exist now, how many existed at once at the most, and how many were ever made, of one resource.
    [[nodiscard]] std::size_t count(const ResourceId& resource) const;
    [[nodiscard]] std::size_t peak(const ResourceId& resource) const;
    [[nodiscard]] std::size_t made(const ResourceId& resource) const;

    // Things happen to things. Each answers whether there was such a thing.
    bool kill(const std::string& external_name);    // it stops; its data stays
    bool vanish(const std::string& external_name);  // it is gone, data and all
    const Thing& add(Thing thing);                  // e.g. somebody else's; its id is given here
    void erase(std::uint64_t id);
    [[nodiscard]] Thing* find(std::uint64_t id);
    [[nodiscard]] std::vector<Thing*> find_named(const std::string& external_name);

    void bury(const std::string& external_name, std::uint64_t generation);
    [[nodiscard]] bool is_buried(const std::string& external_name, std::uint64_t generation) const;

  private:
    struct Tally {
        std::size_t now = 0;
        std::size_t peak = 0;
        std::size_t made = 0;
    };
    std::map<std::uint64_t, Thing> things_;
    std::unordered_map<std::string, std::vector<std::uint64_t>> by_name_;  // ids, oldest first
    std::unordered_map<ResourceId, Tally> tallies_;
    std::unordered_map<std::string, std::uint64_t> buried_;
    std::uint64_t last_id_ = 0;
};

}  // namespace slipway::dummy
