// A request body as a JSON object with typed fields. Every wrong field is collected, so that the caller reads
// all of them in one answer. Unknown fields are ignored.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace slipway::http {

struct StringRule {
    std::size_t min_length = 0;  // in characters (code points)
    std::size_t max_length = 1024;
    // Characters allowed, in the notation of a bracket expression without brackets: "a-z0-9._-". A '-' that means
    // itself stands last. "": any character but control characters.
    std::string_view allowed = {};
};

struct MapRule {
    std::size_t max_entries = 64;
    StringRule key = {.min_length = 1, .max_length = 128};
    StringRule value = {};
};

enum class EmptyBody : std::uint8_t { refused, is_empty_object };

class BodyReader {
  public:
    // Whatever Content-Type says. ErrorCode::malformed when the body is not JSON (the message gives the position,
    // never the text), ErrorCode::invalid_argument when it is JSON but not an object.
    static Result<BodyReader> parse(std::string_view body, EmptyBody empty = EmptyBody::refused);

    // A field that is null counts as absent. After a problem the return value is a placeholder: look at finish().
    std::string required_string(std::string_view field, const StringRule& rule = {.min_length = 1});
    std::optional<std::string> optional_string(std::string_view field, const StringRule& rule = {});
    std::optional<Secret> optional_secret(std::string_view field, const StringRule& rule = {});
    std::optional<std::int64_t> optional_integer(std::string_view field,
                                                 std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                                                 std::int64_t max = std::numeric_limits<std::int64_t>::max());
    std::int64_t required_integer(std::string_view field, std::int64_t min, std::int64_t max);
    std::optional<bool> optional_boolean(std::string_view field);
    std::map<std::string, std::string> optional_map(std::string_view field, const MapRule& rule = {});

    // For fields that need a closer look, and for what the caller finds wrong himself.
    [[nodiscard]] const json::object& object() const { return object_; }
    [[nodiscard]] bool has(std::string_view field) const { return find(field) != nullptr; }
    void problem(std::string field, std::string what);

    // ErrorCode::invalid_argument with all problems, and the first one in words: "field plan: must be a string".
    [[nodiscard]] Status finish() const;

  private:
    explicit BodyReader(json::object object) : object_(std::move(object)) {}
    [[nodiscard]] const json::value* find(std::string_view field) const;
    bool check(const std::string& field, std::string_view text, const StringRule& rule);

    json::object object_;
    std::vector<FieldProblem> problems_;
};

}  // namespace slipway::http
