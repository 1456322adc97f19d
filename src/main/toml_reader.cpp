#include "main/toml_reader.h"

#include <fmt/format.h>

#include "main/units.h"

namespace slipway {
namespace {

std::string type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::none: return "nothing";
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::string: return "a string";
        case toml::node_type::integer: return "an integer";
        case toml::node_type::floating_point: return "a floating-point number";
        case toml::node_type::boolean: return "a boolean";
        case toml::node_type::date: return "a date";
        case toml::node_type::time: return "a time";
        case toml::node_type::date_time: return "a date and time";
    }
    return "something else";
}

}  // namespace

std::string TableReader::full(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::size_t TableReader::line_of(std::string_view key) const {
    const toml::node* node = table_.get(key);
    const auto& source = node != nullptr ? node->source() : table_.source();
    return source.begin.line;
}

void TableReader::problem(std::string_view key, std::string what) {
    problems_.push_back({line_of(key), full(key), std::move(what)});
}

std::filesystem::path TableReader::directory() const {
    const toml::source_path_ptr& file = table_.source().path;
    return file ? std::filesystem::path(*file).parent_path() : std::filesystem::path();
}

const toml::node* TableReader::take(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
}

void TableReader::text(std::string_view key, std::string& out,
                       const std::function<std::string(const std::string&)>& check) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto* value = node->as_string();
    if (value == nullptr) return problem(key, "must be a string, not " + type_name(*node));
    if (std::string wrong = check(value->get()); !wrong.empty()) return problem(key, std::move(wrong));
    out = value->get();
}

void TableReader::boolean(std::string_view key, bool& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto* value = node->as_boolean();
    if (value == nullptr) return problem(key, "must be true or false, not " + type_name(*node));
    out = value->get();
}

void TableReader::duration(std::string_view key, Duration& out, Duration min, Duration max) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto* text = node->as_string();
    const auto value = text != nullptr ? parse_duration(text->get()) : std::nullopt;
    if (!value || *value < min || *value > max) {
        return problem(key,
                       fmt::format("must be a duration from \"{}\" to \"{}\", written like \"250ms\", \"30s\", "
                                   "\"15m\", \"24h\" or \"7d\"",
                                   format_duration(min), format_duration(max)));
    }
    out = *value;
}

void TableReader::texts(std::string_view key, std::vector<std::string>& out,
                        const std::function<std::string(const std::string&)>& check) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) return problem(key, "must be an array of strings, not " + type_name(*node));
    std::vector<std::string> values;
    for (const toml::node& each : *array) {
        const auto* value = each.as_string();
        std::string wrong = value == nullptr ? "must be a string, not " + type_name(each) : check(value->get());
        if (!wrong.empty()) {
            problems_.push_back({each.source().begin.line, fmt::format("{}[{}]", full(key), values.size()), wrong});
        }
        values.push_back(value != nullptr ? value->get() : "");
    }
    out = std::move(values);
}

std::optional<std::int64_t> TableReader::whole(std::string_view key, std::int64_t min, std::int64_t max) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_integer();
    if (value == nullptr || value->get() < min || value->get() > max) {
        problem(key, fmt::format("must be an integer from {} to {}", min, max));
        return std::nullopt;
    }
    return value->get();
}

std::optional<std::int64_t> TableReader::size(std::string_view key, std::int64_t min, std::int64_t max) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    std::optional<std::int64_t> bytes;
    if (const auto* number = node->as_integer()) bytes = number->get();
    if (const auto* text = node->as_string()) bytes = parse_size(text->get());
    if (bytes && *bytes >= min && *bytes <= max) return bytes;
    problem(key,
            fmt::format("must be a number of bytes from {} to {}, written like 67108864 or \"64mb\"", min, max));
    return std::nullopt;
}

std::optional<std::string> TableReader::one_of(std::string_view key, std::span<const std::string_view> allowed) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_string();
    if (value == nullptr || std::ranges::find(allowed, value->get()) == allowed.end()) {
        problem(key, fmt::format("must be one of \"{}\"", fmt::join(allowed, "\", \"")));
        return std::nullopt;
    }
    return value->get();
}

const toml::table* TableReader::table(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) problem(key, "must be a table, not " + type_name(*node));
    return node->as_table();
}

const toml::array* TableReader::tables(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return nullptr;
    if (!node->is_array_of_tables()) {
        problem(key, fmt::format("must be an array of tables: write [[{}]]", full(key)));
        return nullptr;
    }
    return node->as_array();
}

void TableReader::finish() {
    for (const auto& [key, node] : table_) {
        if (known_.contains(key.str())) continue;
        problems_.push_back({key.source().begin.line, full(key.str()),
                             fmt::format("is not a setting; known here: {}", fmt::join(known_, ", "))});
    }
}

}  // namespace slipway
