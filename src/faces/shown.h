// A caller's own word in an error message.
#pragma once

#include <string>
#include <string_view>

namespace slipway::faces {

// The name, or its first characters (at most 40 bytes, no UTF-8 sequence cut) and "...".
std::string shown(std::string_view name);

}  // namespace slipway::faces
