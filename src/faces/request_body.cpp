#include "faces/request_body.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "faces/shown.h"

namespace slipway::faces {
namespace {

// The members of the outermost object of a text that is known to be JSON, or of all its objects: one colon each,
// outside of strings.
std::size_t members_of(std::string_view text, bool all) {
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
        } else if (c == ':' && (all || depth == 1)) {
            ++count;
        }
    }
    return count;
}

// The same, counted in what was read, where the later of two of one name took the former's place. The depth of what
// was read is bounded.
std::size_t members_of(const json::value& value) {  // NOLINT(misc-no-recursion): the parser bounds the depth
    std::size_t count = 0;
    if (const auto* object = value.if_object()) {
        count += object->size();
        for (const auto& member : *object) count += members_of(member.value());
    } else if (const auto* array = value.if_array()) {
        for (const json::value& each : *array) count += members_of(each);
    }
    return count;
}

std::size_t members_of(const json::object& object) {
    std::size_t count = object.size();
    for (const auto& member : object) count += members_of(member.value());
    return count;
}

}  // namespace

Result<http::BodyReader> read_body(std::string_view body, http::EmptyBody empty) {
    auto reader = http::BodyReader::parse(body, empty);
    if (reader && members_of(body, false) != reader->object().size()) {
        return fail(ErrorCode::invalid_argument, "the body names a field more than once");
    }
    return reader;
}

Result<http::BodyReader> read_strict_body(std::string_view body, http::EmptyBody empty) {
    auto reader = http::BodyReader::parse(body, empty);
    if (reader && members_of(body, true) != members_of(reader->object())) {
        return fail(ErrorCode::invalid_argument, "the body names a field more than once");
    }
    return reader;
}

Status finish_strictly(http::BodyReader& body, std::initializer_list<std::string_view> known) {
    for (const auto& member : body.object()) {
        const std::string_view name = member.key();
        if (std::ranges::find(known, name) != known.end()) continue;
        body.problem(shown(name), known.size() == 0
                                      ? "is unknown; no fields are taken here"
                                      : fmt::format("is unknown; known are: {}", fmt::join(known, ", ")));
    }
    return body.finish();
}

}  // namespace slipway::faces
