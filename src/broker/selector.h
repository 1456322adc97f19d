// Label selectors as Kubernetes has them: env=prod,tier!=db,team,!old,zone in (a, b),size notin (xl). Pure, so that
// it can be fuzzed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway {

struct LabelRequirement {
    enum class Operator : std::uint8_t { in, not_in, exists, absent };
    std::string key;
    Operator op = Operator::exists;
    std::vector<std::string> values;  // of in and not_in: at least one
    friend bool operator==(const LabelRequirement&, const LabelRequirement&) = default;
};

// All must hold; none: everything matches. What has no such label matches !=, notin and !NAME.
struct LabelSelector {
    std::vector<LabelRequirement> requirements;
    friend bool operator==(const LabelSelector&, const LabelSelector&) = default;
};

// ErrorCode::invalid_argument; the message says where (from 1) and what was expected. At most 1024 bytes, 32
// requirements and 64 values in all. Keys and values as labels have them; a value with a character other than
// A-Z a-z 0-9 . _ - / : cannot be written here.
Result<LabelSelector> parse_selector(std::string_view text);

bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels);

}  // namespace slipway
