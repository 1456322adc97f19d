// Completion on the command line: the scripts for shells, and what they ask.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/grammar.h"

namespace slipway::cli {

// The script for "bash", "zsh" or "fish"; "" for others.
std::string_view completion_script(std::string_view shell);

// What may stand for the last of the words, which may be empty or begun; each with a tab and a description where
// there is one. A line ":files" or ":directories" alone: names of files. Names of things are asked of the server,
// shortly; where that fails there are none, and nothing is said.
std::vector<std::string> complete(const std::vector<std::string>& words, const CommandInfo& grammar,
                                  const Environment& environment);

}  // namespace slipway::cli
