// Durations and sizes as people write them: in configurations, requests and answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace slipway {

// A whole number and a unit: "250ms", "30s", "15m", "24h", "7d". Nullopt for anything else, and beyond 100 years.
std::optional<Duration> parse_duration(std::string_view text);
// In the largest unit that has no fraction: "90s", "15m".
std::string format_duration(Duration duration);

// A whole number of bytes with a unit or none, counted in 1024s: "67108864", "64mb", "1gb". Case does not matter.
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace slipway
