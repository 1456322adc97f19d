// What is particular to tenants of one engine.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>

#include "databases_fixture.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(PostgresDatabases, TheRoleHasNoRightThatItDoesNotNeed) {
    ASSERT_TRUE(is(create("plain"), Presence::running));
    EXPECT_EQ(subject_.as_admin("SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,"
                                " rolreplication, rolbypassrls, rolconnlimit, left(rolpassword, 19)"
                                " FROM pg_authid WHERE rolname = 'plain'"),
              "f|f|f|f|t|f|f|20|SCRAM-SHA-256$4096:");
    EXPECT_EQ(subject_.as_admin("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'plain'"),
              "slipway:1 ins_conformance res_plain 1 plain plain");
    EXPECT_EQ(subject_.as_admin("SELECT pg_encoding_to_char(encoding), datconnlimit FROM pg_database"
                                " WHERE datname = 'plain'"),
              "UTF8|-1");
}

TEST_F(PostgresDatabases, ExtensionsAreThoseOfTheParameters) {
    spec("extended").parameters = {{"extensions", {"pgcrypto", "uuid-ossp"}}};
    ASSERT_TRUE(is(create("extended"), Presence::running));
    EXPECT_EQ(own("extended", "SELECT count(*) FROM pg_extension WHERE extname IN ('pgcrypto', 'uuid-ossp')"), "2");
    spec("extended").parameters = {{"extensions", {"pgcrypto", "hstore"}}};
    EXPECT_TRUE(is(update("extended"), Presence::running));
    EXPECT_EQ(own("extended",
                  "SELECT count(*) FROM pg_extension WHERE extname IN ('pgcrypto', 'uuid-ossp',"
                  " 'hstore')"),
              "3")
        << "what is in use is not taken away";
    spec("extended").parameters = {{"extensions", {"no-such-thing"}}};
    EXPECT_TRUE(fails(update("extended"), ErrorClass::permanent));
    spec("extended").parameters = {{"extensions", {"a\"; DROP ROLE slipway"}}};
    EXPECT_TRUE(fails(update("extended"), ErrorClass::permanent));
    spec("extended").parameters = {};
}

// The limits of a kept connection are those of the call before: one that had little time left made the next one
// fail.
TEST_F(PostgresDatabases, ACallIsNotUnderTheLimitsOfTheOneBefore) {
    ASSERT_TRUE(is(create("unhurried"), Presence::running));
    const ServerAccess& at = subject_.server().access();
    Connected<sql::PostgresSession> locker(
        subject_.io(), sql::PostgresLogin{at.address, at.port, at.user, at.password, "postgres"});
    ASSERT_TRUE(locker.open());
    for (const bool listed : {false, true}) {
        (void)call(Verb::observe, "unhurried", 200ms);
        ASSERT_TRUE(locker.ask("BEGIN"));
        ASSERT_TRUE(locker.ask("LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE"));
        bool released = false;
        boost::asio::co_spawn(subject_.io(), locker.run_beside("SELECT pg_sleep(0.6); COMMIT", released),
                              boost::asio::detached);
        if (listed) {
            EXPECT_TRUE(subject_.run(subject_.provider().inventory("", kBudget)));
        } else {
            EXPECT_TRUE(is(observe("unhurried"), Presence::running));
        }
        EXPECT_TRUE(eventually([&] {
            subject_.io().restart();
            subject_.io().poll();
            return released;
        }));
    }
}

