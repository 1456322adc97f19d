// Digests of texts.
#pragma once

#include <string>
#include <string_view>

namespace slipway {

// Hexadecimal, 64 characters. The text may be a secret: no copy of it is left in memory.
std::string sha256(std::string_view text);

}  // namespace slipway
