#include "providers/sql/quoting.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/text.h"

namespace slipway::sql {
namespace {

std::string in_quotes(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char each : text) {
        if (each == quote) out += quote;
        out += each;
    }
    out += quote;
    return out;
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
    if (!valid_utf8(name)) return "a name is not UTF-8";
    return {};
}

std::string postgres_name(std::string_view name) { return in_quotes(name, '"'); }

std::string postgres_text(std::string_view text) {
    if (text.find('\\') == std::string_view::npos) return in_quotes(text, '\'');
    std::string doubled;
    for (const char each : text) {
        if (each == '\\') doubled += '\\';
        doubled += each;
    }
    return " E" + in_quotes(doubled, '\'');
}

std::string mysql_name(std::string_view name) { return in_quotes(name, '`'); }
std::string mysql_grant_database(std::string_view name) { return in_quotes(grant_pattern(name), '`'); }

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
        const std::size_t length = std::max<std::size_t>(utf8_character(rest), 1);
        if (bytes + length > kKept) break;
        bytes += length;
        rest.remove_prefix(std::min(length, rest.size()));
    }
    return fmt::format("{}-{}", name.substr(0, bytes), sha256(name).substr(0, 8));
}

}  // namespace slipway::sql
