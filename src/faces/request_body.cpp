#include "faces/request_body.h"

#include <algorithm>
#include <set>
#include <vector>

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

// Where a string that begins here ends: behind its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t i) {
    for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
    }
    return std::min(i + 1, text.size());
}

// The first name that one object of such a text has twice; its escapes are resolved: two spellings are one name.
std::string repeated_name(std::string_view text) {
    std::vector<std::set<std::string, std::less<>>> open;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == '{' || c == '[') open.emplace_back();
        if ((c == '}' || c == ']') && !open.empty()) open.pop_back();
        if (c != '"') {
            ++i;
            continue;
        }
        const std::size_t end = end_of_string(text, i);
        const std::size_t next = text.find_first_not_of(" \t\r\n", end);
        if (!open.empty() && next != std::string_view::npos && text[next] == ':') {
            const auto name = json::parse(text.substr(i, end - i));
            if (name && name->is_string() && !open.back().emplace(std::string_view(name->get_string())).second) {
                return std::string(std::string_view(name->get_string()));
            }
        }
        i = end;
    }
    return {};
}

std::unexpected<Error> given_twice(std::string_view body) {
    const std::string name = shown(repeated_name(body));
    return fail(Error{ErrorCode::invalid_argument,
                      fmt::format("the body gives the field {} more than once", name),
                      {},
                      {{name, "is given more than once"}}});
}

}  // namespace

Result<http::BodyReader> read_body(std::string_view body, http::EmptyBody empty) {
    auto reader = http::BodyReader::parse(body, empty);
    if (reader && members_of(body, false) != reader->object().size()) {
        return given_twice(body);
    }
    return reader;
}

Result<http::BodyReader> read_strict_body(std::string_view body, http::EmptyBody empty) {
    auto reader = http::BodyReader::parse(body, empty);
    if (reader && members_of(body, true) != members_of(reader->object())) {
        return given_twice(body);
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

LifetimeWish optional_lifetime(http::BodyReader& body, std::string_view field) {
    if (!body.has(field)) return {};
    const json::value& given = body.object().at(field);
    auto wish = given.is_int64()    ? parse_lifetime(given.get_int64())
                : given.is_string() ? parse_lifetime(std::string_view(given.get_string()))
                                    : parse_lifetime(std::string_view());  // nothing that it could be
    if (wish) return *wish;
    body.problem(std::string(field), std::move(wish.error()));
    return {};
}

}  // namespace slipway::faces
