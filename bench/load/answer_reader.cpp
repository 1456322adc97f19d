#include "load/answer_reader.h"

#include <algorithm>
#include <charconv>

namespace slipway::bench {
namespace {

bool same_name(std::string_view a, std::string_view lower) {
    return std::ranges::equal(a, lower, [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
}

template <class Number>
bool to_number(std::string_view text, Number& out) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

std::unexpected<Error> malformed(std::string what) { return fail(ErrorCode::malformed, std::move(what)); }

}  // namespace

Result<std::optional<Answer>> read_answer(std::string_view bytes, bool want_location) {
    constexpr std::size_t kLongestHead = 64UL * 1024;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() > kLongestHead) return malformed("the head of an answer does not end");
        return std::optional<Answer>();
    }
    Answer answer;
    answer.head = end + 4;
    std::string_view head = bytes.substr(0, end + 2);
    if (!head.starts_with("HTTP/1.1 ") || !to_number(head.substr(9, 3), answer.status)) {
        return malformed("not an HTTP/1.1 answer");
    }
    bool has_length = answer.status == 204 || answer.status == 304;
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
        const std::size_t line_end = head.find("\r\n");
        const std::string_view line = head.substr(0, line_end);
        head.remove_prefix(line_end + 2);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string_view name = line.substr(0, colon);
        std::string_view value = line.substr(colon + 1);
        while (value.starts_with(' ')) value.remove_prefix(1);
        if (same_name(name, "content-length")) {
            if (!to_number(value, answer.body)) return malformed("a Content-Length that is no number");
            has_length = true;
        } else if (same_name(name, "connection")) {
            answer.closes = same_name(value, "close");
        } else if (want_location && same_name(name, "location")) {
            answer.location = value;
        }
    }
    if (!has_length) return malformed("an answer without Content-Length");
    if (bytes.size() < answer.head + answer.body) return std::optional<Answer>();
    return std::optional<Answer>(std::move(answer));
}

}  // namespace slipway::bench
