#include "fuzz/chunked.h"

#include <algorithm>
#include <cstdint>

namespace slipway::fuzz {
namespace {

class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(std::string_view what) {
        if (text_.substr(at_, what.size()) != what) return false;
        at_ += what.size();
        return true;
    }
    template <class Accept>
    std::string_view while_(Accept accept) {
        const std::size_t start = at_;
        while (at_ < text_.size() && accept(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }
    std::optional<std::string_view> bytes(std::size_t count) {
        if (text_.size() - at_ < count) return std::nullopt;
        at_ += count;
        return text_.substr(at_ - count, count);
    }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

bool blank(char c) { return c == ' ' || c == '\t'; }

bool token_char(char c) {
    static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.contains(c);
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::uint64_t> read_size(Cursor& in) {
    const std::string_view digits = in.while_([](char c) { return hex_digit(c) >= 0; });
    if (digits.empty()) return std::nullopt;
    std::uint64_t size = 0;
    for (const char c : digits) {
        if (size >> 60U != 0) return std::nullopt;
        size = size * 16 + static_cast<std::uint64_t>(hex_digit(c));
    }
    return size;
}

bool read_quoted(Cursor& in) {
    if (!in.take("\"")) return false;
    for (;;) {
        in.while_([](char c) { return c != '"' && c != '\\' && c != '\r' && c != '\n' && c != '\0'; });
        if (in.take("\"")) return true;
        if (!in.take("\\") || !in.bytes(1)) return false;
    }
}

// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
bool read_extensions(Cursor& in) {
    for (;;) {
        in.while_(blank);
        if (!in.take(";")) return true;
        in.while_(blank);
        if (in.while_(token_char).empty()) return false;
        in.while_(blank);
        if (!in.take("=")) continue;
        in.while_(blank);
        if (in.peek() == '"' ? !read_quoted(in) : in.while_(token_char).empty()) return false;
    }
}

bool read_trailer(Cursor& in) {
    while (!in.take("\r\n")) {
        if (in.while_(token_char).empty() || !in.take(":")) return false;
        in.while_([](char c) { return c != '\r' && c != '\n' && c != '\0'; });
        if (!in.take("\r\n")) return false;
        // A folded line: its reading is of no consequence here, because the trailer is dropped.
        while (blank(in.peek())) {
            in.while_([](char c) { return c != '\r' && c != '\n' && c != '\0'; });
            if (!in.take("\r\n")) return false;
        }
    }
    return true;
}

}  // namespace

std::optional<Chunked> read_chunked(std::string_view text) {
    Cursor in(text);
    Chunked out;
    for (;;) {
        const auto size = read_size(in);
        if (!size || !read_extensions(in) || !in.take("\r\n")) return std::nullopt;
        if (*size == 0) break;
        const auto content = in.bytes(*size);
        if (!content || !in.take("\r\n")) return std::nullopt;
        out.content += *content;
    }
    if (!read_trailer(in)) return std::nullopt;
    out.size = in.at();
    return out;
}

}  // namespace slipway::fuzz
