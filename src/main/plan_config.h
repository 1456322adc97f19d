// The catalog's part of the configuration. Internal to it.
#pragma once

#include "main/config.h"
#include "main/toml_reader.h"

namespace slipway {

// [[plan]] replaces the embedded plans as soon as there is one; [pool] sets levels of either.
void read_plans(TableReader& root, std::vector<Plan>& plans, const LocalConfig& local,
                std::vector<ConfigProblem>& problems);

}  // namespace slipway
