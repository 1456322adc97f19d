// Reads C++ well enough to find functions and includes: comments, strings of all kinds, preprocessor lines and
// braces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::rules {

enum class Keep : std::uint8_t { code, code_and_strings };

// The text with comments (and, unless they are kept, what stands between quotes) as spaces. Line breaks stay, so
// that positions and lines are those of the original.
std::string without_comments(std::string_view text, Keep keep);

struct Include {
    std::size_t line = 0;  // from 1
    std::string path;      // as written between the quotes or angle brackets
    bool quoted = false;
};
std::vector<Include> includes_of(std::string_view text);

struct Function {
    std::size_t first_line = 0;  // where its declaration begins, from 1
    std::size_t last_line = 0;   // of the closing brace
    std::string name;
    [[nodiscard]] std::size_t lines() const { return last_line - first_line + 1; }
};
struct Functions {
    std::vector<Function> found;  // outermost ones; a lambda within one counts as part of it
    bool balanced = true;         // false: the braces do not match, and `found` is not to be relied on
};
Functions functions_of(std::string_view text);

}  // namespace slipway::rules
