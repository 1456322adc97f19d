// What is true of tenants on shared servers of both engines.
#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>

#include "databases_fixture.h"
#include "local_subject.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_P(Databases, TheNamesAreThoseOfTheParametersAndTheHandleSaysWhatIsThere) {
    spec("oct-1").parameters = {{"database", "cluster-0123456789"}, {"user", "hephy-cluster-0123456789"}};
    const ProviderAnswer made = create("oct-1");
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(json::get_string(made->handle, "database"), "cluster-0123456789");
    EXPECT_EQ(json::get_string(made->handle, "user"), "hephy-cluster-0123456789");
    EXPECT_EQ(json::get_string(made->handle, "server"), subject_.server().access().server.str());
    EXPECT_THAT(json::get_string(made->handle, "engine_version"), StartsWith(mysql() ? "10." : "15."));
    EXPECT_EQ(made->endpoint, subject_.server().access().endpoint);
    EXPECT_EQ(own("oct-1", "SELECT 1"), "1");
    // Found again by its mark alone, as a sweep does that knows nothing else.
    const ProviderAnswer removed = subject_.run(subject_.provider().remove(target_of("oct-1"), Spec{}, kBudget));
    EXPECT_TRUE(is(removed, Presence::absent));
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_P(Databases, ATenantReachesNothingButItsOwn) {
    ASSERT_TRUE(is(create("tenant-a"), Presence::running));
    ASSERT_TRUE(is(create("tenant-b"), Presence::running));
    ASSERT_EQ(own("tenant-b", "CREATE TABLE secrets (value VARCHAR(20))"), "");
    ASSERT_EQ(own("tenant-b", "INSERT INTO secrets VALUES ('b')"), "");
    EXPECT_EQ(own("tenant-b", "SELECT value FROM secrets"), "b");

    std::vector<std::string> places{"tenant-b", "slipway", mysql() ? "mysql" : "postgres"};
    if (!mysql()) places.insert(places.end(), {"template1", "template0"});
    for (const std::string& place : places) EXPECT_THAT(as("tenant-a", place), StartsWith("login ")) << place;
    const std::string user = mysql() ? "`tenant-b`@`%`" : "\"tenant-b\"";
    std::vector<std::string> attempts{
        "CREATE DATABASE mine",
        "DROP DATABASE " + (mysql() ? sql::mysql_name("tenant-b") : sql::postgres_name("tenant-b")),
        "DROP USER " + user};
    if (mysql()) {
        attempts.insert(
            attempts.end(),
            {"SELECT value FROM `tenant-b`.secrets", "SELECT User FROM mysql.user", "SELECT * FROM slipway.tenants",
             "CREATE USER mine IDENTIFIED BY 'x'", "ALTER USER `tenant-b`@`%` IDENTIFIED BY 'x'",
             "SET PASSWORD FOR `tenant-b`@`%` = ''", "GRANT SELECT ON `tenant-b`.* TO `tenant-a`@`%`",
             "GRANT SELECT ON `tenant-a`.* TO `tenant-b`@`%`", "SET GLOBAL general_log = 0",
             "CREATE DATABASE `tenantXa`", "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/x'"});
    } else {
        attempts.insert(
            attempts.end(),
            {"CREATE ROLE mine LOGIN", "ALTER ROLE \"tenant-b\" PASSWORD 'x'", "ALTER ROLE \"tenant-a\" CREATEDB",
             "ALTER ROLE \"tenant-a\" CONNECTION LIMIT 1000", "SET ROLE \"tenant-b\"",
             "SET SESSION AUTHORIZATION \"tenant-b\"", "SET ROLE slipway", "GRANT \"tenant-b\" TO \"tenant-a\"",
             "GRANT CONNECT ON DATABASE \"tenant-b\" TO \"tenant-a\"",
             "ALTER DATABASE \"tenant-b\" OWNER TO \"tenant-a\"",
             "COMMENT ON ROLE \"tenant-a\" IS 'slipway:1 x y 1 z z'", "SELECT rolpassword FROM pg_authid",
             "ALTER SYSTEM SET log_statement = 'none'", "COPY (SELECT 1) TO PROGRAM 'true'",
             "SELECT pg_read_file('postgresql.conf')", "CREATE EXTENSION dblink"});
    }
    for (const std::string& each : attempts) EXPECT_THAT(own("tenant-a", each), StartsWith("error ")) << each;
    EXPECT_EQ(own("tenant-b", "SELECT value FROM secrets"), "b");
}

