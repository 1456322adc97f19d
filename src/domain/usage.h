// Usage: how long whose resources of which plan were there to be used, by billing code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "domain/resource.h"

namespace slipway {

// Who pays for what. Time counts from ready until the deletion is asked for; repairs and updates count, what is
// pooled, being made, failed or going does not.
struct UsageKey {
    OrganizationId organization;
    std::string billing_code;
    Kind kind = Kind::cache;
    std::string engine;
    std::string plan;
    friend bool operator==(const UsageKey&, const UsageKey&) = default;
};

// Nobody pays: nullopt. A store compares what a write finds with what it leaves, ends the one interval and begins
// the other at the resource's updated_at.
std::optional<UsageKey> usage_key(const Resource& resource);

struct UsageFilter {
    std::optional<OrganizationId> organization;
    std::optional<std::string> billing_code;
    TimePoint from;  // inclusive
    TimePoint to;    // exclusive; intervals that have not ended count up to here
};

struct UsageRow {
    UsageKey key;
    std::uint64_t resources = 0;  // different ones
    Duration time{};              // of all of them together, within the filter's bounds
};

}  // namespace slipway
