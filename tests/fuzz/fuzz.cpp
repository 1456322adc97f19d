#include "fuzz/fuzz.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::fuzz {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 2000)) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte > 0x7e ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    }
    return out;
}

}  // namespace

void check(bool holds, std::string_view property, std::string_view seen) {
    if (holds) return;
    throw Broken(fmt::format("broken: {}{}{}", property, seen.empty() ? "" : "; seen: ", escaped(seen)));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator, std::size_t most) {
    std::vector<std::string_view> parts;
    while (parts.size() + 1 < most) {
        const std::size_t end = text.find(separator);
        if (end == std::string_view::npos) break;
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end + separator.size());
    }
    parts.push_back(text);
    return parts;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

bool harmless(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return false;
        const bool pair = byte == 0xc2 && i + 1 < text.size();
        if (pair && static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
            static_cast<unsigned char>(text[i + 1]) < 0xa0)
            return false;
    }
    return true;
}

std::uint8_t Bytes::byte() {
    if (left_.empty()) return 0;
    const auto taken = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return taken;
}

std::uint64_t Bytes::number() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = (value << 8U) | byte();
    return value;
}

std::string Bytes::text() {
    const std::size_t size = std::min<std::size_t>(byte(), left_.size());
    std::string taken(left_.substr(0, size));
    left_.remove_prefix(size);
    return taken;
}

}  // namespace slipway::fuzz
