// What a machine tells of itself to whoever runs a server on it, or would.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace slipway {

// Ports, both included.
struct PortRange {
    std::int64_t first = 0;
    std::int64_t last = 0;
    [[nodiscard]] bool overlaps(const PortRange& other) const { return first <= other.last && other.first <= last; }
};

// Those that the kernel gives to outgoing connections; nullopt where the file, which holds "FIRST LAST", is none.
inline constexpr const char* kOutgoingPorts = "/proc/sys/net/ipv4/ip_local_port_range";
std::optional<PortRange> outgoing_ports(const std::string& file = kOutgoingPorts);

enum class ClockCare : std::uint8_t {
    kept,     // something keeps the kernel's clock right, and told it so
    nothing,  // nothing did
    unknown,  // this process may not ask
};
ClockCare clock_care();

// The median of a few writes of a page to a file in the directory, each on disk before the next; nothing is left
// there. Takes as long as the disk does. Errors: unavailable (no file can be made there), storage (a write or a
// sync failed).
Result<Duration> sync_time(const std::string& directory);
inline constexpr Duration kSlowSync = std::chrono::milliseconds(50);  // every accepted request waits for one

}  // namespace slipway
