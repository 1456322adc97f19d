// The section [machines] of the configuration.
#pragma once

#include "main/config.h"
#include "main/toml_reader.h"
#include "providers/machines/net.h"

namespace slipway {

// Problems go to the reader; `out` keeps what was not said.
void read_machines(TableReader& reader, const LocalConfig& local, MachinesConfig& out);

// Of a configuration without problems.
machines::Net net_of(const MachinesConfig& config);

}  // namespace slipway
