// Plans: what can be asked for. Filled from the embedded defaults and the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "domain/resource.h"

namespace slipway {

// What a resource of a plan costs while it is billed (usage.h).
struct Price {
    std::string currency;              // ISO 4217: "EUR"
    std::int64_t micros_per_hour = 0;  // millionths of it, not negative
    friend bool operator==(const Price&, const Price&) = default;
};

// Resources of a plan that live on shared ones of another kind (placement.h).
struct PlacementRule {
    std::string host_plan;         // of the shared ones' kind and the same engine: what the next one is made of
    std::uint64_t threshold = 50;  // one that serves more than so many takes no further one
    bool make_hosts = true;        // whether the next one is made on demand; else `unavailable`
    friend bool operator==(const PlacementRule&, const PlacementRule&) = default;
};

struct Plan {
    Kind kind = Kind::cache;
    std::string engine;  // "redis"
    std::string name;    // "small": unique within kind and engine
    std::string title;   // "Small"
    std::string description;
    std::string provider;                       // which provider makes it
    json::object parameters;                    // for the provider, e.g. {"maxmemory": 67108864, "password": true}
    std::uint32_t pool = 0;                     // how many unclaimed ones to keep ready
    bool password = true;                       // whether a tenant password is made for it
    std::optional<Price> price = std::nullopt;  // none: it costs nothing, or nobody says what
    std::optional<PlacementRule> placement = std::nullopt;  // none: its resources live by themselves
    // How long one lasts where nobody says so; none: max_lifetime.
    std::optional<Duration> lifetime = std::nullopt;
    // How far ahead the end of one may be, which then has one; none: as far as anybody wants, or for ever.
    std::optional<Duration> max_lifetime = std::nullopt;
};

class Catalog {
  public:
    Catalog() = default;
    explicit Catalog(std::vector<Plan> plans) : plans_(std::move(plans)) {}
    // Null where there is no such plan. The pointer lives as long as the catalog.
    [[nodiscard]] const Plan* find(Kind kind, std::string_view engine, std::string_view name) const;
    [[nodiscard]] const std::vector<Plan>& plans() const { return plans_; }
    // The plans of one engine, by name.
    [[nodiscard]] std::vector<const Plan*> of(Kind kind, std::string_view engine) const;

  private:
    std::vector<Plan> plans_;
};

}  // namespace slipway
