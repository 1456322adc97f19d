#include "main/plan_config.h"

#include <array>

#include <fmt/format.h>

#include "domain/expiry.h"
#include "main/backup_plans.h"
#include "main/database_plans.h"
#include "main/machine_plans.h"
#include "main/units.h"

namespace slipway {
namespace {

constexpr std::int64_t kMegabyte = 1LL << 20;
constexpr std::int64_t kGigabyte = 1LL << 30;
constexpr std::int64_t kMost = 1LL << 50;
constexpr std::int64_t kItemStep = kMegabyte / 2;          // of memcached's max_item_size
constexpr std::int64_t kMemcachedMemory = 64 * kMegabyte;  // where its plan says nothing
constexpr std::int64_t kMaxPool = 1000;
constexpr std::size_t kMaxName = 32;
constexpr std::size_t kMaxText = 200;

// The first is what holds where nothing is said.
constexpr std::array<std::string_view, 8> kPolicies{"noeviction",      "allkeys-lru",  "allkeys-lfu",
                                                    "allkeys-random",  "volatile-lru", "volatile-lfu",
                                                    "volatile-random", "volatile-ttl"};
constexpr std::array<std::string_view, 3> kFsync{"everysec", "always", "no"};
constexpr std::array<std::string_view, 5> kKinds{"cache", "database-server", "database", "backup", "machine"};
// A bare name in [pool] is a plan of the first.
constexpr std::array<std::string_view, 2> kEngines{"redis", "memcached"};
constexpr std::array<std::string_view, 6> kAllEngines{"redis", "memcached", "postgres", "mysql", "vm", "container"};
constexpr std::array<std::string_view, 6> kProviders{"local", "databases", "backups", "libvirt", "lxc", "dummy"};

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

Plan cache_plan(std::string_view engine, std::string_view product, std::string name, std::string title,
                std::int64_t megabytes) {
    Plan plan;
    plan.engine = engine;
    plan.name = std::move(name);
    plan.title = std::move(title);
    plan.description = fmt::format("{} with {} MiB", product, megabytes);
    plan.provider = "local";
    plan.parameters = {{"maxmemory", megabytes * kMegabyte}};
    return plan;
}

Plan redis_plan(std::string name, std::string title, std::int64_t megabytes) {
    Plan plan = cache_plan("redis", "Redis", std::move(name), std::move(title), megabytes);
    plan.parameters["password"] = true;
    return plan;
}

Plan memcached_plan(std::string name, std::string title, std::int64_t megabytes) {
    Plan plan = cache_plan("memcached", "Memcached", std::move(name), std::move(title), megabytes);
    plan.password = false;
    return plan;
}

bool is_engine(std::string_view name) { return std::ranges::find(kAllEngines, name) != kAllEngines.end(); }

bool only_loopback(const LocalConfig& local) { return std::ranges::all_of(local.bind, is_loopback); }

void read_clients(TableReader& reader, Plan& plan) {
    if (const auto clients = reader.whole("maxclients", 1, 10'000)) plan.parameters["maxclients"] = *clients;
}

// What ElastiCache says of a cluster and a local engine does not know: answered to clients as it stands here.
void read_told(TableReader& reader, Plan& plan) {
    for (const std::string_view key : {"node_type", "engine_version", "parameter_group", "subnet_group"}) {
        std::string value;
        reader.text(key, value, check_text);
        if (!value.empty()) plan.parameters[key] = value;
    }
}

void read_redis(TableReader& reader, Plan& plan, const LocalConfig& local) {
    if (const auto bytes = reader.size("maxmemory", 0, kMost)) {
        if (*bytes > 0 && *bytes < kMegabyte) {
            reader.problem("maxmemory", "must be 0 (no limit) or at least 1mb");
        }
        plan.parameters["maxmemory"] = *bytes;
    }
    if (const auto bytes = reader.size("max_file_bytes", kMegabyte, kMost))
        plan.parameters["max_file_bytes"] = *bytes;
    read_clients(reader, plan);
    if (const auto policy = reader.one_of("maxmemory_policy", kPolicies)) {
        plan.parameters["maxmemory_policy"] = *policy;
    }
    if (const auto fsync = reader.one_of("appendfsync", kFsync)) plan.parameters["appendfsync"] = *fsync;
    reader.boolean("password", plan.password);
    plan.parameters["password"] = plan.password;
    if (!plan.password && !only_loopback(local)) {
        reader.problem("password", "must be true while local.bind has addresses that are not loopback");
    }
}

void read_memcached(TableReader& reader, Plan& plan) {
    std::int64_t memory = kMemcachedMemory;
    if (const auto bytes = reader.size("maxmemory", kMegabyte, kMost)) {
        if (*bytes % kMegabyte != 0) reader.problem("maxmemory", "must be whole megabytes, like \"64mb\"");
        plan.parameters["maxmemory"] = memory = *bytes;
    }
    if (const auto bytes = reader.size("max_item_size", kItemStep, kGigabyte)) {
        if (*bytes % kItemStep != 0) {
            reader.problem("max_item_size", "must be a multiple of 512kb");
        } else if (*bytes > memory / 2) {
            reader.problem("max_item_size", fmt::format("must be at most half of maxmemory ({} bytes)", memory));
        }
        plan.parameters["max_item_size"] = *bytes;
    }
    read_clients(reader, plan);
}

std::string check_price(const std::string& text) {
    return parse_price(text) ? "" : "must be an amount and a currency, like \"0.012 EUR\" (at most six decimals)";
}

void read_price(TableReader& reader, Plan& plan) {
    std::string price;
    reader.text("price_per_hour", price, check_price);
    plan.price = parse_price(price);
}

void read_lifetimes(TableReader& reader, Plan& plan) {
    const auto read = [&](std::string_view key, std::optional<Duration>& out) {
        Duration given{};
        reader.duration(key, given, kShortestLifetime, kLongestLifetime);
        if (given > Duration::zero()) out = given;
    };
    read("lifetime", plan.lifetime);
    read("max_lifetime", plan.max_lifetime);
    if (plan.lifetime && plan.max_lifetime && *plan.lifetime > *plan.max_lifetime) {
        reader.problem("lifetime",
                       fmt::format("must be at most max_lifetime ({})", format_duration(*plan.max_lifetime)));
    }
}

void read_cache(TableReader& reader, Plan& plan, const LocalConfig& local, std::vector<ConfigProblem>& problems) {
    const bool memcached = plan.engine == "memcached";
    if (memcached) {
        plan.password = false;
        if (plan.provider == "local" && !only_loopback(local)) {
            reader.problem("engine",
                           "memcached has no passwords: not while local.bind has addresses that are not loopback");
        }
    } else {
        plan.parameters["password"] = plan.password;
    }
    const toml::table* parameters = reader.table("parameters");
    if (parameters == nullptr) return;
    TableReader inner(*parameters, reader.path() + ".parameters", problems);
    if (memcached) {
        read_memcached(inner, plan);
    } else {
        read_redis(inner, plan, local);
    }
    read_told(inner, plan);
    inner.finish();
}

void read_backups(TableReader& reader, Plan& plan, std::vector<ConfigProblem>& problems) {
    plan.password = false;
    if (plan.pool > 0) reader.problem("pool", "must be 0: a backup is made of one database");
    const toml::table none;
    const toml::table* parameters = reader.table("parameters");
    TableReader inner(parameters == nullptr ? none : *parameters, reader.path() + ".parameters", problems);
    read_backup_parameters(inner, plan);
    inner.finish();
}

void read_databases(TableReader& reader, Plan& plan, std::vector<ConfigProblem>& problems) {
    read_placement(reader, plan);
    const toml::table* parameters = reader.table("parameters");
    if (parameters == nullptr) return;
    TableReader inner(*parameters, reader.path() + ".parameters", problems);
    read_database_parameters(inner, plan);
    inner.finish();
}

void check_kind(TableReader& reader, const Plan& plan) {
    std::string_view allowed = "\"cache\"";
    bool good = plan.kind == Kind::cache;
    if (is_machine_engine(plan.engine)) {
        allowed = "\"machine\"";
        good = plan.kind == Kind::machine;
    } else if (is_database_engine(plan.engine)) {
        allowed = "\"database-server\", \"database\" or \"backup\"";
        good = plan.kind != Kind::cache && plan.kind != Kind::machine;
    }
    if (good) return;
    reader.problem(reader.has("kind") ? "kind" : "engine",
                   fmt::format("must be {} for engine {}", allowed, plan.engine));
}

// A pool that is asked for where nothing can be made ahead.
void check_pool(TableReader& reader, std::string_view key, Plan& plan) {
    if (plan.pool == 0) return;
    std::string_view why;
    if (plan.kind == Kind::machine) {
        why = "a machine gets the login of whoever asks for it, so that none is made ahead";
    } else if (!can_be_made_ahead(plan)) {
        why = "mysql cannot rename a database, so that none is made ahead";
    }
    if (why.empty()) return;
    plan.pool = 0;
    reader.problem(key, fmt::format("must be 0: {}", why));
}

Plan read_plan(TableReader& reader, const LocalConfig& local, std::vector<ConfigProblem>& problems) {
    Plan plan;
    plan.engine = "redis";
    if (!reader.has("name")) reader.problem("name", "is required");
    reader.text("name", plan.name, check_name);
    plan.title = plan.name;
    reader.text("title", plan.title, check_text);
    reader.text("description", plan.description, check_text);
    if (const auto kind = reader.one_of("kind", kKinds)) plan.kind = parse_kind(*kind).value_or(Kind::cache);
    if (const auto engine = reader.one_of("engine", kAllEngines)) plan.engine = *engine;
    check_kind(reader, plan);
    plan.provider = real_provider_of(plan);
    if (const auto provider = reader.one_of("provider", kProviders)) plan.provider = *provider;
    reader.integer("pool", plan.pool, 0, kMaxPool);
    check_pool(reader, "pool", plan);
    read_price(reader, plan);
    read_lifetimes(reader, plan);
    if (plan.kind == Kind::cache) {
        read_cache(reader, plan, local, problems);
    } else if (plan.kind == Kind::backup) {
        read_backups(reader, plan, problems);
    } else if (plan.kind == Kind::machine) {
        read_machine(reader, plan, problems);
    } else {
        read_databases(reader, plan, problems);
    }
    if (plan.kind != Kind::machine) check_makes_machines(reader, plan);
    reader.finish();
    return plan;
}

// [pool.ENGINE], e.g. memcached.small = 2.
void read_pools_of(TableReader& pools, std::string_view engine, std::vector<Plan>& plans,
                   std::vector<ConfigProblem>& problems) {
    const toml::table* levels = pools.table(engine);
    if (levels == nullptr) return;
    TableReader reader(*levels, fmt::format("pool.{}", engine), problems);
    for (Plan& plan : plans) {
        if (plan.engine != engine || plan.kind == Kind::database_server || plan.kind == Kind::backup) continue;
        const bool bare_too = engine == kEngines.front() && !is_engine(plan.name) && pools.has(plan.name);
        if (bare_too && reader.has(plan.name)) {
            reader.problem(plan.name, fmt::format("is given twice: pool.{} is the same", plan.name));
        }
        reader.integer(plan.name, plan.pool, 0, kMaxPool);
        check_pool(reader, plan.name, plan);
    }
    reader.finish();
}

// A plan may have an engine's name: then a number is meant for the plan, and a table for the engine.
void read_pools(TableReader& root, std::vector<Plan>& plans, std::vector<ConfigProblem>& problems) {
    const toml::table* pools = root.table("pool");
    if (pools == nullptr) return;
    TableReader reader(*pools, "pool", problems);
    const auto is_table = [&](std::string_view key) {
        const toml::node* node = pools->get(key);
        return node != nullptr && node->is_table();
    };
    for (Plan& plan : plans) {
        if (plan.engine != kEngines.front()) continue;
        if (is_engine(plan.name) && is_table(plan.name)) continue;
        reader.integer(plan.name, plan.pool, 0, kMaxPool);
    }
    for (const std::string_view engine : kAllEngines) {
        const bool a_plan = std::ranges::any_of(
            plans, [&](const Plan& plan) { return plan.engine == kEngines.front() && plan.name == engine; });
        if (is_table(engine) || !a_plan) read_pools_of(reader, engine, plans, problems);
    }
    reader.finish();
}

}  // namespace

std::string_view real_provider_of(const Plan& plan) {
    switch (plan.kind) {
        case Kind::database: return "databases";
        case Kind::backup: return "backups";
        case Kind::machine: return machine_provider_of(plan.engine);
        case Kind::cache:
        case Kind::database_server:
        case Kind::cluster: return "local";
    }
    return "local";
}

std::vector<Plan> default_plans() {
    std::vector<Plan> plans{redis_plan("small", "Small", 64),        redis_plan("medium", "Medium", 256),
                            redis_plan("large", "Large", 1024),      memcached_plan("small", "Small", 64),
                            memcached_plan("medium", "Medium", 256), memcached_plan("large", "Large", 1024)};
    std::ranges::move(default_database_plans(), std::back_inserter(plans));
    std::ranges::move(default_backup_plans(), std::back_inserter(plans));
    std::ranges::move(default_machine_plans(), std::back_inserter(plans));
    return plans;
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
        check_host_plans(plans, root);
    } else if (!only_loopback(local)) {
        // Nobody asked for these: a server for other machines is configured as it was before there were any.
        std::erase_if(plans, [](const Plan& plan) { return plan.engine == "memcached"; });
    }
    read_pools(root, plans, problems);
}

}  // namespace slipway
