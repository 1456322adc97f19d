// The section [machines] of the configuration.
#pragma once

#include "main/config.h"
#include "main/toml_reader.h"
#include "providers/machines/net.h"

namespace slipway {

// `out` keeps what was not said.
void read_machines(TableReader& root, const LocalConfig& local, MachinesConfig& out,
                   std::vector<ConfigProblem>& problems);

// Of a configuration without problems.
machines::Net net_of(const MachinesConfig& config);

}  // namespace slipway
