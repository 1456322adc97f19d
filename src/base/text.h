// What several layers ask of a text.
#pragma once

#include <string_view>

namespace slipway {

// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);

// The bytes of the character that a text begins with: 1 to 4; 0 where it begins with none in UTF-8 (RFC 3629:
// nothing longer than needed, no surrogates, nothing beyond U+10FFFF).
std::size_t utf8_character(std::string_view text);
bool valid_utf8(std::string_view text);

}  // namespace slipway
