#include "main/plan_config.h"

#include <array>

#include <fmt/format.h>

#include "main/units.h"

namespace slipway {
namespace {

constexpr std::int64_t kMegabyte = 1LL << 20;
constexpr std::int64_t kMost = 1LL << 50;
constexpr std::int64_t kMaxPool = 1000;
constexpr std::size_t kMaxName = 32;
constexpr std::size_t kMaxText = 200;

// The first is what holds where nothing is said.
constexpr std::array<std::string_view, 8> kPolicies{"noeviction",      "allkeys-lru",  "allkeys-lfu",
                                                    "allkeys-random",  "volatile-lru", "volatile-lfu",
                                                    "volatile-random", "volatile-ttl"};
constexpr std::array<std::string_view, 3> kFsync{"everysec", "always", "no"};
constexpr std::array<std::string_view, 1> kKinds{"cache"};
constexpr std::array<std::string_view, 1> kEngines{"redis"};
constexpr std::array<std::string_view, 2> kProviders{"local", "dummy"};

std::string check_name(const std::string& name) {
    const bool good = !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
    return good ? "" : fmt::format("must be 1 to {} of a-z 0-9 . _ -", kMaxName);
}

std::string check_text(const std::string& text) {
    const bool good = !text.empty() && text.size() <= kMaxText &&
                      std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
    return good ? "" : fmt::format("must be 1 to {} bytes without control characters", kMaxText);
}

Plan redis_plan(std::string name, std::string title, std::int64_t megabytes) {
    Plan plan;
    plan.engine = "redis";
    plan.name = std::move(name);
    plan.title = std::move(title);
    plan.description = fmt::format("Redis with {} MiB", megabytes);
    plan.provider = "local";
    plan.parameters = {{"maxmemory", megabytes * kMegabyte}, {"password", true}};
    return plan;
}

void read_parameters(TableReader& reader, Plan& plan, const LocalConfig& local) {
    if (const auto bytes = reader.size("maxmemory", 0, kMost)) {
        if (*bytes > 0 && *bytes < kMegabyte) {
            reader.problem("maxmemory", "must be 0 (no limit) or at least 1mb");
        }
        plan.parameters["maxmemory"] = *bytes;
    }
    if (const auto bytes = reader.size("max_file_bytes", kMegabyte, kMost))
        plan.parameters["max_file_bytes"] = *bytes;
    if (const auto clients = reader.whole("maxclients", 1, 10'000)) plan.parameters["maxclients"] = *clients;
    if (const auto policy = reader.one_of("maxmemory_policy", kPolicies)) {
        plan.parameters["maxmemory_policy"] = *policy;
    }
    if (const auto fsync = reader.one_of("appendfsync", kFsync)) plan.parameters["appendfsync"] = *fsync;
    reader.boolean("password", plan.password);
    plan.parameters["password"] = plan.password;
    if (!plan.password && !std::ranges::all_of(local.bind, is_loopback)) {
        reader.problem("password", "must be true while local.bind has addresses that are not loopback");
    }
    // What ElastiCache says of a cluster and a local engine does not know: answered to clients as it stands here.
    for (const std::string_view key : {"node_type", "engine_version", "parameter_group", "subnet_group"}) {
        std::string value;
        reader.text(key, value, check_text);
        if (!value.empty()) plan.parameters[key] = value;
    }
    reader.finish();
}

Plan read_plan(TableReader& reader, const LocalConfig& local, std::vector<ConfigProblem>& problems) {
    Plan plan;
    plan.engine = "redis";
    plan.provider = "local";
    if (!reader.has("name")) reader.problem("name", "is required");
    reader.text("name", plan.name, check_name);
    plan.title = plan.name;
    reader.text("title", plan.title, check_text);
    reader.text("description", plan.description, check_text);
    if (const auto kind = reader.one_of("kind", kKinds)) plan.kind = parse_kind(*kind).value_or(Kind::cache);
    if (const auto engine = reader.one_of("engine", kEngines)) plan.engine = *engine;
    if (const auto provider = reader.one_of("provider", kProviders)) plan.provider = *provider;
    reader.integer("pool", plan.pool, 0, kMaxPool);
    plan.parameters["password"] = plan.password;
    if (const toml::table* parameters = reader.table("parameters")) {
        TableReader inner(*parameters, reader.path() + ".parameters", problems);
        read_parameters(inner, plan, local);
    } else if (!plan.password) {
        reader.problem("parameters", "is required");
    }
    reader.finish();
    return plan;
}

void read_pools(TableReader& root, std::vector<Plan>& plans, std::vector<ConfigProblem>& problems) {
    const toml::table* pools = root.table("pool");
    if (pools == nullptr) return;
    TableReader reader(*pools, "pool", problems);
    for (Plan& plan : plans) reader.integer(plan.name, plan.pool, 0, kMaxPool);
    reader.finish();
}

}  // namespace

std::vector<Plan> default_plans() {
    return {redis_plan("small", "Small", 64), redis_plan("medium", "Medium", 256),
            redis_plan("large", "Large", 1024)};
}

void read_plans(TableReader& root, std::vector<Plan>& plans, const LocalConfig& local,
                std::vector<ConfigProblem>& problems) {
    if (const toml::array* tables = root.tables("plan"); tables != nullptr) {
        plans.clear();
        for (const toml::node& each : *tables) {
            TableReader reader(*each.as_table(), fmt::format("plan[{}]", plans.size()), problems);
            Plan plan = read_plan(reader, local, problems);
            const bool twice = std::ranges::any_of(plans, [&](const Plan& other) {
                return other.kind == plan.kind && other.engine == plan.engine && other.name == plan.name;
            });
            if (twice) reader.problem("name", fmt::format("is used twice: {} {}", plan.engine, plan.name));
            plans.push_back(std::move(plan));
        }
    }
    read_pools(root, plans, problems);
}

}  // namespace slipway
