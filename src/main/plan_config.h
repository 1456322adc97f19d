// The catalog's part of the configuration. Internal to it.
#pragma once

#include "main/config.h"
#include "main/toml_reader.h"

namespace slipway {

// Who makes a plan's resources where nobody says it: what is real.
std::string_view real_provider_of(const Plan& plan);

// [[plan]] replaces the embedded plans as soon as there is one; [pool] sets levels of either.
void read_plans(TableReader& root, std::vector<Plan>& plans, const LocalConfig& local,
                std::vector<ConfigProblem>& problems);

}  // namespace slipway
