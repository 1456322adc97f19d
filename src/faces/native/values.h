// Values that every shape of the native face writes alike. Internal to it.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/json.h"

namespace slipway::faces {

// Null where there is none, so that a field is always there and never an empty string with a meaning.
inline json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

template <class Tag>
json::value id_or_null(const StrongId<Tag>& id) {
    return text_or_null(id.str());
}

inline json::value time_or_null(const std::optional<TimePoint>& at) {
    return at ? json::value(format_time(*at)) : json::value(nullptr);
}

// Millionths as a number: 1500000 is 1.5.
inline double from_millionths(std::int64_t millionths) { return static_cast<double>(millionths) / 1e6; }

}  // namespace slipway::faces