// Everything that quoting can get wrong, and each beside another tenant whom a wildcard would let in.
TEST_P(Databases, HostileNamesAreNamesAndNothingElse) {
    const std::vector<std::string> names{
        "a_b",   "a%b",  "a\\b", "a`b",      "a\"b", "a'b",  "a;b--",  "a b",
        "a\\_b", "../a", "a.b",  "\xC3\xA9", "$1",   "%s{}", "select", std::string(mysql() ? 60 : 63, 'n')};
    ASSERT_TRUE(is(create("axb"), Presence::running));
    int number = 0;
    for (const std::string& each : names) {
        const std::string name = fmt::format("hostile-{}", ++number);
        spec(name).parameters = {{"database", each}, {"user", each}};
        ASSERT_TRUE(is(create(name), Presence::running)) << each;
        EXPECT_EQ(own(name, "CREATE TABLE mine (id INT)"), "") << each;
        EXPECT_THAT(as(name, "axb"), StartsWith("login ")) << each;
        EXPECT_THAT(as("axb", each), StartsWith("login ")) << each;
        EXPECT_TRUE(is(observe(name), Presence::running)) << each;
        EXPECT_TRUE(is(update(name), Presence::running)) << each;
    }
    EXPECT_EQ(subject_.run(subject_.provider().inventory("", kBudget))->items.size(), names.size() + 1);
    for (int i = 1; i <= number; ++i) EXPECT_TRUE(is(remove(fmt::format("hostile-{}", i)), Presence::absent));
    EXPECT_EQ(subject_.leftovers().size(), 1U) << "the other tenant alone";
    EXPECT_EQ(own("axb", "SELECT 1"), "1");
}

