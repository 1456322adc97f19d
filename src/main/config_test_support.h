// What tests of the configuration share.
#pragma once

#include <string>

#include <fmt/format.h>

#include "base/result.h"

namespace slipway {

// Every problem on a line of its own.
inline std::string told(const Error& error) {
    std::string text;
    for (const FieldProblem& each : error.problems) text += fmt::format("{}: {}\n", each.field, each.problem);
    return text;
}

// A configuration that is refused.
struct Wrong {
    std::string text;
    const char* place;    // FILE:LINE: key
    const char* problem;  // part of what is said
};

}  // namespace slipway
