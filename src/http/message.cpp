#include "http/message.h"

#include <algorithm>
#include <array>

namespace slipway::http {
namespace {

constexpr std::array<std::string_view, kMethods> kNames = {"GET",   "HEAD",   "POST",   "PUT",
                                                           "PATCH", "DELETE", "OPTIONS"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

std::string_view to_string(Method method) { return kNames.at(static_cast<std::size_t>(method)); }

std::optional<Method> parse_method(std::string_view text) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames.at(i) == text) return static_cast<Method>(i);
    }
    return std::nullopt;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (const auto& field : fields_) {
        if (equal_ignoring_case(field.first, name)) return field.second;
    }
    return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
    std::vector<std::string_view> out;
    for (const auto& field : fields_) {
        if (equal_ignoring_case(field.first, name)) out.push_back(field.second);
    }
    return out;
}

void Headers::add(std::string name, std::string value) {
    const auto& kept = added_.emplace_back(std::move(name), std::move(value));
    fields_.emplace_back(kept.first, kept.second);
}

std::string_view Request::param(std::string_view name) const {
    for (const auto& param : params_) {
        if (param.first == name) return param.second;
    }
    return {};
}

Response Response::json(int status, const json::value& value) {
    return {.status = status, .content_type = std::string(kJsonType), .body = json::dump(value), .headers = {}};
}

Response Response::text(int status, std::string body) {
    return {.status = status, .content_type = "text/plain; charset=UTF-8", .body = std::move(body), .headers = {}};
}

Response Response::empty(int status) {
    return {.status = status, .content_type = {}, .body = std::string(), .headers = {}};
}

Response Response::stream(std::string content_type, StreamBody body) {
    return {.status = 200, .content_type = std::move(content_type), .body = std::move(body), .headers = {}};
}

Response&& Response::with(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
}

std::string_view status_text(int status) {
    static constexpr auto known = std::to_array<std::pair<int, std::string_view>>({
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {423, "Locked"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    });
    const auto* found = std::ranges::find(known, status, &std::pair<int, std::string_view>::first);
    return found == known.end() ? "Unknown" : found->second;
}

}  // namespace slipway::http
