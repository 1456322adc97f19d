// Databases over HTTP, on real servers: made, used by the engines' own clients, killed, adopted, taken away.
#include <set>
#include <thread>

#include "databases_test_support.h"

namespace slipway::testing {
namespace {

using std::chrono::seconds;

INSTANTIATE_TEST_SUITE_P(Engines, ServeDatabases, ::testing::Values("postgres", "mysql"),
                         [](const auto& engine) { return engine.param; });

TEST_P(ServeDatabases, TellTheContractsStoryWithARealServer) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    std::string why;
    EXPECT_EQ(ask_sql(login, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept'); SELECT v FROM t", &why),
              "kept")
        << why;
    const Answer again = ask("POST", path_of("shop"), "{}");
    EXPECT_EQ(again.status, 200) << "the same database: " << again.body;
    EXPECT_EQ(again.text("hephy_db_password"), login.password);

    Login wrong = login;
    wrong.password = "wrong";
    EXPECT_EQ(ask_sql(wrong, "SELECT 1"), std::nullopt);

    EXPECT_EQ(ask("DELETE", std::string(kInstances) + "/hephy-instance-0000001").status, 409) << "it serves one";
    EXPECT_EQ(ask("DELETE", path_of("shop")).status, 200);
    EXPECT_TRUE(comes_to("shop", "decommissioned")) << site_.log();
    EXPECT_EQ(ask_sql(login, "SELECT 1"), std::nullopt) << "role and database are gone";
    EXPECT_EQ(ask("DELETE", std::string(kInstances) + "/hephy-instance-0000001").status, 200);
    EXPECT_TRUE(eventually([&] { return site_.engines().empty() && instances().empty(); })) << site_.log();
    EXPECT_EQ(site_.log().find(login.password), std::string::npos);
}

TEST_P(ServeDatabases, AKilledBrokerAdoptsServersAndDatabasesWithTheirData) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    ASSERT_EQ(ask_sql(login, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept')"), "");
    const pid_t before = server_process(login);
    ASSERT_GT(before, 0);
    site_.kill();
    EXPECT_EQ(ask_sql(login, "SELECT v FROM t"), "kept") << "a server does not need its broker";
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_TRUE(comes_to("shop", "ready"));
    EXPECT_EQ(server_process(login), before) << "the same process";
    EXPECT_EQ(login_of("shop").password, login.password);
}

TEST_P(ServeDatabases, AKilledServerComesBackWithItsData) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login login = create("shop");
    ASSERT_EQ(ask_sql(login, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept')"), "");
    const pid_t before = server_process(login);
    ASSERT_GT(before, 0);
    ASSERT_EQ(::kill(before, SIGKILL), 0);
    std::string why;
    EXPECT_TRUE(eventually([&] { return ask_sql(login, "SELECT v FROM t", &why) == "kept"; }, seconds(60)))
        << why << site_.log();
    EXPECT_NE(server_process(login), before);
}

// The isolation that tenants rely on, tried with their own credentials.
TEST_P(ServeDatabases, ATenantReachesItsOwnDatabaseAndNoOther) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login victim = create("victim");
    const Login thief = create("thief");
    ASSERT_EQ(victim.port, thief.port) << "on the same server";
    ASSERT_EQ(ask_sql(victim, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('mine')"), "");
    std::vector<std::string> others{victim.database};
    for (const std::string& own : GetParam() == "postgres" ? std::vector<std::string>{"postgres", "template1"}
                                                           : std::vector<std::string>{"mysql", "slipway"}) {
        others.push_back(own);
    }
    for (const std::string& other : others) {
        Login intruder = thief;
        intruder.database = other;
        EXPECT_EQ(ask_sql(intruder, "SELECT 1"), std::nullopt) << other;
    }
    const std::vector<std::string> postgres{
        fmt::format("ALTER ROLE \"{}\" PASSWORD 'x'", victim.user),
        "CREATE ROLE more LOGIN",
        "CREATE DATABASE more",
        fmt::format("DROP DATABASE \"{}\"", victim.database),
        fmt::format("SET ROLE \"{}\"", victim.user),
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT pg_read_file('/etc/passwd')",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        fmt::format("REVOKE CONNECT ON DATABASE \"{}\" FROM \"{}\"", victim.database, victim.user)};
    const std::vector<std::string> mysql{
        fmt::format("SELECT v FROM `{}`.t", victim.database),
        fmt::format("DROP DATABASE `{}`", victim.database),
        fmt::format("SET PASSWORD FOR '{}'@'%' = PASSWORD('x')", victim.user),
        "CREATE USER more",
        "CREATE DATABASE more",
        "SELECT LOAD_FILE('/etc/passwd') FROM mysql.user",
        "SELECT user FROM mysql.user",
        fmt::format("GRANT ALL ON `{}`.* TO '{}'@'%'", victim.database, thief.user)};
    for (const std::string& statement : GetParam() == "postgres" ? postgres : mysql) {
        EXPECT_EQ(ask_sql(thief, statement), std::nullopt) << statement;
    }
    EXPECT_EQ(ask_sql(victim, "SELECT v FROM t"), "mine") << "and nothing happened to the other";
}

// A rotation as a program's owner goes through it, with a crash of the broker in the middle.
TEST_P(ServeDatabases, ARotatedPasswordIsGoodBesideTheFormerOneUntilItIsConfirmed) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Login first = create("shop");
    ASSERT_EQ(ask_sql(first, "CREATE TABLE t (v varchar(9)); INSERT INTO t VALUES ('kept')"), "");
    const auto rotation = [&] {
        const json::object shown = ask("GET", path_of("shop")).object();
        return shown.contains("rotation") ? json::get_string(shown.at("rotation").as_object(), "state") : "none";
    };
    const Answer begun = ask("POST", path_of("shop") + "/rotate", "{}");
    ASSERT_EQ(begun.status, 200) << begun.body;
    site_.kill();
    EXPECT_EQ(ask_sql(first, "SELECT v FROM t"), "kept") << "whatever happens";
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(eventually([&] { return rotation() == "unconfirmed"; }, seconds(60))) << site_.log();
    const Login second = login_of("shop");
    EXPECT_NE(second.password, first.password);
    EXPECT_EQ(second.user == first.user, GetParam() == "mysql");
    EXPECT_EQ(ask_sql(first, "SELECT v FROM t"), "kept");
    std::string why;
    EXPECT_EQ(ask_sql(second, "INSERT INTO t VALUES ('more'); CREATE TABLE since (id INT); SELECT v FROM t", &why),
              "kept")
        << why;
    EXPECT_EQ(ask_sql(first, "DROP TABLE since"), "") << "what either makes is the other's";
    EXPECT_EQ(ask("POST", path_of("shop") + "/rotate", "{}").status, 409);
    const Answer confirmed = ask("POST", path_of("shop") + "/rotate", R"({"confirm":true})");
    ASSERT_EQ(confirmed.status, 200) << confirmed.body;
    ASSERT_TRUE(eventually([&] { return rotation() == "confirmed"; }, seconds(60))) << site_.log();
    EXPECT_EQ(ask_sql(first, "SELECT 1"), std::nullopt);
    EXPECT_EQ(ask_sql(second, "SELECT v FROM t"), "kept");
    EXPECT_EQ(login_of("shop").password, second.password);
    EXPECT_EQ(ask("DELETE", path_of("shop")).status, 200);
    EXPECT_TRUE(comes_to("shop", "decommissioned")) << site_.log();
    EXPECT_EQ(ask_sql(second, "SELECT 1"), std::nullopt);
    for (const Login& each : {first, second}) EXPECT_EQ(site_.log().find(each.password), std::string::npos);
}

// However many ask at once: each server serves at most the threshold and one, and none is made ahead of need.
TEST_P(ServeDatabases, RequestsAtOnceMakeAsManyServersAsTheyNeed) {
    site_.configure(
        fmt::format("[[plan]]\nkind = \"database-server\"\nengine = \"{0}\"\nname = \"small\"\n"
                    "parameters = {{instance_class = \"db.t3.medium\"}}\n"
                    "[[plan]]\nkind = \"database\"\nengine = \"{0}\"\nname = \"shared\"\nthreshold = 2\n",
                    GetParam()));
    ASSERT_NO_FATAL_FAILURE(site_.start());
    constexpr int kDatabases = 7;
    std::vector<std::thread> callers;
    for (int i = 0; i < kDatabases; ++i) {
        callers.emplace_back([this, i] { request(fmt::format("c{}", i)); });
    }
    for (std::thread& caller : callers) caller.join();
    std::map<std::string, int> served;
    std::set<std::string> users;
    for (int i = 0; i < kDatabases; ++i) {
        const std::string cluster = fmt::format("c{}", i);
        ASSERT_TRUE(comes_to(cluster, "ready")) << ask("GET", path_of(cluster)).body << site_.log();
        ++served[ask("GET", path_of(cluster)).text("hephy_instance_name")];
        const Login login = login_of(cluster);
        EXPECT_EQ(ask_sql(login, "SELECT 'in'"), "in");
        users.insert(login.user);
    }
    EXPECT_EQ(users.size(), static_cast<std::size_t>(kDatabases));
    EXPECT_EQ(served.size(), 3U) << "seven on servers for three each";
    EXPECT_EQ(instances().size(), 3U);
    for (const auto& [name, count] : served) EXPECT_LE(count, 3) << name;
}

}  // namespace
}  // namespace slipway::testing
