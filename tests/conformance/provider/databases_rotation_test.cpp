// Rotation of a tenant's password on real servers: the former one is good until it is not wanted any more, the new
// one as soon as it is said to work, and what is made with either is the other's.
#include "databases_interrupted.h"

namespace slipway::testing {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kOther = "otherCanary0123456789abcdefghijklm";

// The tenant as it is to be after so many rotations.
void turn(Spec& spec, int number, bool keep_former) {
    spec.parameters["rotation"] = number;
    spec.parameters["keep_former"] = keep_former;
    spec.secrets = {{"password", Secret(kTenantCanary)}, {"password_alt", Secret(kOther)}};
}

class DatabasesRotation : public Databases {
  protected:
    ProviderAnswer rotate(const std::string& name, int number, bool keep_former) {
        turn(spec(name), number, keep_former);
        return update(name);
    }
    // As the login of even or of odd rotations.
    std::string even(const std::string& name, const std::string& statement = "") { return own(name, statement); }
    std::string odd(const std::string& name, const std::string& statement = "") {
        const std::string user = mysql() ? user_of(name) : sql::mysql_user(user_of(name) + "-b", 63);
        return subject_.ask(user, kOther, database_of(name), statement);
    }
};

TEST_P(DatabasesRotation, TheFormerPasswordIsGoodUntilItIsNotWantedAnyMore) {
    ASSERT_TRUE(is(create("shop"), Presence::running));
    EXPECT_THAT(odd("shop"), StartsWith("login "));
    for (int number = 1; number <= 4; ++number) {
        const bool now_odd = number % 2 == 1;
        ProviderAnswer rotated = rotate("shop", number, true);
        ASSERT_TRUE(is(rotated, Presence::running)) << number;
        EXPECT_EQ(json::get_string(rotated->handle, "user"), "shop");
        EXPECT_EQ(json::get_string(rotated->handle, "login"), now_odd && !mysql() ? "shop-b" : "") << number;
        ASSERT_TRUE(is(rotate("shop", number, true), Presence::running)) << "a second time";
        const ProviderAnswer seen = observe("shop");
        ASSERT_TRUE(is(seen, Presence::running));
        EXPECT_EQ(seen->handle, rotated->handle);
        EXPECT_EQ(even("shop"), "in") << number;
        EXPECT_EQ(odd("shop"), "in") << number;
        rotated = rotate("shop", number, false);
        ASSERT_TRUE(is(rotated, Presence::running)) << number;
        EXPECT_TRUE(is(rotate("shop", number, false), Presence::running)) << "a second time";
        EXPECT_TRUE(is(observe("shop"), Presence::running)) << number;
        EXPECT_EQ(now_odd ? odd("shop") : even("shop"), "in") << number;
        EXPECT_THAT(now_odd ? even("shop") : odd("shop"), StartsWith("login ")) << number;
    }
    const auto listed = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->items.size(), 1U) << "it is one database, whoever logs in";
    EXPECT_EQ(listed->items[0].presence, Presence::running);
}

TEST_P(DatabasesRotation, WhatEitherLoginMakesIsTheOthersToo) {
    ASSERT_TRUE(is(create("both"), Presence::running));
    ASSERT_EQ(even("both", "CREATE TABLE before_it (id INT, note VARCHAR(9))"), "");
    ASSERT_EQ(even("both", "INSERT INTO before_it VALUES (1, 'kept')"), "");
    ASSERT_TRUE(is(rotate("both", 1, true), Presence::running));
    EXPECT_EQ(odd("both", "SELECT note FROM before_it"), "kept");
    for (const std::string statement :
         {"INSERT INTO before_it VALUES (2, 'new')", "ALTER TABLE before_it ADD COLUMN more INT",
          "CREATE TABLE since_then (id INT)", "CREATE VIEW seen AS SELECT id FROM before_it"}) {
        ASSERT_EQ(odd("both", statement), "") << statement;
    }
    for (const std::string statement :
         {"INSERT INTO since_then VALUES (7)", "ALTER TABLE since_then ADD COLUMN more INT", "DROP VIEW seen",
          "CREATE TABLE third (id INT)"}) {
        EXPECT_EQ(even("both", statement), "") << statement;
    }
    EXPECT_EQ(odd("both", "DROP TABLE third"), "");
    ASSERT_TRUE(is(rotate("both", 1, false), Presence::running));
    EXPECT_EQ(odd("both", "DELETE FROM before_it WHERE id = 1"), "");
    ASSERT_TRUE(is(rotate("both", 2, true), Presence::running));
    ASSERT_TRUE(is(rotate("both", 2, false), Presence::running));
    EXPECT_EQ(even("both", "SELECT id FROM since_then"), "7");
    EXPECT_EQ(even("both", "DROP TABLE since_then"), "");
}

