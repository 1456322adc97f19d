// What a program says of its version.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace slipway::cli {

// The absolute path of a program in a PATH-like list; "" where it is not.
std::string find_program(const std::string& name, const std::string& search_path);

// The first line that `program --version` prints; it is killed after `limit`. nullopt: it did not run or said
// nothing.
std::optional<std::string> version_line(const std::string& program, Duration limit);

}  // namespace slipway::cli
