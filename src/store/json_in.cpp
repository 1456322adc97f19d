#include "store/json_in.h"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace slipway::store {
namespace {

// Parameters and handles come in at up to 32 levels and are kept a few levels down.
constexpr std::size_t kMaxDepth = 64;

// Those that can be written with a year of four digits. Beyond them the difference of two may not fit.
constexpr TimePoint kFirstTime{std::chrono::sys_days(std::chrono::year(1) / 1 / 1)};
constexpr TimePoint kLastTime{std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1) - Duration(1)};

const json::object& no_members() {
    static const json::object empty;
    return empty;
}

const json::array& no_items() {
    static const json::array empty;
    return empty;
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text, std::string what) : what_(std::move(what)) {
    boost::json::parse_options options;
    options.max_depth = kMaxDepth;
    options.allow_invalid_utf8 = true;
    boost::system::error_code error;
    value_ = boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
    if (error) {
        complain("", "is not JSON: " + error.message());
    } else if (!value_.is_object()) {
        complain("", "is not an object");
    }
}

JsonIn JsonDocument::root() { return {*this, value_.if_object()}; }

void JsonDocument::complain(std::string_view path, std::string_view problem) {
    if (problem_) return;
    const std::string member = path.empty() ? std::string("the body") : fmt::format("member \"{}\"", path);
    problem_ = Error{ErrorCode::storage,
                     fmt::format("the stored {} cannot be read", what_),
                     fmt::format("{} {}", member, problem),
                     {}};
}

const json::value* JsonIn::find(std::string_view key) {
    if (object_ == nullptr) return nullptr;
    const json::value* found = object_->if_contains(key);
    if (found == nullptr) complain(key, "is missing");
    return found;
}

std::string JsonIn::text(std::string_view key) {
    const json::value* found = find(key);
    if (found == nullptr) return {};
    if (!found->is_string()) {
        complain(key, "is not a string");
        return {};
    }
    return std::string(found->get_string());
}

std::string JsonIn::text_if_any(std::string_view key) { return has(key) ? text(key) : std::string(); }

bool JsonIn::boolean(std::string_view key) {
    const json::value* found = find(key);
    if (found == nullptr) return false;
    if (!found->is_bool()) {
        complain(key, "is not a boolean");
        return false;
    }
    return found->get_bool();
}

std::int64_t JsonIn::integer(std::string_view key) {
    const json::value* found = find(key);
    if (found == nullptr) return 0;
    if (!found->is_int64()) {
        complain(key, "is not an integer in range");
        return 0;
    }
    return found->get_int64();
}

TimePoint JsonIn::time(std::string_view key) {
    const TimePoint read = from_micros(integer(key));
    if (read >= kFirstTime && read <= kLastTime) return read;
    complain(key, "is no time between the years 1 and 9999");
    return {};
}

std::uint64_t JsonIn::natural(std::string_view key) {
    const json::value* found = find(key);
    if (found == nullptr) return 0;
    if (found->is_uint64()) return found->get_uint64();
    if (!found->is_int64() || found->get_int64() < 0) {
        complain(key, "is not a natural number in range");
        return 0;
    }
    return static_cast<std::uint64_t>(found->get_int64());
}

json::object JsonIn::tree(std::string_view key) { return object(key).members(); }

JsonIn JsonIn::object(std::string_view key) {
    const json::value* found = find(key);
    if (found == nullptr) return {*document_, nullptr};
    if (!found->is_object()) complain(key, "is not an object");
    return {*document_, found->if_object()};
}

const json::array& JsonIn::array(std::string_view key) {
    const json::value* found = find(key);
    if (found == nullptr) return no_items();
    if (!found->is_array()) {
        complain(key, "is not an array");
        return no_items();
    }
    return found->get_array();
}

std::vector<std::string> JsonIn::texts(std::string_view key) {
    std::vector<std::string> found;
    for (const json::value& item : array(key)) {
        if (const auto* text = item.if_string()) {
            found.emplace_back(*text);
        } else {
            complain(key, "has an item that is not a string");
        }
    }
    return found;
}

const json::object& JsonIn::members() const { return object_ != nullptr ? *object_ : no_members(); }

JsonIn JsonIn::item(const json::value& item) {
    if (!item.is_object()) complain("", "has an item that is not an object");
    return {*document_, item.if_object()};
}

}  // namespace slipway::store