TEST_P(DatabasesRotation, TheSecondLoginReachesNothingElse) {
    ASSERT_TRUE(is(create("mine"), Presence::running));
    ASSERT_TRUE(is(create("theirs"), Presence::running));
    ASSERT_TRUE(is(rotate("mine", 1, true), Presence::running));
    const std::string user = mysql() ? "mine" : "mine-b";
    for (const std::string& other :
         {std::string("theirs"), std::string("slipway"), std::string(mysql() ? "mysql" : "postgres")}) {
        EXPECT_THAT(subject_.ask(user, kOther, other, ""), StartsWith("login ")) << other;
    }
    for (const std::string& statement :
         mysql() ? std::vector<std::string>{"CREATE DATABASE more", "CREATE USER more"}
                 : std::vector<std::string>{"CREATE ROLE more", "CREATE DATABASE more", "SET ROLE theirs",
                                            "SET ROLE slipway", "ALTER ROLE mine CREATEDB"}) {
        EXPECT_THAT(odd("mine", statement), StartsWith("error ")) << statement;
    }
}

TEST_P(DatabasesRotation, OneThatIsTakenBackLeavesTheFormerPasswordAlone) {
    ASSERT_TRUE(is(create("back"), Presence::running));
    ASSERT_TRUE(is(rotate("back", 1, true), Presence::running));
    ASSERT_TRUE(is(rotate("back", 0, false), Presence::running));
    EXPECT_EQ(even("back"), "in");
    EXPECT_THAT(odd("back"), StartsWith("login "));
    EXPECT_TRUE(is(observe("back"), Presence::running));
}

TEST_P(DatabasesRotation, ARotatedOneIsMadeFromNothingAsItIsToBe) {
    for (const bool kept : {true, false}) {
        const std::string name = kept ? "anew-kept" : "anew";
        turn(spec(name), 1, kept);
        ASSERT_TRUE(is(create(name), Presence::running)) << name;
        EXPECT_TRUE(is(observe(name), Presence::running));
        EXPECT_EQ(odd(name, "CREATE TABLE t (id INT)"), "");
        EXPECT_EQ(even(name) == "in", kept);
        const std::string quoted = mysql() ? sql::mysql_name(name) : sql::postgres_name(name);
        ASSERT_EQ(subject_.as_admin("DROP DATABASE " + quoted), "");
        EXPECT_TRUE(is(observe(name), Presence::stopped));
        ASSERT_TRUE(is(update(name), Presence::running)) << "its database was lost";
        EXPECT_EQ(odd(name, "CREATE TABLE t (id INT)"), "");
    }
}

TEST_P(DatabasesRotation, AFormerPasswordThatIsNotKnownIsNotTakenAway) {
    ASSERT_TRUE(is(create("unknown"), Presence::running));
    turn(spec("unknown"), 1, true);
    spec("unknown").secrets.erase("password");
    EXPECT_TRUE(fails(update("unknown"), ErrorClass::permanent));
    EXPECT_EQ(even("unknown"), "in");
    turn(spec("unknown"), 0, false);
}

TEST_P(DatabasesRotation, LongNamesHaveASecondLoginToo) {
    const std::string longest(63, 'u');
    spec("long").parameters = {{"user", longest}, {"database", "long-db"}};
    ASSERT_TRUE(is(create("long"), Presence::running));
    ASSERT_TRUE(is(rotate("long", 1, true), Presence::running));
    EXPECT_EQ(odd("long"), "in");
    EXPECT_EQ(even("long"), "in");
}

INSTANTIATE_TEST_SUITE_P(Both, DatabasesRotation, ::testing::Values("postgres", "mysql"),
                         [](const auto& info) { return info.param; });

class PostgresRotation : public PostgresDatabases {
  protected:
    ProviderAnswer rotate(const std::string& name, int number, bool keep_former) {
        turn(spec(name), number, keep_former);
        return update(name);
    }
};

TEST_F(PostgresRotation, TheSecondRoleActsAsTheFirstAndHasNoRightOfItsOwn) {
    ASSERT_TRUE(is(create("acting"), Presence::running));
    ASSERT_TRUE(is(rotate("acting", 1, true), Presence::running));
    EXPECT_EQ(subject_.as_admin("SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,"
                                " rolreplication, rolbypassrls, rolconnlimit, left(rolpassword, 19)"
                                " FROM pg_authid WHERE rolname = 'acting-b'"),
              "f|f|f|f|t|f|f|20|SCRAM-SHA-256$4096:");
    EXPECT_EQ(
        subject_.as_admin("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'acting-b'"),
        "slipway-login:1 ins_conformance res_acting 1 acting acting");
    EXPECT_EQ(subject_.ask("acting-b", kOther, "acting", "SELECT session_user, current_user"), "acting-b|acting");
    ASSERT_EQ(subject_.ask("acting-b", kOther, "acting", "CREATE TABLE t (id INT)"), "");
    EXPECT_EQ(
        subject_.ask("acting", kTenantCanary, "acting", "SELECT tableowner FROM pg_tables WHERE tablename = 't'"),
        "acting");
}

