// Plans of machines, as the configuration has them. Internal to it.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "domain/catalog.h"
#include "main/toml_reader.h"

namespace slipway {

// Virtual machines, and containers that are used like them.
inline constexpr std::array<std::string_view, 2> kMachineEngines{"vm", "container"};
bool is_machine_engine(std::string_view name);

// Who makes them where the plan does not say it: of an engine its own.
std::string_view machine_provider_of(std::string_view engine);

// A virtual machine of the image that `slipway` itself can build.
std::vector<Plan> default_machine_plans();

// The whole of [plan.parameters], and what such a plan may not have; `plan` has its kind, engine, provider and
// pool.
void read_machine(TableReader& reader, Plan& plan, std::vector<ConfigProblem>& problems);
// A creation has to last longer than the playbook in it may.
void check_playbook_limits(const std::vector<Plan>& plans, Duration longest, std::vector<ConfigProblem>& problems);
// A provider of machines makes nothing else.
void check_makes_machines(TableReader& reader, const Plan& plan);

// An image's name, as it stands in a plan and as the directory below the image store is called.
std::string check_image(const std::string& name);

}  // namespace slipway
