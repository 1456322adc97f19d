#include "faces/query.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "faces/shown.h"

namespace slipway::faces {
namespace {

constexpr std::uint32_t kMaxPage = 1000;
constexpr std::size_t kMaxCursor = 255;

}  // namespace

std::optional<std::string_view> QueryReader::take(std::string_view name) {
    known_.emplace(name);
    std::optional<std::string_view> found;
    for (const auto& parameter : request_.query()) {
        if (parameter.first != name) continue;
        if (found) {
            problem(name, "is given more than once");
            return std::nullopt;
        }
        found = parameter.second;
    }
    return found;
}

std::optional<std::string> QueryReader::text(std::string_view name, std::size_t max_length) {
    const auto found = take(name);
    if (!found) return std::nullopt;
    if (found->empty() || found->size() > max_length) {
        problem(name, fmt::format("must have 1 to {} bytes", max_length));
        return std::nullopt;
    }
    return std::string(*found);
}

std::vector<std::string> QueryReader::texts(std::string_view name, std::size_t max_length) {
    constexpr std::size_t kMost = 32;
    known_.emplace(name);
    std::vector<std::string> found;
    for (const auto& parameter : request_.query()) {
        if (parameter.first != name) continue;
        if (parameter.second.empty() || parameter.second.size() > max_length) {
            problem(name, fmt::format("must have 1 to {} bytes", max_length));
            return {};
        }
        if (found.size() == kMost) {
            problem(name, fmt::format("may be given {} times at most", kMost));
            return {};
        }
        found.emplace_back(parameter.second);
    }
    return found;
}

std::optional<bool> QueryReader::boolean(std::string_view name) {
    const auto found = take(name);
    if (!found) return std::nullopt;
    if (*found == "true") return true;
    if (*found == "false") return false;
    problem(name, "must be true or false");
    return std::nullopt;
}

std::optional<std::int64_t> QueryReader::integer(std::string_view name, std::int64_t min, std::int64_t max) {
    const auto found = take(name);
    if (!found) return std::nullopt;
    std::int64_t value = 0;
    const char* end = found->data() + found->size();
    const auto read = std::from_chars(found->data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || value < min || value > max) {
        problem(name, fmt::format("must be an integer between {} and {}", min, max));
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> QueryReader::one_of(std::string_view name, std::span<const std::string_view> allowed) {
    const auto found = take(name);
    if (!found) return std::nullopt;
    if (std::ranges::find(allowed, *found) == allowed.end()) {
        problem(name, fmt::format("must be one of: {}", fmt::join(allowed, ", ")));
        return std::nullopt;
    }
    return std::string(*found);
}

std::vector<std::pair<std::string, std::string>> QueryReader::prefixed(std::string_view prefix) {
    prefixes_.emplace_back(prefix);
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& parameter : request_.query()) {
        if (!parameter.first.starts_with(prefix)) continue;
        const std::string_view key = parameter.first.substr(prefix.size());
        if (key.empty() || key.size() > 63) {
            problem(prefix, "must be followed by a name of 1 to 63 characters");
        } else {
            found.emplace_back(key, parameter.second);
        }
    }
    return found;
}

PageRequest QueryReader::page() {
    PageRequest page;
    // Empty is the first page: loops that begin with an empty cursor are natural.
    page.after = take("after").value_or("");
    if (page.after.size() > kMaxCursor) problem("after", fmt::format("must have at most {} bytes", kMaxCursor));
    page.limit = static_cast<std::uint32_t>(integer("limit", 1, kMaxPage).value_or(page.limit));
    return page;
}

Status QueryReader::finish() {
    for (const auto& parameter : request_.query()) {
        const bool prefixed = std::ranges::any_of(
            prefixes_, [&](const std::string& prefix) { return parameter.first.starts_with(prefix); });
        if (prefixed || known_.contains(parameter.first)) continue;
        std::vector<std::string> names(known_.begin(), known_.end());
        for (const std::string& prefix : prefixes_) names.push_back(prefix + "NAME");
        problem(shown(parameter.first), names.empty()
                                            ? "is unknown; no query parameters are taken here"
                                            : fmt::format("is unknown; known are: {}", fmt::join(names, ", ")));
    }
    if (problems_.empty()) return {};
    std::string message = fmt::format("query parameter {} {}", problems_[0].field, problems_[0].problem);
    return fail(Error{ErrorCode::invalid_argument, std::move(message), {}, std::move(problems_)});
}

json::object page_json(std::string_view name, json::array items, const std::string& next) {
    return json::object{{name, std::move(items)},
                        {"next", next.empty() ? json::value(nullptr) : json::value(next)}};
}

}  // namespace slipway::faces
