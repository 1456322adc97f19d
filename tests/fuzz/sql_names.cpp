// Names and values in statements, and the marks of ownership that are read back from servers. The input is any
// text: a mark, a name, a value.
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "providers/databases/tenant.h"
#include "providers/sql/quoting.h"

namespace slipway::fuzz {
namespace {

// What a server reads between such quotes: nothing may end them early.
std::string unquoted(std::string_view text, char quote, bool backslashes = false) {
    check(text.size() >= 2 && text.front() == quote && text.back() == quote, "it is quoted", text);
    std::string out;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        const bool escapes = text[i] == quote || (backslashes && text[i] == '\\');
        if (escapes) {
            check(i + 2 < text.size() && text[i + 1] == text[i], "what has a meaning is doubled", text);
            ++i;
        }
        out += text[i];
    }
    return out;
}

// The database that a server matches with such a pattern, and no other.
std::string only_match(const std::string& pattern) {
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        check(pattern[i] != '%' && pattern[i] != '_', "no wildcard is left", pattern);
        if (pattern[i] == '\\') {
            check(i + 1 < pattern.size(), "a backslash stands before something", pattern);
            ++i;
        }
        out += pattern[i];
    }
    return out;
}

void check_name(const std::string& name) {
    if (!sql::wrong_name(name, sql::kMostMysqlName).empty()) return;
    check(valid_utf8(name) && !name.empty() && name.find('\0') == std::string::npos, "a right name is one", name);
    check(unquoted(sql::postgres_name(name), '"') == name, "PostgreSQL reads the name", name);
    check(unquoted(sql::mysql_name(name), '`') == name, "MySQL reads the name", name);
    if (sql::wrong_grant_database(name).empty()) {
        check(only_match(unquoted(sql::mysql_grant_database(name), '`')) == name, "a grant is for it alone", name);
    }
    const std::string user = sql::mysql_user(name, sql::kMostMysqlUser);
    check(user.size() <= sql::kMostMysqlUser && valid_utf8(user), "a user's name is right", user);
    check((user == name) == (name.size() <= sql::kMostMysqlUser), "what is short enough stays", name);
}

void check_value(const std::string& value) {
    if (value.find('\0') != std::string::npos) return;
    const std::string text = sql::postgres_text(value);
    const bool escaped = text.starts_with(" E");
    check(unquoted(std::string_view(text).substr(escaped ? 2 : 0), '\'', escaped) == value,
          "PostgreSQL reads the value", value);
    check(escaped || value.find('\\') == std::string::npos, "no backslash depends on a setting", value);
}

void check_mark(std::string_view text) {
    const auto tag = databases::parse_tag(text);
    if (!tag) return;
    check(databases::parse_tag(databases::to_text(*tag)) == tag, "a mark is read as it was written", text);
}

}  // namespace

void sql_names(std::string_view input) {
    check_mark(input);
    check_name(std::string(input));
    check_value(std::string(input));
}

}  // namespace slipway::fuzz
