// The process that a container lives by: it runs it through liblxc and ends with it, and it with the process.
#pragma once

#include "agent/container_config.h"

namespace slipway::agent {

// What it is told by its standard input: {"name", "items": [["lxc.uts.name", "x"], …]}.
json::object monitor_input(const std::string& name, const ContainerItems& items);

// `slipway agent --container`, by the helper alone: in mounts and a network of its own, with the instance's lock
// open as descriptor 3. Returns the process's exit status.
int run_container();

}  // namespace slipway::agent
