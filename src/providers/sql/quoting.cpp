#include "providers/sql/quoting.h"

#include <fmt/format.h>
#include <sodium.h>

namespace slipway::sql {
namespace {

std::string quoted(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char each : text) {
        if (each == quote) out += quote;
        out += each;
    }
    out += quote;
    return out;
}

// The length of the character that begins here; 0 where none does.
std::size_t character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 && first <= 0xF4   ? 4
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xC2 && first <= 0xDF ? 2
                                                                : 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
    }
    // Longer forms than needed, surrogates, and what lies beyond Unicode.
    const bool wrong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
                       (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F);
    return wrong ? 0 : length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = character(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string sha256_start(std::string_view text) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

std::string grant_pattern(std::string_view name) {
    std::string pattern;
    for (const char each : name) {
        if (each == '%' || each == '_' || each == '\\') pattern += '\\';
        pattern += each;
    }
    return pattern;
}

}  // namespace

std::string wrong_name(std::string_view name, std::size_t most) {
    if (name.empty()) return "a name is empty";
    if (name.size() > most) return fmt::format("a name has {} bytes, at most {} are allowed", name.size(), most);
    if (name.find('\0') != std::string_view::npos) return "a name holds a NUL";
    if (!is_utf8(name)) return "a name is not UTF-8";
    return {};
}

std::string postgres_name(std::string_view name) { return quoted(name, '"'); }

std::string postgres_text(std::string_view text) {
    if (text.find('\\') == std::string_view::npos) return quoted(text, '\'');
    std::string doubled;
    for (const char each : text) {
        if (each == '\\') doubled += '\\';
        doubled += each;
    }
    return " E" + quoted(doubled, '\'');
}

std::string mysql_name(std::string_view name) { return quoted(name, '`'); }
std::string mysql_grant_database(std::string_view name) { return quoted(grant_pattern(name), '`'); }

std::string wrong_grant_database(std::string_view name) {
    const std::size_t size = grant_pattern(name).size();
    if (size <= kMostMysqlName) return {};
    return fmt::format(
        "a database's name has {} bytes with a backslash before every %, _ and \\, at most {} are allowed", size,
        kMostMysqlName);
}

std::string mysql_user(std::string_view name, std::size_t most) {
    if (name.size() <= most) return std::string(name);
    constexpr std::size_t kKept = 23;
    std::string_view rest = name;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < kKept && !rest.empty(); ++i) {
        const std::size_t length = std::max<std::size_t>(character(rest), 1);
        if (bytes + length > kKept) break;
        bytes += length;
        rest.remove_prefix(std::min(length, rest.size()));
    }
    return fmt::format("{}-{}", name.substr(0, bytes), sha256_start(name));
}

}  // namespace slipway::sql
