// The part of the manual page that is made from the grammar, so that it cannot say anything else.
#pragma once

#include <string>

#include "cli/grammar.h"

namespace slipway::cli {

// troff: every command with its arguments, options and examples, by group.
std::string manual_of(const CommandInfo& grammar);

}  // namespace slipway::cli
