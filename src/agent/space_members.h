// Who runs in a network namespace.
#pragma once

#include <functional>
#include <string>

#include "agent/process.h"

namespace slipway::agent {

// Kills those processes in the namespace at `path` of which `chosen` is true, by their command lines (words that
// end with '\0'), and waits for their end, a few seconds at most. How many there were. No namespace, no process.
int end_members(const std::string& path, const std::function<bool(std::string_view command_line)>& chosen);

}  // namespace slipway::agent
