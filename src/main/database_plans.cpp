#include "main/database_plans.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway {
namespace {

constexpr std::int64_t kMegabyte = 1LL << 20;
constexpr std::int64_t kMostMemory = 1LL << 40;
constexpr std::int64_t kLeastConnections = 10;    // of a server, as providers take them
constexpr std::int64_t kMostConnections = 5'000;  // likewise
constexpr std::int64_t kMostThreshold = 10'000;
constexpr std::int64_t kServerConnections = 200;
constexpr std::int64_t kTenantConnections = 20;
constexpr std::string_view kServerPlan = "small";
constexpr std::string_view kInstanceClass = "db.t3.medium";  // the one of the HarbourMaster document

// A name of PostgreSQL's, or of ours, that goes into statements quoted, and is short.
std::string check_word(const std::string& text) {
    const bool good = !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
    return good ? "" : "must be 1 to 63 of A-Z a-z 0-9 . _ -";
}

Plan server_plan(std::string_view engine, std::string_view product) {
    Plan plan;
    plan.kind = Kind::database_server;
    plan.engine = engine;
    plan.name = kServerPlan;
    plan.title = fmt::format("{} server", product);
    plan.description = fmt::format("a {} server of its own, for up to {} connections", product, kServerConnections);
    plan.provider = "local";
    plan.parameters = {{"instance_class", kInstanceClass}, {"max_connections", kServerConnections}};
    return plan;
}

Plan database_plan(std::string_view engine, std::string_view product) {
    Plan plan;
    plan.kind = Kind::database;
    plan.engine = engine;
    plan.name = "shared";
    plan.title = fmt::format("{} database", product);
    plan.description = fmt::format("a database and its user on a shared {} server", product);
    plan.provider = "databases";
    plan.parameters = {{"connections", kTenantConnections}};
    plan.placement = PlacementRule{.host_plan = std::string(kServerPlan)};
    return plan;
}

void read_server(TableReader& inner, Plan& plan) {
    if (const auto most = inner.whole("max_connections", kLeastConnections, kMostConnections)) {
        plan.parameters["max_connections"] = *most;
    }
    const std::string_view memory = plan.engine == "postgres" ? "shared_buffers" : "buffer_pool";
    if (const auto bytes = inner.size(memory, 8 * kMegabyte, kMostMemory)) plan.parameters[memory] = *bytes;
    std::string instance_class;
    inner.text("instance_class", instance_class, check_word);
    if (!instance_class.empty()) plan.parameters["instance_class"] = instance_class;
}

void read_database(TableReader& inner, Plan& plan) {
    if (const auto most = inner.whole("connections", 1, kMostConnections)) plan.parameters["connections"] = *most;
    if (plan.engine != "postgres") return;
    std::vector<std::string> extensions;
    inner.texts("extensions", extensions, check_word);
    if (!extensions.empty()) plan.parameters["extensions"] = json::array(extensions.begin(), extensions.end());
}

}  // namespace

bool is_database_engine(std::string_view name) {
    return std::ranges::find(kDatabaseEngines, name) != kDatabaseEngines.end();
}

bool can_be_made_ahead(const Plan& plan) { return plan.kind != Kind::database || plan.engine != "mysql"; }

std::vector<Plan> default_database_plans() {
    return {server_plan("postgres", "PostgreSQL"), server_plan("mysql", "MariaDB"),
            database_plan("postgres", "PostgreSQL"), database_plan("mysql", "MariaDB")};
}

void read_placement(TableReader& reader, Plan& plan) {
    if (plan.kind != Kind::database) return;
    PlacementRule rule;
    rule.host_plan = kServerPlan;
    reader.text("host_plan", rule.host_plan, check_word);
    reader.integer("threshold", rule.threshold, 0, kMostThreshold);
    reader.boolean("make_hosts", rule.make_hosts);
    plan.placement = std::move(rule);
}

void read_database_parameters(TableReader& inner, Plan& plan) {
    if (plan.kind == Kind::database_server) return read_server(inner, plan);
    read_database(inner, plan);
}

void check_host_plans(const std::vector<Plan>& plans, TableReader& root) {
    for (const Plan& plan : plans) {
        if (!plan.placement) continue;
        const bool known = std::ranges::any_of(plans, [&](const Plan& host) {
            return host.kind == Kind::database_server && host.engine == plan.engine &&
                   host.name == plan.placement->host_plan;
        });
        if (known) continue;
        root.problem("plan", fmt::format("the plan {} of kind database needs a plan {} of kind database-server and "
                                         "engine {} (host_plan)",
                                         plan.name, plan.placement->host_plan, plan.engine));
    }
}

}  // namespace slipway
