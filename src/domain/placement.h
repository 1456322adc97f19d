// Which shared resource serves a new one, e.g. which database server a database. Pure: the caller reads the loads,
// asks, and commits on the condition that what was read still holds (store.h: PlaceFree, PlacesFull, SettingIs).
//
// Every host takes at most threshold + 1: it is full once it serves more than the threshold. A place that was freed
// on an older host is used first, the oldest host's first; else the current host serves it; where nobody has a
// place the next host is made, which becomes the current one. A host that is still being made takes places too:
// who has one there waits for it.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "domain/ids.h"

namespace slipway {

struct HostLoad {
    ResourceId host;
    std::uint64_t placed = 0;  // resources that hold a place on it (resource.h)
    friend bool operator==(const HostLoad&, const HostLoad&) = default;
};

namespace placement {
struct OnHost {
    ResourceId host;
    friend bool operator==(const OnHost&, const OnHost&) = default;
};
struct NextHost {
    friend bool operator==(const NextHost&, const NextHost&) = default;
};
}  // namespace placement
using Placement = std::variant<placement::OnHost, placement::NextHost>;

// The most that a host serves.
constexpr std::uint64_t places_of(std::uint64_t threshold) { return threshold + 1; }

// `hosts`: those that take new ones (requested, provisioning, ready, updating), the oldest first; `current` may be
// none of them (it was removed, or there was never one): then the youngest is taken last.
Placement place(std::span<const HostLoad> hosts, const ResourceId& current, std::uint64_t threshold);

}  // namespace slipway