TEST_F(PostgresDatabases, ADatabaseThatItsOwnerMadeATemplateIsRemovedToo) {
    ASSERT_TRUE(is(create("template"), Presence::running));
    ASSERT_EQ(own("template", "ALTER DATABASE template IS_TEMPLATE true"), "");
    EXPECT_TRUE(is(remove("template"), Presence::absent));
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_F(PostgresDatabases, WhatItOwnsInDatabasesOfOthersGoesWithItAndNothingOfTheirs) {
    ASSERT_TRUE(is(create("guest"), Presence::running));
    ASSERT_TRUE(is(create("landlord"), Presence::running));
    for (const std::string statement :
         {"GRANT CONNECT ON DATABASE landlord TO guest", "GRANT ALL ON SCHEMA public TO guest",
          "CREATE TABLE house (id INT)", "GRANT SELECT ON house TO guest"}) {
        ASSERT_EQ(own("landlord", statement), "") << statement;
    }
    ASSERT_EQ(as("guest", "landlord", "CREATE TABLE lodging (id INT)"), "");
    // By one who may hand on what is not his.
    ASSERT_TRUE(is(create("agent"), Presence::running));
    ASSERT_EQ(own("landlord", "GRANT CONNECT ON DATABASE landlord TO agent WITH GRANT OPTION"), "");
    ASSERT_EQ(own("landlord", "GRANT USAGE ON SCHEMA public TO agent"), "");
    ASSERT_EQ(own("landlord", "GRANT ALL ON house TO agent WITH GRANT OPTION"), "");
    ASSERT_EQ(as("agent", "landlord", "GRANT CONNECT ON DATABASE landlord TO guest"), "");
    ASSERT_EQ(as("agent", "landlord", "GRANT ALL ON house TO guest"), "");
    EXPECT_TRUE(is(remove("guest"), Presence::absent));
    EXPECT_EQ(as("agent", "landlord", "SELECT count(*) FROM house"), "0");
    EXPECT_EQ(own("landlord", "SELECT relname FROM pg_class WHERE relname IN ('house', 'lodging')"), "house");
    EXPECT_TRUE(is(observe("landlord"), Presence::running));
}

TEST_F(PostgresDatabases, DoorsThatTheServerLeavesOpenAreShutOnce) {
    ASSERT_EQ(subject_.as_admin("GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC"), "");
    subject_.crash();
    ASSERT_TRUE(is(create("shut"), Presence::running));
    EXPECT_THAT(as("shut", "postgres"), StartsWith("login "));
    EXPECT_THAT(as("shut", "template1"), StartsWith("login "));
}

TEST_F(PostgresDatabases, WhatAnOperatorOpenedToEverybodyIsSeenAndShutAgain) {
    ASSERT_TRUE(is(create("opened"), Presence::running));
    ASSERT_TRUE(is(create("visitor"), Presence::running));
    ASSERT_EQ(subject_.as_admin("GRANT CONNECT ON DATABASE opened TO PUBLIC"), "");
    EXPECT_EQ(as("visitor", "opened"), "in");
    EXPECT_TRUE(is(observe("opened"), Presence::stopped));
    EXPECT_TRUE(is(update("opened"), Presence::running));
    EXPECT_THAT(as("visitor", "opened"), StartsWith("login "));
}

TEST_F(PostgresDatabases, ADatabaseThatSomebodyElseWasGivenIsNotDropped) {
    ASSERT_TRUE(is(create("given"), Presence::running));
    ASSERT_EQ(subject_.as_admin("ALTER DATABASE given OWNER TO slipway"), "");
    EXPECT_TRUE(is(remove("given"), Presence::foreign));
    EXPECT_EQ(own("given"), "login 42501") << "it is not its any more, but it is there";
    ASSERT_EQ(subject_.as_admin("ALTER DATABASE given OWNER TO given"), "");
    EXPECT_TRUE(is(observe("given"), Presence::running));
}

TEST_F(PostgresDatabases, AMarkThatCannotBeReadIsListedAsForeign) {
    ASSERT_EQ(subject_.as_admin("CREATE ROLE odd"), "");
    ASSERT_EQ(subject_.as_admin("COMMENT ON ROLE odd IS 'slipway:9 of another time'"), "");
    const auto listed = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->items.size(), 1U);
    EXPECT_EQ(listed->items[0].presence, Presence::foreign);
    EXPECT_EQ(listed->items[0].external_name, "odd");
    EXPECT_TRUE(listed->items[0].installation.empty());
    EXPECT_EQ(subject_.as_admin("DROP ROLE odd"), "");
}

TEST_F(PostgresDatabases, APasswordThatIsNotPrintableAsciiIsRefused) {
    spec("accented").secrets = {{"password", Secret("p\xC3\xA4ssword")}};
    EXPECT_TRUE(fails(create("accented"), ErrorClass::permanent));
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_F(MysqlDatabases, ALongUserIsShortenedAndTheHandleSaysHow) {
    const std::string user(100, 'u');
    spec("long").parameters = {{"user", user}};
    const ProviderAnswer made = create("long");
    ASSERT_TRUE(is(made, Presence::running));
    const std::string shown = json::get_string(made->handle, "user");
    EXPECT_EQ(shown, sql::mysql_user(user, sql::kMostMariadbUser));
    EXPECT_EQ(shown.size(), 32U);
    EXPECT_EQ(subject_.ask(shown, kTenantCanary, "long", "SELECT 1"), "1");
}

TEST_F(MysqlDatabases, ANameThatGrantsCannotHoldIsRefused) {
    spec("wild").parameters = {{"database", std::string(40, '_')}};
    const ProviderAnswer made = create("wild");
    EXPECT_TRUE(fails(made, ErrorClass::permanent));
    EXPECT_THAT(made.error().message, HasSubstr("backslash"));
    EXPECT_TRUE(subject_.leftovers().empty());
    spec("wild").parameters = {};
}

}  // namespace
}  // namespace slipway::testing
