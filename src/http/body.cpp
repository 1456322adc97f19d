#include "http/body.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::http {
namespace {

bool allowed_by(std::string_view set, char c) {
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == '-') {
            if (c >= set[i] && c <= set[i + 2]) return true;
            i += 2;
        } else if (c == set[i]) {
            return true;
        }
    }
    return false;
}

// The text is valid UTF-8 (the JSON parser saw to that): count what does not continue a character.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string_view text_of(const json::value& value) {
    const auto& text = value.get_string();
    return {text.data(), text.size()};
}

std::string range_text(std::int64_t min, std::int64_t max) {
    if (min == std::numeric_limits<std::int64_t>::min()) return fmt::format("at most {}", max);
    if (max == std::numeric_limits<std::int64_t>::max()) return fmt::format("at least {}", min);
    return fmt::format("between {} and {}", min, max);
}

}  // namespace

Result<BodyReader> BodyReader::parse(std::string_view body, EmptyBody empty) {
    const bool blank = body.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (blank && empty == EmptyBody::is_empty_object) return BodyReader(json::object());
    if (blank) return fail(ErrorCode::invalid_argument, "the body must be a JSON object; it is empty");
    auto parsed = json::parse(body);
    if (!parsed) return fail(std::move(parsed.error()));
    if (!parsed->is_object()) return fail(ErrorCode::invalid_argument, "the body must be a JSON object");
    return BodyReader(std::move(parsed->get_object()));
}

const json::value* BodyReader::find(std::string_view field) const {
    const json::value* found = object_.if_contains(field);
    return found != nullptr && found->is_null() ? nullptr : found;
}

void BodyReader::problem(std::string field, std::string what) {
    problems_.push_back({std::move(field), std::move(what)});
}

bool BodyReader::check(const std::string& field, std::string_view text, const StringRule& rule) {
    const std::size_t length = characters(text);
    if (length < rule.min_length) {
        problem(field, rule.min_length == 1 ? std::string("must not be empty")
                                            : fmt::format("must have at least {} characters", rule.min_length));
        return false;
    }
    if (length > rule.max_length) {
        problem(field, fmt::format("must have at most {} characters", rule.max_length));
        return false;
    }
    if (rule.allowed.empty() && std::ranges::any_of(text, is_control)) {
        problem(field, "must not hold control characters");
        return false;
    }
    if (!rule.allowed.empty() && !std::ranges::all_of(text, [&](char c) { return allowed_by(rule.allowed, c); })) {
        problem(field, fmt::format("may hold only the characters [{}]", rule.allowed));
        return false;
    }
    return true;
}

std::string BodyReader::required_string(std::string_view field, const StringRule& rule) {
    if (!has(field)) {
        problem(std::string(field), "is required");
        return {};
    }
    return optional_string(field, rule).value_or("");
}

std::optional<std::string> BodyReader::optional_string(std::string_view field, const StringRule& rule) {
    const json::value* found = find(field);
    if (found == nullptr) return std::nullopt;
    if (!found->is_string()) {
        problem(std::string(field), "must be a string");
        return std::nullopt;
    }
    const std::string_view text = text_of(*found);
    if (!check(std::string(field), text, rule)) return std::nullopt;
    return std::string(text);
}

std::optional<Secret> BodyReader::optional_secret(std::string_view field, const StringRule& rule) {
    auto text = optional_string(field, rule);
    if (!text) return std::nullopt;
    return Secret(std::move(*text));
}

std::optional<std::int64_t> BodyReader::optional_integer(std::string_view field, std::int64_t min,
                                                         std::int64_t max) {
    const json::value* found = find(field);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number() || found->is_double()) {
        problem(std::string(field), "must be an integer");
        return std::nullopt;
    }
    // Beyond int64 is beyond every range that a rule can name.
    const bool fits = found->is_int64();
    if (!fits || found->get_int64() < min || found->get_int64() > max) {
        problem(std::string(field), "must be " + range_text(min, max));
        return std::nullopt;
    }
    return found->get_int64();
}

std::int64_t BodyReader::required_integer(std::string_view field, std::int64_t min, std::int64_t max) {
    if (!has(field)) problem(std::string(field), "is required");
    return optional_integer(field, min, max).value_or(min);
}

std::optional<bool> BodyReader::optional_boolean(std::string_view field) {
    const json::value* found = find(field);
    if (found == nullptr) return std::nullopt;
    if (!found->is_bool()) {
        problem(std::string(field), "must be true or false");
        return std::nullopt;
    }
    return found->get_bool();
}

std::map<std::string, std::string> BodyReader::optional_map(std::string_view field, const MapRule& rule) {
    std::map<std::string, std::string> out;
    const json::value* found = find(field);
    if (found == nullptr) return out;
    if (!found->is_object()) {
        problem(std::string(field), "must be an object of strings");
        return out;
    }
    if (found->get_object().size() > rule.max_entries) {
        problem(std::string(field), fmt::format("must have at most {} entries", rule.max_entries));
        return out;
    }
    for (const auto& member : found->get_object()) {
        const std::string key(member.key());
        const std::string path = fmt::format("{}.{}", field, key);
        if (!check(std::string(field) + " (a key of it)", key, rule.key)) continue;
        if (!member.value().is_string()) {
            problem(path, "must be a string");
        } else if (check(path, text_of(member.value()), rule.value)) {
            out.emplace(key, text_of(member.value()));
        }
    }
    return out;
}

Status BodyReader::finish() const {
    if (problems_.empty()) return {};
    std::string message = fmt::format("field {}: {}", problems_.front().field, problems_.front().problem);
    if (problems_.size() > 1) message += fmt::format(" (and {} more)", problems_.size() - 1);
    return fail(Error{ErrorCode::invalid_argument, std::move(message), {}, problems_});
}

}  // namespace slipway::http
