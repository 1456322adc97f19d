#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace slipway::http {
namespace {

bool is_token(std::string_view text) {
    static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

bool is_value(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    });
}

bool written_by_server(std::string_view name) {
    static constexpr std::array<std::string_view, 7> names = {
        "content-length", "transfer-encoding", "connection", "date", "server", "x-request-id", "content-type"};
    return std::ranges::any_of(names, [&](std::string_view own) { return equal_ignoring_case(own, name); });
}

}  // namespace

bool sendable(const Response& response) {
    return response.status >= 200 && response.status <= 599 && is_value(response.content_type) &&
           std::ranges::all_of(response.headers,
                               [](const auto& field) { return is_token(field.first) && is_value(field.second); });
}

void append_head(std::string& out, const Response& response, const HeadFacts& facts) {
    const auto line = [&out](std::string_view name, std::string_view value) {
        out.append(name).append(value).append("\r\n");
    };
    fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} ", response.status);
    line(status_text(response.status), "");
    line("Server: slipway\r\nDate: ", facts.date);
    line("X-Request-Id: ", facts.request_id);
    if (!response.content_type.empty()) line("Content-Type: ", response.content_type);
    switch (facts.framing) {
        case BodyFraming::length: line("Content-Length: ", fmt::format_int(facts.length).c_str()); break;
        case BodyFraming::chunked: line("Transfer-Encoding: ", "chunked"); break;
        case BodyFraming::none:
        case BodyFraming::until_close: break;
    }
    if (facts.close) {
        line("Connection: ", "close");
    } else if (facts.announce_keep_alive) {
        line("Connection: ", "keep-alive");
    }
    for (const auto& [name, value] : response.headers) {
        if (written_by_server(name)) continue;
        out.append(name).append(": ");
        line(value, "");
    }
    out += "\r\n";
}

}  // namespace slipway::http
