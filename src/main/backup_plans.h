// Plans of backups, as the configuration has them. Internal to it.
#pragma once

#include <vector>

#include "domain/catalog.h"
#include "main/toml_reader.h"

namespace slipway {

// One for each engine of databases.
std::vector<Plan> default_backup_plans();

// The inside of [plan.parameters]; `plan` has its kind and engine.
void read_backup_parameters(TableReader& inner, Plan& plan);

}  // namespace slipway
