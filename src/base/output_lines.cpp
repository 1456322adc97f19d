#include "base/output_lines.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// ECMA-48: ESC, then "[", parameters, and a final byte; or ESC and one byte.
std::size_t escape_length(std::string_view text) {
    if (text.size() < 2 || text[1] != '[') return std::min<std::size_t>(text.size(), 2);
    const auto* const final = std::ranges::find_if(text.substr(2), [](char c) { return c >= 0x40 && c <= 0x7e; });
    return std::min<std::size_t>(static_cast<std::size_t>(final - text.begin()) + 1, text.size());
}

// U+0080 to U+009F, which terminals take for commands as well.
bool is_upper_control(std::string_view character) {
    return character.size() == 2 && character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

void OutputLines::add(std::string_view text) {
    line_.append(text.substr(0, most_ - std::min(most_, line_.size())));
}

void OutputLines::feed(std::string_view piece) {
    for (;;) {
        const std::size_t end = piece.find('\n');
        add(piece.substr(0, end));
        if (end == std::string_view::npos) return;
        finish();
        piece.remove_prefix(end + 1);
    }
}

void OutputLines::finish() {
    if (!line_.empty()) take_(line_);
    line_.clear();
}

std::string plain_line(std::string_view line) {
    std::string out;
    while (!line.empty()) {
        if (line.front() == kEscape) {
            line.remove_prefix(escape_length(line));
            continue;
        }
        const std::size_t length = utf8_character(line);
        if (length == 0) {
            out += kReplacement;
        } else if (line.front() == '\t') {
            out += ' ';
        } else if (!is_control(line.front()) && !is_upper_control(line.substr(0, length))) {
            out += line.substr(0, length);
        }
        line.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::string shortened(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    const std::size_t cut = text.size() - end;
    text.resize(end);
    return text + fmt::format(" [{} bytes more]", cut);
}

}  // namespace slipway
