// JSON by Boost.JSON, with the limits and the output form that every face shares.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.h"

namespace slipway::json {

using boost::json::array;
using boost::json::object;
using boost::json::value;

// Parses one whole document. Depth is bounded at 32. A failure is ErrorCode::malformed and its message
// names the byte offset (from 0), the line and the column (from 1): "line 3, column 5: ...".
Result<value> parse(std::string_view text);

// Compact, object keys in byte order, UTF-8 as is, doubles in plain decimal form ("0.5", never "5E-1").
std::string dump(const value& value);

std::string get_string(const object& from, std::string_view key);  // "" where absent or not a string
std::int64_t get_int(const object& from, std::string_view key, std::int64_t otherwise = 0);
bool get_bool(const object& from, std::string_view key, bool otherwise = false);

}  // namespace slipway::json
