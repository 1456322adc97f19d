// std::ranges::contains, which Debian 12's library does not have yet.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>

namespace slipway::cli {

template <class Range, class Value, class Projection = std::identity>
bool contains(const Range& range, const Value& value, Projection projection = {}) {
    return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

}  // namespace slipway::cli
