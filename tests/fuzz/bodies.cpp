// A request body: JSON that is accepted is bounded, and written out it reads the same; a body that names a field
// twice is refused, as an independent count sees it; typed fields keep their rules; no error repeats what the body
// held.
#include <algorithm>
#include <cmath>

#include <boost/json/basic_parser_impl.hpp>

#include "base/json.h"
#include "base/text.h"
#include "faces/request_body.h"
#include "fuzz/fuzz.h"
#include "http/target.h"

namespace slipway::fuzz {
namespace {

constexpr std::size_t kMaxDepth = 32;

// Counts the names of the outermost object: what Boost.JSON calls for each part of a text, without making a value.
struct NameCounter {
    static constexpr std::size_t max_object_size = SIZE_MAX;
    static constexpr std::size_t max_array_size = SIZE_MAX;
    static constexpr std::size_t max_key_size = SIZE_MAX;
    static constexpr std::size_t max_string_size = SIZE_MAX;
    using Failure = boost::json::error_code;
    using Text = boost::json::string_view;

    std::size_t depth = 0;
    std::size_t deepest = 0;
    std::size_t names = 0;

    bool enter() {
        deepest = std::max(deepest, ++depth);
        return true;
    }
    bool leave() {
        --depth;
        return true;
    }
    bool on_document_begin(Failure&) { return true; }
    bool on_document_end(Failure&) { return true; }
    bool on_object_begin(Failure&) { return enter(); }
    bool on_object_end(std::size_t, Failure&) { return leave(); }
    bool on_array_begin(Failure&) { return enter(); }
    bool on_array_end(std::size_t, Failure&) { return leave(); }
    bool on_key_part(Text, std::size_t, Failure&) { return true; }
    bool on_key(Text, std::size_t, Failure&) {
        names += depth == 1 ? 1 : 0;
        return true;
    }
    bool on_string_part(Text, std::size_t, Failure&) { return true; }
    bool on_string(Text, std::size_t, Failure&) { return true; }
    bool on_number_part(Text, Failure&) { return true; }
    bool on_int64(std::int64_t, Text, Failure&) { return true; }
    bool on_uint64(std::uint64_t, Text, Failure&) { return true; }
    bool on_double(double, Text, Failure&) { return true; }
    bool on_bool(bool, Failure&) { return true; }
    bool on_null(Failure&) { return true; }
    bool on_comment_part(Text, Failure&) { return true; }
    bool on_comment(Text, Failure&) { return true; }
};

NameCounter counted(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = 1000;
    boost::json::basic_parser<NameCounter> parser(options);
    boost::json::error_code error;
    parser.write_some(false, text.data(), text.size(), error);
    check(!error, "what is accepted is JSON for others too", text);
    return parser.handler();
}

std::size_t occurrences(std::string_view text, std::string_view word) {
    return split(text, word, SIZE_MAX).size() - 1;
}

double number_in(const json::value& in) {
    if (const auto* number = in.if_double()) return *number;
    return in.is_int64() ? static_cast<double>(in.get_int64()) : static_cast<double>(in.get_uint64());
}

// Boost.JSON reads long fractions to within a few units of their last place.
bool same(const json::value& a, const json::value& b) {
    if (a.is_double() || b.is_double()) {
        if (!a.is_number() || !b.is_number()) return false;
        const double left = number_in(a);
        return std::abs(left - number_in(b)) <= std::abs(left) * 1e-12;
    }
    if (a.is_object() && b.is_object()) {
        return std::ranges::equal(a.get_object(), b.get_object(), [&](const auto& left, const auto&) {
            const json::value* right = b.get_object().if_contains(left.key());
            return right != nullptr && same(left.value(), *right);
        });
    }
    if (a.is_array() && b.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), same);
    return a == b;
}

void check_round_trip(const json::value& value, std::string_view input) {
    const std::string once = json::dump(value);
    const auto again = json::parse(once);
    check(again.has_value(), "what was accepted is accepted when it is written out", once);
    check(same(value, *again), "and means the same", once);
    check(valid_utf8(once), "what is written is UTF-8", input);
}

std::string text_of(const Error& error) {
    std::string all = error.message + " " + error.detail;
    for (const FieldProblem& problem : error.problems) all += " " + problem.field + " " + problem.problem;
    return all;
}

void check_fields(http::BodyReader body, std::string_view input) {
    const std::string plan =
        body.required_string("plan", {.min_length = 1, .max_length = 8, .allowed = "a-z0-9._-"});
    const auto reason = body.optional_string("reason", {.max_length = 20});
    const auto secret = body.optional_secret("secret", {.min_length = 2, .max_length = 12});
    const auto grace = body.optional_integer("grace", -5, 3600);
    const std::int64_t size = body.required_integer("size", 1, 1000);
    const auto dry = body.optional_boolean("dry_run");
    const auto labels = body.optional_map("labels", {.max_entries = 3});
    const Status good = body.finish();
    const json::value* planted = body.object().if_contains("secret");
    const bool only_there = planted != nullptr && json::dump(*planted).contains(kCanary) &&
                            occurrences(json::dump(body.object()), kCanary) == 1;
    if (!good) {
        check(good.error().code == ErrorCode::invalid_argument && !good.error().problems.empty(),
              "the error is precise");
        check(!only_there || !text_of(good.error()).contains(kCanary), "no error repeats a secret",
              text_of(good.error()));
        return;
    }
    const auto printable = [](std::string_view text) {
        return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    };
    check(!plan.empty() && plan.size() <= 8 &&
              plan.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos,
          "a string keeps to its characters", plan);
    check(!reason || (reason->size() <= 80 && printable(*reason)), "a string is bounded and printable", input);
    check(!secret || (secret->reveal().size() >= 2 && secret->reveal().size() <= 48), "a secret is bounded", input);
    check(!grace || (*grace >= -5 && *grace <= 3600), "an integer is in its range", input);
    check(size >= 1 && size <= 1000, "a required integer is in its range", input);
    check(!dry || body.object().at("dry_run").is_bool(), "a boolean was one", input);
    check(labels.size() <= 3, "a map is bounded", input);
    for (const auto& [key, value] : labels) {
        check(!key.empty() && printable(key) && printable(value), "a map is clean", input);
    }
}

}  // namespace

void bodies(std::string_view input) {
    const auto parsed = json::parse(input);
    if (!parsed) {
        check(parsed.error().code == ErrorCode::malformed, "what is no JSON is malformed", input);
        check(!text_of(parsed.error()).contains(kCanary), "no error repeats the body", parsed.error().message);
    } else {
        check_round_trip(*parsed, input);
        check(counted(input).deepest <= kMaxDepth, "depth is bounded", input);
    }
    auto body = faces::read_body(input, http::EmptyBody::is_empty_object);
    const bool blank = input.find_first_not_of(" \t\r\n") == std::string_view::npos;
    const bool object = parsed && parsed->is_object();
    const bool twice = object && counted(input).names != parsed->get_object().size();
    check(body.has_value() == (blank || (object && !twice)), "a body is an object that names each field once",
          input);
    if (body) {
        check_fields(std::move(*body), input);
    } else {
        check(!text_of(body.error()).contains(kCanary), "no error repeats the body", text_of(body.error()));
    }
}

}  // namespace slipway::fuzz
