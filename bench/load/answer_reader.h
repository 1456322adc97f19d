// Reads HTTP/1.1 answers as far as a load needs them: status, length, and one header field. Only answers with a
// Content-Length (or that have no body) are understood, which is what all that is measured here sends.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::bench {

struct Answer {
    int status = 0;
    std::size_t head = 0;  // bytes, with the empty line
    std::size_t body = 0;  // bytes
    bool closes = false;   // the server will close the connection
    std::string location;  // "" where it has none, or it was not asked for
};

// The first answer in `bytes`; nullopt: it is not complete yet. Errors: malformed.
Result<std::optional<Answer>> read_answer(std::string_view bytes, bool want_location);

}  // namespace slipway::bench
