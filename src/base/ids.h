// Strong string ids: a ResourceId cannot be passed where an OperationId is wanted.
#pragma once

#include <compare>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace slipway {

class Random;

template <class Tag>
class StrongId {
  public:
    StrongId() = default;
    explicit StrongId(std::string value) : value_(std::move(value)) {}
    [[nodiscard]] const std::string& str() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }
    friend auto operator<=>(const StrongId&, const StrongId&) = default;
    friend std::ostream& operator<<(std::ostream& out, const StrongId& id) { return out << id.value_; }

  private:
    std::string value_;
};

// 26 characters of Crockford base 32: 48 bits of milliseconds, then 80 random bits (the ULID layout).
// Ids made later sort later, so that pages by id are pages by age and indexes grow at one end.
std::string make_ulid(TimePoint now, Random& random);

// `prefix` names the kind of thing for people who read logs, e.g. "res".
template <class Id>
Id make_id(std::string_view prefix, TimePoint now, Random& random) {
    return Id(std::string(prefix) + "_" + make_ulid(now, random));
}

}  // namespace slipway

template <class Tag>
struct std::hash<slipway::StrongId<Tag>> {
    std::size_t operator()(const slipway::StrongId<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.str());
    }
};
