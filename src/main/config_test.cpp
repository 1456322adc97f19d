#include "main/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_directory_test_support.h"
#include "main/config_test_support.h"

namespace slipway {
namespace {

using ::testing::HasSubstr;

const Plan* plan_of(const Config& config, std::string_view name, std::string_view engine = "redis") {
    const auto found = std::ranges::find_if(
        config.plans, [&](const Plan& plan) { return plan.name == name && plan.engine == engine; });
    return found == config.plans.end() ? nullptr : &*found;
}

// The manual's example, between its fences.
std::string manual() {
    std::ifstream in(SLIPWAY_SOURCE_DIR "/docs/configuration.md");
    std::ostringstream text;
    text << in.rdbuf();
    const std::string all = text.str();
    const std::size_t begin = all.find("```toml\n");
    EXPECT_NE(begin, std::string::npos);
    return all.substr(begin + 8, all.find("```", begin + 8) - begin - 8);
}

// Every setting in words, so that two configurations can be compared.
std::string words(const Config& config) {
    const auto& [server, log, broker, local, databases, machines, dummy, background, webhooks, harbourmaster, ec2,
                 images, plans] = config;
    std::string text =
        fmt::format("{} {} {} {} {} {} {}\n{} {}\n{} {} {} {} {}\n", server.wait_limit.count(),
                    server.stop_grace.count(), server.max_body, server.max_connections, server.max_requests,
                    server.access_log, fmt::join(server.allow_anonymous, ","), static_cast<int>(log.level),
                    static_cast<int>(log.format), broker.name_prefix, broker.provision_limit.count(),
                    broker.idempotency_ttl.count(), broker.rest.count(), broker.quota);
    text +=
        fmt::format("{} {} {} {} {} {} {} {} {}\n{} {} {} {} {}\n", local.domain, fmt::join(local.bind, ","),
                    local.port_first, local.port_last, local.uid_first, local.uid_last, local.concurrency,
                    local.helper_socket, local.helper_uid, dummy.concurrency, background.reconcile_interval.count(),
                    background.sweep_dry_run, background.sweep_grace.count(), background.sweep_interval.count());
    text += fmt::format("{} {} {}\n", to_string(databases.tls), databases.tls_certificate, databases.tls_key);
    text += fmt::format("{}\n{} {} {} {}\n", webhooks.allow_private, harbourmaster.engine,
                        fmt::join(harbourmaster.postgres_versions, ","),
                        fmt::join(harbourmaster.mysql_versions, ","), harbourmaster.rotation_grace.count());
    text += fmt::format("{} {}\n", ec2.engine, ec2.plan);
    text += fmt::format("{} {} {} {} {} {} {} {}\n", machines.subnet, machines.bridge, machines.gateway,
                        machines.addresses, fmt::join(machines.nameservers, ","), machines.boots,
                        machines.acceleration, machines.container_uids);
    for (const ImageConfig& each : images) text += fmt::format("{} {}\n", each.name, each.url);
    for (const Plan& plan : plans) {
        text +=
            fmt::format("{} {} {} {} {} {} {} {} {}\n", to_string(plan.kind), plan.engine, plan.name, plan.title,
                        plan.description, plan.provider, json::dump(plan.parameters), plan.pool, plan.password);
        if (!plan.placement) continue;
        text += fmt::format("  {} {} {}\n", plan.placement->host_plan, plan.placement->threshold,
                            plan.placement->make_hosts);
    }
    return text;
}

// What the manual says is what the program does.
TEST(Config, TheManualsExampleIsTheDefaults) {
    const auto config = parse_config(manual(), "configuration.md");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(words(*config), words(default_config()));
    EXPECT_EQ(config->server.listen, (std::vector<std::string>{"127.0.0.1:3000", "127.0.0.1:5000"}));
}

// A file with nothing in it is a good configuration: the embedded plans, and limits that can be run with.
TEST(Config, AnEmptyFileMeansTheDefaults) {
    const auto config = parse_config("# nothing\n", "x.toml");
    ASSERT_TRUE(config);
    ASSERT_EQ(config->plans.size(), 14U);
    const std::vector<std::pair<std::string, std::int64_t>> wanted{{"small", 64}, {"medium", 256}, {"large", 1024}};
    for (const auto& [name, megabytes] : wanted) {
        const Plan* plan = plan_of(*config, name);
        ASSERT_NE(plan, nullptr) << name;
        EXPECT_EQ(plan->parameters.at("maxmemory"), megabytes << 20);
        EXPECT_EQ(plan->provider, "local");
        EXPECT_TRUE(plan->password);
        EXPECT_EQ(plan->pool, 0U) << "nothing is made that nobody asked for";
        const Plan* memcached = plan_of(*config, name, "memcached");
        ASSERT_NE(memcached, nullptr) << name;
        EXPECT_EQ(memcached->parameters, (json::object{{"maxmemory", megabytes << 20}}));
        EXPECT_EQ(memcached->title, plan->title);
        EXPECT_FALSE(memcached->password) << "memcached knows none";
        EXPECT_EQ(memcached->pool, 0U);
    }
    EXPECT_EQ(plan_of(*config, "small")->title, "Small");
    EXPECT_TRUE(config->background.sweep_dry_run) << "nothing is removed that nobody asked to have removed";
}

TEST(Config, EverySettingIsRead) {
    const auto config = parse_config(R"(
[server]
listen = ["0.0.0.0:8080", "[::1]:0"]
threads = 3
wait_limit = "5s"
stop_grace = "2s"
max_body = "2mb"
max_connections = 100
max_requests = 50
access_log = false
allow_anonymous = ["redis"]
tls_cert = "/etc/cert.pem"
tls_key = "/etc/key.pem"
[log]
level = "warning"
format = "json"
[broker]
name_prefix = "abc"
provision_limit = "1m"
idempotency_ttl = "2h"
rest = "3s"
quota = 7
[local]
domain = "redis.example.org"
bind = ["127.0.0.1"]
port_first = 40000
port_last = 40010
uid_first = 300000
uid_last = 300100
concurrency = 4
helper_socket = "/run/slipway/helper"
helper_uid = 12
[dummy]
concurrency = 0
[reconcile]
interval = "11s"
[sweep]
dry_run = false
grace = "2h"
interval = "13s"
)",
                                     "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->server.listen, (std::vector<std::string>{"0.0.0.0:8080", "[::1]:0"}));
    EXPECT_EQ(config->server.threads, 3U);
    EXPECT_EQ(config->server.wait_limit, std::chrono::seconds(5));
    EXPECT_EQ(config->server.stop_grace, std::chrono::seconds(2));
    EXPECT_EQ(config->server.max_body, 2U << 20);
    EXPECT_EQ(config->server.max_connections, 100U);
    EXPECT_EQ(config->server.max_requests, 50U);
    EXPECT_FALSE(config->server.access_log);
    EXPECT_TRUE(config->server.allow_anonymous.contains("redis"));
    EXPECT_EQ(config->log.level, log::Level::warning);
    EXPECT_EQ(config->log.format, log::Format::json);
    EXPECT_EQ(config->broker.name_prefix, "abc");
    EXPECT_EQ(config->broker.provision_limit, std::chrono::minutes(1));
    EXPECT_EQ(config->broker.idempotency_ttl, std::chrono::hours(2));
    EXPECT_EQ(config->broker.rest, std::chrono::seconds(3));
    EXPECT_EQ(config->broker.quota, 7U);
    EXPECT_EQ(config->local.domain, "redis.example.org");
    EXPECT_EQ(config->local.bind, std::vector<std::string>{"127.0.0.1"});
    EXPECT_EQ(config->local.port_first, 40'000);
    EXPECT_EQ(config->local.port_last, 40'010);
    EXPECT_EQ(config->local.uid_first, 300'000);
    EXPECT_EQ(config->local.uid_last, 300'100);
    EXPECT_EQ(config->local.concurrency, 4U);
    EXPECT_EQ(config->local.helper_socket, "/run/slipway/helper");
    EXPECT_EQ(config->local.helper_uid, 12U);
    EXPECT_EQ(config->dummy.concurrency, 0U);
    EXPECT_EQ(config->background.reconcile_interval, std::chrono::seconds(11));
    EXPECT_FALSE(config->background.sweep_dry_run);
    EXPECT_EQ(config->background.sweep_grace, std::chrono::hours(2));
    EXPECT_EQ(config->background.sweep_interval, std::chrono::seconds(13));
}

TEST(Config, PlansReplaceTheEmbeddedOnesAltogether) {
    const auto config = parse_config(R"(
[[plan]]
name = "tiny"
title = "Tiny"
description = "For tests"
pool = 2
parameters = {maxmemory = "16mb", maxmemory_policy = "allkeys-lru", appendfsync = "always", maxclients = 10,
  password = false, node_type = "cache.t2.micro"}
[[plan]]
name = "huge"
parameters.maxmemory = 0
)",
                                     "x.toml");
    // An inline table over two lines is not TOML 1.0: the reader's own dialect must not be relied on.
    ASSERT_FALSE(config);
    const auto fixed = parse_config(R"(
[[plan]]
name = "tiny"
title = "Tiny"
pool = 2
price_per_hour = "0.012 EUR"
[plan.parameters]
maxmemory = "16mb"
maxmemory_policy = "allkeys-lru"
appendfsync = "always"
maxclients = 10
password = false
node_type = "cache.t2.micro"
[[plan]]
name = "huge"
parameters.maxmemory = 0
[pool]
huge = 4
)",
                                    "x.toml");
    ASSERT_TRUE(fixed) << told(fixed.error());
    ASSERT_EQ(fixed->plans.size(), 2U);
    const Plan& tiny = fixed->plans[0];
    EXPECT_EQ(tiny.title, "Tiny");
    EXPECT_EQ(tiny.pool, 2U);
    EXPECT_FALSE(tiny.password);
    EXPECT_EQ(tiny.price, (Price{"EUR", 12'000}));
    const json::object wanted{{"maxmemory", 16 << 20},         {"maxmemory_policy", "allkeys-lru"},
                              {"appendfsync", "always"},       {"maxclients", 10},
                              {"node_type", "cache.t2.micro"}, {"password", false}};
    EXPECT_EQ(tiny.parameters, wanted);
    EXPECT_EQ(fixed->plans[1].title, "huge");
    EXPECT_EQ(fixed->plans[1].pool, 4U);
    EXPECT_FALSE(fixed->plans[1].price);
    EXPECT_TRUE(fixed->plans[1].password);
}

TEST(Config, APriceIsAnAmountAndACurrency) {
    for (const char* price : {"0.012", "\"0.012\"", "\"0.012 euros\"", "\"\""}) {
        const auto config =
            parse_config(fmt::format("[[plan]]\nname = \"small\"\nprice_per_hour = {}\n", price), "x.toml");
        ASSERT_FALSE(config) << price;
        EXPECT_NE(told(config.error()).find("x.toml:3: plan[0].price_per_hour: must be "), std::string::npos)
            << told(config.error());
    }
}

TEST(Config, APlanMayEndWhatHasIt) {
    const auto config = parse_config(R"(
[[plan]]
name = "lab"
lifetime = "2h"
max_lifetime = "7d"
[[plan]]
name = "brief"
max_lifetime = "1h"
[[plan]]
name = "small"
)",
                                     "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->plans[0].lifetime, Duration(std::chrono::hours(2)));
    EXPECT_EQ(config->plans[0].max_lifetime, Duration(std::chrono::hours(168)));
    EXPECT_FALSE(config->plans[1].lifetime);
    EXPECT_EQ(config->plans[1].max_lifetime, Duration(std::chrono::hours(1)));
    EXPECT_FALSE(config->plans[2].lifetime);
    EXPECT_FALSE(config->plans[2].max_lifetime);
}

TEST(Config, ALifetimeIsADurationWithinItsBounds) {
    for (const std::string_view key : {"lifetime", "max_lifetime"}) {
        for (const char* wrong : {"7200", "\"2 hours\"", "\"never\"", "\"0s\"", "\"999ms\"", "\"3651d\"", "\"\""}) {
            const auto config =
                parse_config(fmt::format("[[plan]]\nname = \"small\"\n{} = {}\n", key, wrong), "x.toml");
            ASSERT_FALSE(config) << key << wrong;
            EXPECT_NE(
                told(config.error())
                    .find(fmt::format("x.toml:3: plan[0].{}: must be a duration from \"1s\" to \"3650d\"", key)),
                std::string::npos)
                << told(config.error());
        }
    }
    const auto config =
        parse_config("[[plan]]\nname = \"small\"\nlifetime = \"2d\"\nmax_lifetime = \"24h\"\n", "x.toml");
    ASSERT_FALSE(config);
    EXPECT_NE(told(config.error()).find("x.toml:3: plan[0].lifetime: must be at most max_lifetime (1d)"),
              std::string::npos)
        << told(config.error());
}

TEST(Config, AFileThatIsTooLargeIsNotRead) {
    const TemporaryDirectory directory;
    const std::filesystem::path file = directory.path() / "x.toml";
    std::ofstream(file) << std::string((1U << 20U) + 1, '#');
    const auto config = load_config(file);
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().message.find("larger than 1048576 bytes"), std::string::npos)
        << config.error().message;
    std::ofstream(file) << std::string(1U << 20U, '#');
    EXPECT_TRUE(load_config(file));
    EXPECT_FALSE(load_config("/dev/zero"));
    EXPECT_FALSE(load_config(directory.path()));
}

TEST(Config, APoolCanBeGivenToAnEmbeddedPlan) {
    const auto config = parse_config("[pool]\nsmall = 2\n", "x.toml");
    ASSERT_TRUE(config);
    EXPECT_EQ(plan_of(*config, "small")->pool, 2U);
    EXPECT_EQ(plan_of(*config, "large")->pool, 0U);
}

TEST(Config, APlanOfMemcachedHasParametersOfItsOwn) {
    const auto config = parse_config(R"(
[[plan]]
engine = "memcached"
name = "sessions"
pool = 1
[plan.parameters]
maxmemory = "128mb"
maxclients = 200
max_item_size = "4mb"
engine_version = "1.6"
[[plan]]
engine = "memcached"
name = "least"
[[plan]]
name = "sessions"
)",
                                     "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    ASSERT_EQ(config->plans.size(), 3U) << "a name may be used once by each engine";
    const Plan& sessions = config->plans[0];
    EXPECT_EQ(sessions.engine, "memcached");
    EXPECT_FALSE(sessions.password);
    EXPECT_EQ(sessions.pool, 1U);
    const json::object wanted{
        {"maxmemory", 128 << 20}, {"maxclients", 200}, {"max_item_size", 4 << 20}, {"engine_version", "1.6"}};
    EXPECT_EQ(sessions.parameters, wanted);
    EXPECT_EQ(config->plans[1].parameters, json::object());
    EXPECT_TRUE(config->plans[2].password);
}

// A bare name has always been a plan of redis.
TEST(Config, PoolsOfOtherEnginesAreNamedByTheEngineToo) {
    const auto config = parse_config("[pool]\nsmall = 2\nmemcached.small = 3\nredis.large = 1\n", "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(plan_of(*config, "small")->pool, 2U);
    EXPECT_EQ(plan_of(*config, "large")->pool, 1U);
    EXPECT_EQ(plan_of(*config, "small", "memcached")->pool, 3U);
    EXPECT_EQ(plan_of(*config, "large", "memcached")->pool, 0U);
    const auto table = parse_config("[pool.memcached]\nmedium = 4\n", "x.toml");
    ASSERT_TRUE(table) << told(table.error());
    EXPECT_EQ(plan_of(*table, "medium", "memcached")->pool, 4U);
}

TEST(Config, APlanThatIsNamedLikeAnEngineIsNotMistakenForOne) {
    const std::string plans =
        "[[plan]]\nname = \"memcached\"\n[[plan]]\nengine = \"memcached\"\nname = \"redis\"\n[pool]\n";
    const auto number = parse_config(plans + "memcached = 5\n", "x.toml");
    ASSERT_TRUE(number) << told(number.error());
    EXPECT_EQ(plan_of(*number, "memcached")->pool, 5U);
    EXPECT_EQ(plan_of(*number, "redis", "memcached")->pool, 0U);
    const auto tables = parse_config(plans + "memcached.redis = 6\nredis.memcached = 7\n", "x.toml");
    ASSERT_TRUE(tables) << told(tables.error());
    EXPECT_EQ(plan_of(*tables, "memcached")->pool, 7U);
    EXPECT_EQ(plan_of(*tables, "redis", "memcached")->pool, 6U);
}

// Whoever reaches a memcached owns it; a server for other machines is what it was before there were any.
TEST(Config, EmbeddedPlansOfMemcachedAreForLoopbackOnly) {
    const auto config =
        parse_config("[local]\nbind = [\"127.0.0.1\", \"192.0.2.1\"]\n[pool]\nsmall = 1\n", "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->plans.size(), 11U);
    EXPECT_EQ(plan_of(*config, "small", "memcached"), nullptr);
    EXPECT_EQ(plan_of(*config, "small")->pool, 1U);
}

TEST(Config, BackupsAreKeptAsTheirPlanSays) {
    const auto config = parse_config(R"(
[[plan]]
kind = "backup"
engine = "mysql"
name = "weekly"
parameters = {keep = 4, max_age = "60d", max_size_mb = 2048}
[[plan]]
kind = "backup"
engine = "postgres"
name = "plain"
)",
                                     "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->plans.at(0).provider, "backups");
    EXPECT_FALSE(config->plans.at(0).password);
    EXPECT_EQ(config->plans.at(0).parameters,
              (json::object{{"keep", 4}, {"max_age_seconds", 60 * 86400}, {"max_size_mb", 2048}}));
    EXPECT_EQ(config->plans.at(1).parameters, (json::object{{"keep", 7}}));
    const auto wrong = parse_config(
        "[[plan]]\nkind = \"backup\"\nengine = \"mysql\"\nname = \"a\"\npool = 1\n"
        "parameters = {keep = 0, max_age = \"1m\", connections = 1}\n",
        "x.toml");
    ASSERT_FALSE(wrong);
    for (const char* key : {"pool", "keep", "max_age", "connections"}) {
        EXPECT_NE(told(wrong.error()).find(key), std::string::npos) << key << told(wrong.error());
    }
    EXPECT_FALSE(parse_config("[[plan]]\nkind = \"backup\"\nengine = \"redis\"\nname = \"a\"\n", "x.toml"));
}

TEST(Config, DatabasesArePlacedAsTheirPlanSays) {
    const auto config = parse_config(R"(
[harbourmaster]
engine = "mysql"
postgres_versions = ["15"]
rotation_grace = "3h"
[pool.postgres]
standard = 3
[[plan]]
kind = "database-server"
engine = "postgres"
name = "large"
parameters = {max_connections = 500, shared_buffers = "256mb", instance_class = "db.m5.large"}
[[plan]]
kind = "database"
engine = "postgres"
name = "standard"
host_plan = "large"
threshold = 20
make_hosts = false
parameters = {connections = 5, extensions = ["hstore"]}
)",
                                     "x.toml");
    ASSERT_TRUE(config) << told(config.error());
    EXPECT_EQ(config->harbourmaster.engine, "mysql");
    EXPECT_EQ(config->harbourmaster.postgres_versions, std::vector<std::string>{"15"});
    EXPECT_EQ(config->harbourmaster.rotation_grace, std::chrono::hours(3));
    const Plan& server = config->plans.at(0);
    EXPECT_EQ(server.provider, "local");
    EXPECT_EQ(
        server.parameters,
        (json::object{{"max_connections", 500}, {"shared_buffers", 256 << 20}, {"instance_class", "db.m5.large"}}));
    EXPECT_FALSE(server.placement);
    const Plan& database = config->plans.at(1);
    EXPECT_EQ(database.kind, Kind::database);
    EXPECT_EQ(database.provider, "databases");
    EXPECT_EQ(database.placement, (PlacementRule{"large", 20, false}));
    EXPECT_EQ(database.parameters, (json::object{{"connections", 5}, {"extensions", json::array{"hstore"}}}));
    EXPECT_EQ(database.pool, 3U);
}

// Whatever is wrong is told with its line, and with what would be right.
class WrongConfig : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, IsRefusedWithItsPlaceAndWhatIsAllowed) {
    const auto config = parse_config(GetParam().text, "x.toml");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(told(config.error()), HasSubstr(std::string(GetParam().place) + ": "));
    EXPECT_THAT(told(config.error()), HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongConfig,
    ::testing::Values(
        Wrong{"[server\n", "x.toml:1: column 8", ""},  //
        Wrong{"\n[serve]\n", "x.toml:2: serve",
              "is not a setting; known here: broker, databases, dummy, ec2, harbourmaster, image, local, log, "
              "machines, "
              "plan, pool"},
        Wrong{"[server]\nlistn = []\n", "x.toml:2: server.listn",
              "known here: access_log, allow_anonymous, listen"},
        Wrong{"server = 3\n", "x.toml:1: server", "must be a table, not an integer"},
        Wrong{"[server]\nlisten = \"127.0.0.1:1\"\n", "x.toml:2: server.listen", "must be an array of strings"},
        Wrong{"[server]\nlisten = [\n\"127.0.0.1:1\",\n\"localhost:1\"]\n", "x.toml:4: server.listen[1]",
              "numeric address"},
        Wrong{"[server]\nlisten = [1]\n", "x.toml:2: server.listen[0]", "must be a string, not an integer"},
        Wrong{"[server]\nlisten = []\n", "x.toml:2: server.listen", "at least one"},
        Wrong{"[server]\nthreads = 0\n", "x.toml:2: server.threads", "from 1 to 64"},
        Wrong{"[server]\nthreads = 2.0\n", "x.toml:2: server.threads", "must be an integer"},
        Wrong{"[server]\nwait_limit = 60\n", "x.toml:2: server.wait_limit", "written like"},
        Wrong{"[server]\nwait_limit = \"2h\"\n", "x.toml:2: server.wait_limit", "from \"0ms\" to \"1h\""},
        Wrong{"[server]\nmax_body = \"1 mb\"\n", "x.toml:2: server.max_body", "from 1024 to"},
        Wrong{"[server]\naccess_log = \"no\"\n", "x.toml:2: server.access_log", "must be true or false"},
        Wrong{"[server]\nallow_anonymous = [\"native\"]\n", "x.toml:2: server.allow_anonymous[0]", "\"redis\""},
        Wrong{"[server]\nallow_anonymous = [\"bigdata\"]\n", "x.toml:2: server.allow_anonymous[0]",
              "is not in this version"},
        Wrong{"[log]\nlevel = \"loud\"\n", "x.toml:2: log.level", "\"debug\", \"info\", \"warning\", \"error\""},
        Wrong{"[broker]\nname_prefix = \"a.b\"\n", "x.toml:2: broker.name_prefix", "a-z 0-9 -"},
        Wrong{"[broker]\nquota = 0\n", "x.toml:2: broker.quota", "from 1 to"},
        Wrong{"[local]\ndomain = \"-x\"\n", "x.toml:2: local.domain", "domain name"},
        Wrong{"[local]\nbind = [\"eth0\"]\n", "x.toml:2: local.bind[0]", "numeric IPv4 or IPv6"},
        Wrong{"[local]\nport_first = 80\n", "x.toml:2: local.port_first", "from 1024 to 65535"},
        Wrong{"[local]\nport_first = 30000\nport_last = 20000\n", "x.toml:3: local.port_last", "must not be above"},
        Wrong{"[local]\nhelper_socket = \"run\"\n", "x.toml:2: local.helper_socket", "absolute path"},
        Wrong{"[databases]\ntls = \"on\"\n", "x.toml:2: databases.tls", "\"off\", \"allow\", \"require\""},
        Wrong{"[databases]\ntls = \"allow\"\ntls_key = \"/k\"\n", "x.toml:2: databases.tls",
              "needs databases.tls_certificate"},
        Wrong{"[databases]\ntls_key = \"k\"\n", "x.toml:2: databases.tls_key", "absolute path"},
        Wrong{"[sweep]\ngrace = \"soon\"\n", "x.toml:2: sweep.grace", "written like"},
        Wrong{"[pool]\ntiny = 1\n", "x.toml:2: pool.tiny",
              "known here: container, large, medium, memcached, mysql, postgres, redis, small, vm"},
        Wrong{"[pool]\nmemcached.tiny = 1\n", "x.toml:2: pool.memcached.tiny", "known here: large, medium, small"},
        Wrong{"[pool]\nmemcached.small = -1\n", "x.toml:2: pool.memcached.small", "from 0 to 1000"},
        Wrong{"[pool]\nmemcached = 3\n", "x.toml:2: pool.memcached", "must be a table"},
        Wrong{"[pool]\nmysql.shared = 1\n", "x.toml:2: pool.mysql.shared", "cannot rename a database"},
        Wrong{"[[plan]]\nkind = \"database\"\nengine = \"mysql\"\nname = \"shared\"\npool = 1\n",
              "x.toml:5: plan[0].pool", "must be 0"},
        Wrong{"[pool]\nsmall = 1\nredis.small = 1\n", "x.toml:3: pool.redis.small", "is given twice"},
        Wrong{"[pool]\nsmall = -1\n", "x.toml:2: pool.small", "from 0 to 1000"},
        Wrong{"plan = 1\n", "x.toml:1: plan", "write [[plan]]"},
        Wrong{"[[plan]]\n", "x.toml:1: plan[0].name", "is required"},
        Wrong{"[[plan]]\nname = \"Big One\"\n", "x.toml:2: plan[0].name", "a-z 0-9"},
        Wrong{"[[plan]]\nname = \"a\"\n[[plan]]\nname = \"a\"\n", "x.toml:4: plan[1].name", "is used twice"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"oracle\"\n", "x.toml:3: plan[0].engine", "\"redis\""},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"mysql\"\n", "x.toml:3: plan[0].engine", "\"database-server\""},
        Wrong{"[[plan]]\nname = \"a\"\nkind = \"database\"\n", "x.toml:3: plan[0].kind", "\"cache\""},
        Wrong{"[[plan]]\nname = \"a\"\nkind = \"database\"\nengine = \"mysql\"\n", "x.toml:1: plan",
              "needs a plan small of kind database-server and engine mysql"},
        Wrong{"[[plan]]\nname = \"a\"\nthreshold = 3\n", "x.toml:3: plan[0].threshold", "is not a setting"},
        Wrong{"[harbourmaster]\npostgres_versions = [\"ten\"]\n", "x.toml:2: harbourmaster.postgres_versions[0]",
              "must be a version"},
        Wrong{"[harbourmaster]\nengine = \"redis\"\n", "x.toml:2: harbourmaster.engine", "\"postgres\""},
        Wrong{"[harbourmaster]\nrotation_grace = \"59s\"\n", "x.toml:2: harbourmaster.rotation_grace",
              "from \"1m\" to \"30d\""},
        Wrong{"[harbourmaster]\nrotation_grace = \"31d\"\n", "x.toml:2: harbourmaster.rotation_grace",
              "from \"1m\" to \"30d\""},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"memcached\"\nparameters.password = true\n",
              "x.toml:4: plan[0].parameters.password", "known here: engine_version, max_item_size, maxclients"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"memcached\"\nparameters.appendfsync = \"no\"\n",
              "x.toml:4: plan[0].parameters.appendfsync", "is not a setting"},
        Wrong{"[[plan]]\nname = \"a\"\nparameters.max_item_size = \"1mb\"\n",
              "x.toml:3: plan[0].parameters.max_item_size", "is not a setting"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"memcached\"\nparameters.maxmemory = 0\n",
              "x.toml:4: plan[0].parameters.maxmemory", "from 1048576 to"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"memcached\"\nparameters.maxmemory = 1500000\n",
              "x.toml:4: plan[0].parameters.maxmemory", "whole megabytes"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"memcached\"\nparameters.max_item_size = 700000\n",
              "x.toml:4: plan[0].parameters.max_item_size", "multiple of 512kb"},
        Wrong{"[[plan]]\nname = \"a\"\nengine = \"memcached\"\nparameters.max_item_size = \"33mb\"\n",
              "x.toml:4: plan[0].parameters.max_item_size", "at most half of maxmemory (67108864 bytes)"},
        Wrong{"[local]\nbind = [\"0.0.0.0\"]\n[[plan]]\nname = \"a\"\nengine = \"memcached\"\n",
              "x.toml:5: plan[0].engine", "memcached has no passwords"},
        Wrong{"[[plan]]\nname = \"a\"\nprovider = \"aws\"\n", "x.toml:3: plan[0].provider",
              "\"local\", \"databases\", \"backups\", \"libvirt\", \"lxc\", \"dummy\""},
        Wrong{"[[plan]]\nname = \"a\"\nparameters.maxmemory = \"1kb\"\n", "x.toml:3: plan[0].parameters.maxmemory",
              "at least 1mb"},
        Wrong{"[[plan]]\nname = \"a\"\nparameters.maxmemory_policy = \"lru\"\n",
              "x.toml:3: plan[0].parameters.maxmemory_policy", "allkeys-lru"},
        Wrong{"[[plan]]\nname = \"a\"\nparameters.memory = 1\n", "x.toml:3: plan[0].parameters.memory",
              "is not a setting"},
        Wrong{"[local]\nbind = [\"0.0.0.0\"]\n[[plan]]\nname = \"a\"\nparameters.password = false\n",
              "x.toml:5: plan[0].parameters.password", "must be true while"}));

// Who mends one mistake at a time is told of all of them at once.
TEST(Config, AllProblemsAreToldAtOnceInTheOrderOfTheFile) {
    const auto config = parse_config("[server]\nthreads = 0\nbogus = 1\n[pool]\nsmall = \"two\"\n", "x.toml");
    ASSERT_FALSE(config);
    ASSERT_EQ(config.error().problems.size(), 3U);
    EXPECT_EQ(config.error().problems[0].field, "x.toml:2: server.threads");
    EXPECT_EQ(config.error().problems[1].field, "x.toml:3: server.bogus");
    EXPECT_EQ(config.error().problems[2].field, "x.toml:5: pool.small");
}

TEST(Config, AFileThatIsNotThereIsNamed) {
    const auto config = load_config("/nonexistent/slipway.toml");
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/slipway.toml"));
}

}  // namespace
}  // namespace slipway
