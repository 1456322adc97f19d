#include "base/json.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <boost/container/small_vector.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace slipway::json {
namespace {

constexpr std::size_t kMaxDepth = 32;

std::string describe_position(std::string_view text, std::size_t offset) {
    offset = std::min(offset, text.size());
    const std::string_view before = text.substr(0, offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n');
    const std::size_t column = start == std::string_view::npos ? offset + 1 : offset - start;
    return fmt::format("line {}, column {} (byte {})", line, column, offset);
}

// A number like 1e999 is read as infinite, and nothing can write that again.
bool finite(const value& in) {
    if (const auto* number = in.if_double()) return std::isfinite(*number);
    if (const auto* items = in.if_array()) return std::ranges::all_of(*items, finite);
    const auto* members = in.if_object();
    return members == nullptr ||
           std::ranges::all_of(*members, [](const auto& each) { return finite(each.value()); });
}

void write(const value& in, std::string& out);

// What stands after the backslash, for every byte; 0: it needs none; 'u': its number.
constexpr std::array<char, 256> kEscapes = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
    table['"'] = '"';
    table['\\'] = '\\';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    return table;
}();

// Most texts need no escape and are copied as they are.
void write_string(std::string_view in, std::string& out) {
    out += '"';
    std::size_t plain = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
        const char escape = kEscapes[static_cast<unsigned char>(in[i])];
        if (escape == '\0') continue;
        out.append(in, plain, i - plain);
        plain = i + 1;
        out += '\\';
        out += escape;
        if (escape == 'u') fmt::format_to(std::back_inserter(out), "{:04x}", static_cast<unsigned>(in[i]));
    }
    out.append(in, plain);
    out += '"';
}

template <class Integer>
void write_integer(Integer in, std::string& out) {
    const fmt::format_int text(in);
    out.append(text.data(), text.size());
}

void write_object(const object& in, std::string& out) {
    boost::container::small_vector<const boost::json::key_value_pair*, 40> members;
    for (const auto& member : in) members.push_back(&member);
    std::ranges::sort(members, {}, [](const auto* member) { return std::string_view(member->key()); });
    out += '{';
    bool first = true;
    for (const auto* member : members) {
        if (!first) out += ',';
        first = false;
        write_string(member->key(), out);
        out += ':';
        write(member->value(), out);
    }
    out += '}';
}

void write_array(const array& in, std::string& out) {
    out += '[';
    bool first = true;
    for (const value& item : in) {
        if (!first) out += ',';
        first = false;
        write(item, out);
    }
    out += ']';
}

void write_double(double in, std::string& out) {
    // JSON has no infinities; null is what JavaScript writes for them. "-0" would be read as an integer, and that
    // is 0.
    out += std::isfinite(in) ? fmt::format("{}", in == 0 ? 0.0 : in) : "null";
}

void write(const value& in, std::string& out) {
    switch (in.kind()) {
        case boost::json::kind::object: write_object(in.get_object(), out); return;
        case boost::json::kind::array: write_array(in.get_array(), out); return;
        case boost::json::kind::double_: write_double(in.get_double(), out); return;
        case boost::json::kind::string: write_string(in.get_string(), out); return;
        case boost::json::kind::int64: write_integer(in.get_int64(), out); return;
        case boost::json::kind::uint64: write_integer(in.get_uint64(), out); return;
        case boost::json::kind::bool_: out += in.get_bool() ? "true" : "false"; return;
        case boost::json::kind::null: out += "null"; return;
    }
}

}  // namespace

Result<value> parse(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = kMaxDepth;
    boost::json::stream_parser parser({}, options);
    boost::system::error_code error;
    const std::size_t used = parser.write_some(text.data(), text.size(), error);
    if (!error && used < text.size()) error = boost::json::error::extra_data;
    if (!error) parser.finish(error);
    if (error) {
        return fail(ErrorCode::malformed,
                    fmt::format("malformed JSON at {}: {}", describe_position(text, used), error.message()));
    }
    value parsed = parser.release();
    if (!finite(parsed)) return fail(ErrorCode::malformed, "malformed JSON: a number is out of range");
    return parsed;
}

std::string dump(const value& value) {
    std::string out;
    write(value, out);
    return out;
}

std::string get_string(const object& from, std::string_view key) {
    const value* found = from.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t get_int(const object& from, std::string_view key, std::int64_t otherwise) {
    const value* found = from.if_contains(key);
    if (found == nullptr) return otherwise;
    if (found->is_int64()) return found->get_int64();
    if (found->is_uint64() && found->get_uint64() <= INT64_MAX) {
        return static_cast<std::int64_t>(found->get_uint64());
    }
    return otherwise;
}

bool get_bool(const object& from, std::string_view key, bool otherwise) {
    const value* found = from.if_contains(key);
    return found != nullptr && found->is_bool() ? found->get_bool() : otherwise;
}

}  // namespace slipway::json
