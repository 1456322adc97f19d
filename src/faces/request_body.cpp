#include "faces/request_body.h"

namespace slipway::faces {
namespace {

// The members of the outermost object of a text that is known to be JSON: one colon each, outside of strings.
std::size_t members_of(std::string_view text) {
    std::size_t count = 0;
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ':' && depth == 1) {
            ++count;
        }
    }
    return count;
}

}  // namespace

Result<http::BodyReader> read_body(std::string_view body, http::EmptyBody empty) {
    auto reader = http::BodyReader::parse(body, empty);
    if (reader && members_of(body) != reader->object().size()) {
        return fail(ErrorCode::invalid_argument, "the body names a field more than once");
    }
    return reader;
}

}  // namespace slipway::faces
