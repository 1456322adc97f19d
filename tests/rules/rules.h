// The rules of the house that no compiler checks. Each takes text and answers what is wrong with it, so that the
// rules are tested like other code; repository_test.cpp runs them over the whole repository.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::rules {

inline constexpr std::size_t kMaxFileLines = 600;
inline constexpr std::size_t kMaxFunctionLines = 80;

struct Violation {
    std::size_t line = 0;  // from 1; 0: the file as a whole
    std::string what;
};
using Violations = std::vector<Violation>;

// `path` is relative to the repository, e.g. "src/ops/worker.cpp"; it decides which rules hold.
Violations check_includes(std::string_view path, std::string_view text);
Violations check_length(std::string_view text);
Violations check_functions(std::string_view text);
Violations check_forbidden_code(std::string_view text);  // calls and macros that must not appear in C++
Violations check_nolint(std::string_view text);          // suppressed lint names its check and gives a reason
Violations check_words(std::string_view text);           // unfinished work, hosts of package registries; any text

}  // namespace slipway::rules