TEST_P(Databases, NamesThatNoServerTakesAreRefusedAndNothingIsMade) {
    for (const std::string& each : {std::string(65, 'n'), std::string("a\0b", 3), std::string("\xFF")}) {
        spec("refused").parameters = {{"database", each}};
        EXPECT_TRUE(fails(create("refused"), ErrorClass::permanent));
        EXPECT_TRUE(is(observe("refused"), Presence::absent)) << "nothing can be called so";
    }
    spec("refused").parameters = {{"connections", 0}, {"user", std::string(200, 'u')}};
    EXPECT_TRUE(fails(create("refused"), ErrorClass::permanent));
    EXPECT_TRUE(is(observe("refused"), Presence::absent));
    EXPECT_TRUE(is(remove("refused"), Presence::absent)) << "what was never made can be removed";
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_P(Databases, WhatBearsTheNameWithoutAMarkIsForeignAndStaysAsItIs) {
    const std::string made = mysql() ? subject_.as_admin("CREATE USER `stranger`@`localhost`")
                                     : subject_.as_admin("CREATE ROLE stranger");
    ASSERT_EQ(made, "");
    const std::string before = subject_.picture();
    for (const Verb verb : {Verb::observe, Verb::create, Verb::update, Verb::remove}) {
        EXPECT_TRUE(is(call(verb, "stranger"), Presence::foreign)) << to_string(verb);
    }
    EXPECT_EQ(subject_.picture(), before);
    EXPECT_EQ(subject_.as_admin(mysql() ? "DROP USER `stranger`@`localhost`" : "DROP ROLE stranger"), "");
    ASSERT_EQ(subject_.as_admin("CREATE DATABASE stranger"), "");
    for (const Verb verb : {Verb::observe, Verb::create, Verb::update, Verb::remove}) {
        EXPECT_TRUE(is(call(verb, "stranger"), Presence::foreign)) << to_string(verb);
    }
    EXPECT_EQ(subject_.as_admin("DROP DATABASE stranger"), "");
}

TEST_P(Databases, TwoTenantsCannotHaveOneDatabaseOrUser) {
    spec("first").parameters = {{"database", "shared"}, {"user", "first"}};
    ASSERT_TRUE(is(create("first"), Presence::running));
    spec("second").parameters = {{"database", "shared"}, {"user", "second"}};
    EXPECT_TRUE(is(create("second"), Presence::foreign));
    made_.erase("second");
    spec("third").parameters = {{"database", "third"}, {"user", "first"}};
    EXPECT_TRUE(is(create("third"), Presence::foreign));
    made_.erase("third");
    EXPECT_EQ(own("first", "SELECT 1"), "1");
}

// The next attempt at a database of a cluster has the former one's names: it was said to be "not ours".
TEST_P(Databases, WhoStillHasTheNamesIsSaidWhereItIsOfThisInstallation) {
    const json::object names{{"database", "cluster-0123456789"}, {"user", "hephy-cluster-0123456789"}};
    spec("former").parameters = spec("next").parameters = names;
    ASSERT_TRUE(is(create("former"), Presence::running));
    for (const Verb verb : {Verb::observe, Verb::create, Verb::update, Verb::remove}) {
        const ProviderAnswer taken = call(verb, "next");
        ASSERT_TRUE(is(taken, Presence::foreign)) << to_string(verb);
        EXPECT_EQ(taken->holder, "former") << to_string(verb);
    }
    EXPECT_EQ(own("former", "SELECT 1"), "1") << "it is not touched";
    ASSERT_TRUE(is(remove("former"), Presence::absent));
    made_.erase("former");  // whose names are the next one's from here on
    EXPECT_TRUE(is(create("next"), Presence::running));
}

TEST_P(Databases, ANewPasswordReplacesTheOldOneByUpdate) {
    ASSERT_TRUE(is(create("rotated"), Presence::running));
    spec("rotated").secrets = {{"password", Secret("another0123456789")}};
    EXPECT_TRUE(is(observe("rotated"), Presence::stopped)) << "the new one does not work yet";
    EXPECT_EQ(own("rotated"), "in") << "observe changes nothing";
    EXPECT_TRUE(is(update("rotated"), Presence::running));
    EXPECT_THAT(own("rotated"), StartsWith("login "));
    EXPECT_EQ(subject_.ask("rotated", "another0123456789", "rotated", ""), "in");
}

TEST_P(Databases, TheLimitOfConnectionsHoldsAndUpdateChangesIt) {
    spec("limited").parameters = {{"connections", 1}};
    ASSERT_TRUE(is(create("limited"), Presence::running));
    const auto meet_limit = [&]<class Session, class Login>() {
        const ServerAccess& at = subject_.server().access();
        std::optional<Connected<Session>> taken;
        // The login that proved it has hung up; its server takes a moment to count it no more.
        ASSERT_TRUE(eventually([&] {
            taken.emplace(subject_.io(), Login{at.address, at.port, "limited", Secret(kTenantCanary), "limited"});
            return taken->open();
        }));
        EXPECT_EQ(own("limited"), mysql() ? "login 1226" : "login 53300");
        const ProviderAnswer full = observe("limited");
        EXPECT_TRUE(is(full, Presence::running)) << "its tenant uses all of them";
        EXPECT_FALSE(full->detail.empty());
        spec("limited").parameters = {{"connections", 2}};
        EXPECT_TRUE(is(update("limited"), Presence::running));
        EXPECT_TRUE(eventually([&] { return own("limited") == "in"; }));
    };
    if (mysql()) {
        meet_limit.operator()<sql::MysqlSession, sql::MysqlLogin>();
    } else {
        meet_limit.operator()<sql::PostgresSession, sql::PostgresLogin>();
    }
}

TEST_P(Databases, ItIsRemovedInTheMiddleOfItsTenantsTransaction) {
    ASSERT_TRUE(is(create("busy"), Presence::running));
    const auto interrupt = [&]<class Session, class Login>() {
        const ServerAccess& at = subject_.server().access();
        Connected<Session> tenant(subject_.io(), Login{at.address, at.port, "busy", Secret(kTenantCanary), "busy"});
        ASSERT_TRUE(tenant.open());
        ASSERT_TRUE(tenant.ask("CREATE TABLE t (id INT)"));
        ASSERT_TRUE(tenant.ask("BEGIN"));
        ASSERT_TRUE(tenant.ask("INSERT INTO t VALUES (1)"));
        EXPECT_TRUE(is(remove("busy"), Presence::absent));
        const auto after = tenant.ask("SELECT 1");
        ASSERT_FALSE(after);
        EXPECT_EQ(after.error().failure, sql::Failure::lost);
    };
    if (mysql()) {
        interrupt.operator()<sql::MysqlSession, sql::MysqlLogin>();
    } else {
        interrupt.operator()<sql::PostgresSession, sql::PostgresLogin>();
    }
    EXPECT_TRUE(subject_.leftovers().empty());
    EXPECT_THAT(own("busy"), StartsWith("login "));
}

TEST_P(Databases, FiftyAreMadeAndRemovedAtOnce) {
    constexpr int kMany = 50;
    std::size_t open = 0;
    std::vector<std::string> wrong;
    const auto all = [&](Verb verb, Presence expected) {
        for (int i = 0; i < kMany; ++i) {
            const std::string name = fmt::format("many-{}", i);
            const Target target = target_of(name);
            Provider& provider = subject_.provider();
            ++open;
            boost::asio::co_spawn(subject_.io(),
                                  verb == Verb::create ? provider.create(target, spec(name), 120s)
                                                       : provider.remove(target, spec(name), 120s),
                                  [&, name, expected](std::exception_ptr, const ProviderAnswer& answer) {
                                      --open;
                                      const auto good = is(answer, expected);
                                      if (!good) wrong.push_back(name + ": " + good.message());
                                  });
        }
        EXPECT_TRUE(eventually(
            [&] {
                subject_.io().restart();
                subject_.io().poll();
                return open == 0;
            },
            120s));
        EXPECT_TRUE(wrong.empty()) << fmt::format("{}", fmt::join(wrong, "\n"));
    };
    all(Verb::create, Presence::running);
    EXPECT_EQ(subject_.run(subject_.provider().inventory("", kBudget))->items.size(), std::size_t{kMany});
    EXPECT_EQ(own("many-0", "SELECT 1"), "1");
    EXPECT_EQ(own("many-49", "SELECT 1"), "1");
    all(Verb::remove, Presence::absent);
}

TEST_P(Databases, NoPasswordIsInWhatTheServerLogsOrShows) {
    ASSERT_TRUE(is(create("quiet"), Presence::running));
    ASSERT_TRUE(is(update("quiet"), Presence::running));
    spec("quiet").secrets = {{"password", Secret("otherCanary987654321")}};
    ASSERT_TRUE(is(update("quiet"), Presence::running));
    const std::string shown = mysql() ? subject_.as_admin("SELECT INFO FROM information_schema.PROCESSLIST")
                                      : subject_.as_admin("SELECT query FROM pg_stat_activity");
    const std::string log = subject_.server().log();
    EXPECT_THAT(log, HasSubstr("quiet")) << "it logs statements";
    for (const std::string& canary : {kTenantCanary, std::string("otherCanary987654321")}) {
        EXPECT_THAT(log, Not(HasSubstr(canary)));
        EXPECT_THAT(shown, Not(HasSubstr(canary)));
    }
}

TEST_P(Databases, WhatItsOwnerDroppedIsSeenAndMadeAgain) {
    ASSERT_TRUE(is(create("dropped"), Presence::running));
    const std::string name = mysql() ? "`dropped`" : "\"dropped\"";
    ASSERT_EQ(subject_.as_admin("DROP DATABASE " + name), "");
    EXPECT_TRUE(is(observe("dropped"), Presence::stopped));
    const ProviderAnswer again = update("dropped");
    ASSERT_TRUE(is(again, Presence::running));
    EXPECT_THAT(again->detail, HasSubstr("empty"));
    EXPECT_EQ(own("dropped", "SELECT 1"), "1");
}

TEST_P(Databases, AServerThatIsGoneTookEverythingWithIt) {
    ASSERT_TRUE(is(create("alone"), Presence::running));
    subject_.servers().servers.clear();
    EXPECT_TRUE(is(observe("alone"), Presence::absent));
    EXPECT_TRUE(is(remove("alone"), Presence::absent));
    EXPECT_TRUE(fails(create("alone"), ErrorClass::permanent));
}

TEST_P(Databases, AServerThatIsNotReadyIsWaitedFor) {
    subject_.servers().failure = ErrorCode::unavailable;
    EXPECT_TRUE(is(observe("early"), Presence::pending));
    EXPECT_TRUE(fails(create("early"), ErrorClass::transient));
    EXPECT_TRUE(fails(remove("early"), ErrorClass::transient));
    EXPECT_FALSE(subject_.run(subject_.provider().inventory("", kBudget)));
    subject_.servers().failure = ErrorCode::storage;
    EXPECT_TRUE(is(observe("early"), Presence::pending));
}

TEST_P(Databases, AServerThatDoesNotAnswerIsNotAnEmptyOne) {
    ServerAccess closed = subject_.server().access();
    closed.port = free_port();
    subject_.servers().servers = {closed};
    EXPECT_TRUE(is(observe("unseen"), Presence::pending)) << "an operation waits for it";
    Target looked_at = target_of("unseen");
    looked_at.token.clear();
    EXPECT_TRUE(
        fails(subject_.run(subject_.provider().observe(looked_at, spec("unseen"), kBudget)), ErrorClass::transient))
        << "who only looks is told";
    EXPECT_TRUE(fails(create("unseen"), ErrorClass::transient));
    EXPECT_TRUE(fails(remove("unseen"), ErrorClass::transient));
    const auto listed = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().error_class, ErrorClass::transient);
    // What is known of why is told to who waits.
    closed.trouble = "its disk is full";
    subject_.servers().servers = {closed};
    EXPECT_THAT(observe("unseen")->detail, HasSubstr("its disk is full"));
    EXPECT_THAT(create("unseen").error().message, HasSubstr("its disk is full"));
    // Nor one whose password is another.
    closed = subject_.server().access();
    closed.password = Secret("wrong");
    subject_.servers().servers = {closed};
    EXPECT_FALSE(subject_.run(subject_.provider().inventory("", kBudget)));
    EXPECT_TRUE(is(observe("unseen"), Presence::pending));
}

TEST_P(Databases, KeptConnectionsThatAServersCrashBrokeAreReplaced) {
    ASSERT_TRUE(is(create("survivor"), Presence::running));
    subject_.server().kill();
    EXPECT_TRUE(is(observe("survivor"), Presence::pending));
    subject_.server().start();
    EXPECT_TRUE(is(observe("survivor"), Presence::running));
    EXPECT_TRUE(is(update("survivor"), Presence::running));
}

TEST_P(Databases, TheInventoryHasAPageForEachServer) {
    ASSERT_TRUE(is(create("paged"), Presence::running));
    ServerAccess closed = subject_.server().access();
    closed.server = ResourceId("res_server_zzz");
    closed.port = free_port();
    subject_.servers().servers.push_back(closed);
    const auto first = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->items.size(), 1U);
    ASSERT_FALSE(first->next.empty());
    EXPECT_FALSE(subject_.run(subject_.provider().inventory(first->next, kBudget)));
}

INSTANTIATE_TEST_SUITE_P(Both, Databases, ::testing::Values("postgres", "mysql"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace slipway::testing
