// Plans of database servers and of databases on shared ones, as the configuration has them. Internal to it.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "domain/catalog.h"
#include "main/toml_reader.h"

namespace slipway {

inline constexpr std::array<std::string_view, 2> kDatabaseEngines{"postgres", "mysql"};
bool is_database_engine(std::string_view name);

// Whether its resources can get the names of who asks for them after they were made.
bool can_be_made_ahead(const Plan& plan);

// One plan of servers and one of databases on shared servers for each engine.
std::vector<Plan> default_database_plans();

// What only such plans have beside [plan.parameters]; `plan` has its kind and engine.
void read_placement(TableReader& reader, Plan& plan);
// The inside of [plan.parameters].
void read_database_parameters(TableReader& inner, Plan& plan);
// Plans of databases name a plan of servers of their engine that is there.
void check_host_plans(const std::vector<Plan>& plans, TableReader& root);

}  // namespace slipway
