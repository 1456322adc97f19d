#include "main/backup_plans.h"

#include <fmt/format.h>

namespace slipway {
namespace {

constexpr std::int64_t kKept = 7;  // of one database
constexpr std::int64_t kMostKept = 1000;
constexpr std::int64_t kMostMegabytes = 1LL << 24;  // 16 TiB
constexpr Duration kYoungest = std::chrono::hours(1);
constexpr Duration kOldest = std::chrono::hours(24 * 3660);

Plan backup_plan(std::string_view engine, std::string_view product) {
    Plan plan;
    plan.kind = Kind::backup;
    plan.engine = engine;
    plan.name = "standard";
    plan.title = fmt::format("{} backup", product);
    plan.description = fmt::format("a backup of a {} database; the newest {} of each are kept", product, kKept);
    plan.provider = "backups";
    plan.parameters = {{"keep", kKept}};
    plan.password = false;
    return plan;
}

}  // namespace

std::vector<Plan> default_backup_plans() {
    return {backup_plan("postgres", "PostgreSQL"), backup_plan("mysql", "MariaDB")};
}

void read_backup_parameters(TableReader& inner, Plan& plan) {
    plan.parameters["keep"] = inner.whole("keep", 1, kMostKept).value_or(kKept);
    if (inner.has("max_age")) {
        Duration oldest{};
        inner.duration("max_age", oldest, kYoungest, kOldest);
        plan.parameters["max_age_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(oldest).count();
    }
    if (const auto most = inner.whole("max_size_mb", 1, kMostMegabytes)) plan.parameters["max_size_mb"] = *most;
}

}  // namespace slipway
