// The chunked coding read by its grammar alone (RFC 9112, 7.1): what the server's parser is compared with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::fuzz {

struct Chunked {
    std::string content;
    std::size_t size = 0;  // bytes of the whole body, the trailer and the last empty line included
};
// Nothing where the text does not begin with a whole chunked body.
std::optional<Chunked> read_chunked(std::string_view text);

}  // namespace slipway::fuzz