TEST_F(PostgresRotation, WhoIsConnectedByTheFormerPasswordIsDisconnectedAndNobodyElse) {
    ASSERT_TRUE(is(create("ended"), Presence::running));
    ASSERT_TRUE(is(rotate("ended", 1, true), Presence::running));
    const ServerAccess& at = subject_.server().access();
    using Session = Connected<sql::PostgresSession>;
    Session former(subject_.io(), sql::PostgresLogin{at.address, at.port, "ended", Secret(kTenantCanary), "ended"});
    Session current(subject_.io(), sql::PostgresLogin{at.address, at.port, "ended-b", Secret(kOther), "ended"});
    ASSERT_TRUE(former.open() && current.open());
    ASSERT_TRUE(former.ask("SELECT 1"));
    ASSERT_TRUE(is(rotate("ended", 1, false), Presence::running));
    EXPECT_FALSE(former.ask("SELECT 1"));
    EXPECT_TRUE(current.ask("SELECT 1"));
    EXPECT_EQ(subject_.as_admin("SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = 'ended'"),
              "f|NULL");
}

TEST_F(PostgresRotation, ARoleOfTheSecondsNameThatIsNotOursIsNotTouched) {
    ASSERT_EQ(subject_.as_admin("CREATE ROLE \"taken-b\""), "");
    ASSERT_TRUE(is(create("taken"), Presence::running)) << "who never rotates does not need it";
    EXPECT_TRUE(is(observe("taken"), Presence::running));
    const ProviderAnswer refused = rotate("taken", 1, true);
    EXPECT_TRUE(fails(refused, ErrorClass::permanent));
    EXPECT_THAT(refused.error().message, HasSubstr("second login"));
    EXPECT_EQ(own("taken"), "in");
    EXPECT_TRUE(is(rotate("taken", 0, false), Presence::running));
    EXPECT_TRUE(is(remove("taken"), Presence::absent));
    EXPECT_EQ(subject_.as_admin("SELECT rolcanlogin FROM pg_authid WHERE rolname = 'taken-b'"), "f");
    EXPECT_EQ(subject_.as_admin("DROP ROLE \"taken-b\""), "");
}

TEST_F(PostgresRotation, DriftOfEitherLoginIsSeenAndMended) {
    ASSERT_TRUE(is(create("drift"), Presence::running));
    ASSERT_TRUE(is(rotate("drift", 1, true), Presence::running));
    for (const std::string statement :
         {"ALTER ROLE \"drift-b\" NOLOGIN", "ALTER ROLE drift NOLOGIN", "REVOKE drift FROM \"drift-b\"",
          "REVOKE CONNECT ON DATABASE drift FROM \"drift-b\"",
          "ALTER ROLE \"drift-b\" IN DATABASE drift RESET role", "ALTER ROLE \"drift-b\" CONNECTION LIMIT 3"}) {
        ASSERT_EQ(subject_.as_admin(statement), "") << statement;
        EXPECT_TRUE(is(observe("drift"), Presence::stopped)) << statement;
        EXPECT_TRUE(is(update("drift"), Presence::running)) << statement;
        EXPECT_TRUE(is(observe("drift"), Presence::running)) << statement;
    }
    ASSERT_TRUE(is(rotate("drift", 1, false), Presence::running));
    ASSERT_EQ(subject_.as_admin("ALTER ROLE drift LOGIN PASSWORD 'leaked'"), "");
    EXPECT_TRUE(is(observe("drift"), Presence::stopped)) << "a login that is not wanted any more";
    EXPECT_TRUE(is(update("drift"), Presence::running));
    EXPECT_THAT(subject_.ask("drift", "leaked", "drift", ""), StartsWith("login "));
}

