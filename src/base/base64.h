// Base64 as RFC 4648 section 4 has it, with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway {

std::string to_base64(std::string_view bytes);
// Strict: no spaces, no other characters, whole padding, no bits that say nothing, so that each value has one text.
// In time that does not depend on the bytes of a text that is one.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace slipway
