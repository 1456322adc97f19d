#include "domain/placement.h"

namespace slipway {

// The current host is the youngest, or stands for it: all others come before it.
Placement place(std::span<const HostLoad> hosts, const ResourceId& current, std::uint64_t threshold) {
    const HostLoad* last = nullptr;
    for (const HostLoad& host : hosts) {
        if (host.placed >= places_of(threshold)) continue;
        if (host.host != current) return placement::OnHost{host.host};
        last = &host;
    }
    if (last != nullptr) return placement::OnHost{last->host};
    return placement::NextHost{};
}

}  // namespace slipway