// Whatever took the first one away.
TEST_F(PostgresRotation, ASecondRoleThatWasLeftAloneIsListedAndRemoved) {
    ASSERT_TRUE(is(create("alone"), Presence::running));
    ASSERT_TRUE(is(rotate("alone", 1, true), Presence::running));
    ASSERT_EQ(subject_.as_admin("DROP DATABASE alone"), "");
    ASSERT_EQ(subject_.as_admin("DROP ROLE alone"), "");
    const auto listed = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->items.size(), 1U);
    EXPECT_EQ(listed->items[0].external_name, "alone");
    EXPECT_EQ(listed->items[0].resource, ResourceId("res_alone"));
    EXPECT_EQ(listed->items[0].presence, Presence::stopped);
    EXPECT_TRUE(is(remove("alone"), Presence::absent));
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_F(MysqlDatabases, WhoIsConnectedStaysSoWhenTheFormerPasswordEnds) {
    ASSERT_TRUE(is(create("stays"), Presence::running));
    turn(spec("stays"), 1, true);
    ASSERT_TRUE(is(update("stays"), Presence::running));
    const ServerAccess& at = subject_.server().access();
    Connected<sql::MysqlSession> current(subject_.io(),
                                         sql::MysqlLogin{at.address, at.port, "stays", Secret(kOther), "stays"});
    ASSERT_TRUE(current.open());
    turn(spec("stays"), 1, false);
    ASSERT_TRUE(is(update("stays"), Presence::running));
    EXPECT_TRUE(current.ask("SELECT 1")) << "nobody can tell by which password it came";
}

class RotationInterrupted : public DatabasesInterrupted {
  protected:
    [[nodiscard]] bool mysql() const { return std::get<0>(GetParam()) == "mysql"; }
    std::string odd(const std::string& name) {
        return subject_.ask(mysql() ? name : name + "-b", kOther, name, "");
    }
};

// Without a moment in which the password that is shown would not be good.
TEST_P(RotationInterrupted, AtNoPointIsThePresentPasswordLost) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("turn-{}", point);
        ASSERT_TRUE(is(create(name), Presence::running)) << "at " << point;
        turn(spec(name), 1, true);
        const bool begun = interrupt(Verb::update, name, point);
        EXPECT_EQ(own(name), "in") << "at " << point;
        EXPECT_TRUE(is(insist(Verb::update, name), Presence::running)) << "at " << point;
        EXPECT_EQ(own(name), "in") << "at " << point;
        EXPECT_EQ(odd(name), "in") << "at " << point;
        turn(spec(name), 1, false);
        const bool confirmed = interrupt(Verb::update, name, point);
        EXPECT_EQ(odd(name), "in") << "at " << point;
        EXPECT_TRUE(is(insist(Verb::update, name), Presence::running)) << "at " << point;
        EXPECT_TRUE(is(observe(name), Presence::running)) << "at " << point;
        EXPECT_EQ(odd(name), "in") << "at " << point;
        EXPECT_THAT(own(name), StartsWith("login ")) << "at " << point;
        EXPECT_TRUE(is(remove(name), Presence::absent)) << "at " << point;
        cut = begun || confirmed;
    }
    EXPECT_GT(point, 5) << "it was cut at all of its points";
    EXPECT_LT(point, kMostPoints);
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_P(RotationInterrupted, TakenBackOrRemovedAtAnyPointNothingOfItIsLeft) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("undone-{}", point);
        ASSERT_TRUE(is(create(name), Presence::running)) << "at " << point;
        turn(spec(name), 1, true);
        cut = interrupt(Verb::update, name, point);
        if (point % 2 == 0) {
            turn(spec(name), 0, false);
            EXPECT_TRUE(is(insist(Verb::update, name), Presence::running)) << "at " << point;
            EXPECT_EQ(own(name), "in") << "at " << point;
            EXPECT_THAT(odd(name), StartsWith("login ")) << "at " << point;
        }
        EXPECT_TRUE(is(insist(Verb::remove, name), Presence::absent)) << "at " << point;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << "at " << point << ": " << fmt::format("{}", fmt::join(left, ", "));
    }
    EXPECT_LT(point, kMostPoints);
}

TEST_P(RotationInterrupted, TheNextRemovalFinishesThatOfARotatedOne) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("gone-{}", point);
        turn(spec(name), 1, point % 2 == 0);
        ASSERT_TRUE(is(create(name), Presence::running)) << "at " << point;
        cut = interrupt(Verb::remove, name, point);
        EXPECT_TRUE(is(insist(Verb::remove, name), Presence::absent)) << "at " << point;
        EXPECT_THAT(odd(name), StartsWith("login ")) << "at " << point;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << "at " << point << ": " << fmt::format("{}", fmt::join(left, ", "));
    }
    EXPECT_GT(point, 5);
    EXPECT_LT(point, kMostPoints);
}

INSTANTIATE_TEST_SUITE_P(AtEveryPoint, RotationInterrupted, kEnginesAndCuts, name_of_cut);

}  // namespace
}  // namespace slipway::testing
