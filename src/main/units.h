// Durations, sizes, prices and addresses as people write them in configurations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/catalog.h"

namespace slipway {

// A whole number and a unit: "250ms", "30s", "15m", "24h", "7d". Nullopt for anything else, and beyond 100 years.
std::optional<Duration> parse_duration(std::string_view text);
// In the largest unit that has no fraction: "90s", "15m".
std::string format_duration(Duration duration);

// A whole number of bytes with a unit or none, counted in 1024s: "67108864", "64mb", "1gb". Case does not matter.
std::optional<std::int64_t> parse_size(std::string_view text);

// An amount with at most six decimals, below a million, and a currency of three capital letters: "0.012 EUR".
std::optional<Price> parse_price(std::string_view text);

struct HostPort {
    std::string host;  // without brackets
    std::uint16_t port = 0;
};
// "127.0.0.1:3000", "[::1]:3000". Only numeric addresses.
std::optional<HostPort> parse_host_port(std::string_view text);
std::string format_host_port(const HostPort& at);
bool is_address(std::string_view text);
bool is_loopback(std::string_view address);

}  // namespace slipway
