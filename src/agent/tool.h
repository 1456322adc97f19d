// Small programs of the system that do one thing and end: ip, bridge, qemu-img.
#pragma once

#include <string>
#include <vector>

#include "agent/protocol.h"

namespace slipway::agent {

// Runs it with the helper's own rights, an environment of its own and nothing to read, for at most `limit_ms`; then
// it is killed. Answers what it printed (at most 1 MiB, both outputs). Errors: io (it failed; the message has its
// first line), and unsupported (no such program).
Answer<std::string> run_tool(const std::string& path, std::vector<std::string> args, int limit_ms);

}  // namespace slipway::agent
