// Small waits that never block the executor, and what can be known of a port without using it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/process.h"
#include "base/task.h"
#include "providers/deadline.h"
#include "providers/pause.h"

namespace slipway::local {

// True once that process is dead (at once where it is already).
Task<bool> wait_exit(agent::Process process, Deadline deadline);

// Whether an engine could bind this port on every address now. An address that the machine lacks does not count.
bool port_is_free(const std::vector<std::string>& addresses, std::uint16_t port);
bool has_address(const std::string& address);

}  // namespace slipway::local
