// What was made ahead under names of its own, and gets those of whoever claims it.
#include <gmock/gmock.h>

#include "databases_fixture.h"

namespace slipway::testing {
namespace {

using ::testing::StartsWith;

class PostgresRename : public PostgresDatabases {
  protected:
    // From here on its names are these.
    void name(const std::string& made, std::string database, std::string user) {
        spec(made).parameters = {{"database", std::move(database)}, {"user", std::move(user)}};
    }
    // The objects that bear these names now.
    std::string oids(const std::string& database, const std::string& user) {
        return subject_.as_admin(
            "SELECT r.oid, d.oid FROM pg_roles r JOIN pg_database d ON d.datdba = r.oid WHERE"
            " r.rolname = " +
            sql::postgres_text(user) + " AND d.datname = " + sql::postgres_text(database));
    }
};

TEST_F(PostgresRename, ItIsTheSameWithAllThatIsInItUnderItsNewNames) {
    ASSERT_TRUE(is(create("ahead"), Presence::running));
    ASSERT_EQ(own("ahead", "CREATE TABLE t AS SELECT 1 AS one"), "");
    const std::string before = oids("ahead", "ahead");
    name("ahead", "cluster-0123456789", "hephy-cluster-0123456789");
    EXPECT_TRUE(is(observe("ahead"), Presence::stopped)) << "it is there, but nobody would find it";
    const ProviderAnswer renamed = update("ahead");
    ASSERT_TRUE(is(renamed, Presence::running));
    EXPECT_EQ(json::get_string(renamed->handle, "database"), "cluster-0123456789");
    EXPECT_EQ(json::get_string(renamed->handle, "user"), "hephy-cluster-0123456789");
    EXPECT_EQ(oids("cluster-0123456789", "hephy-cluster-0123456789"), before);
    EXPECT_EQ(own("ahead", "SELECT one FROM t"), "1") << "with the same password";
    EXPECT_EQ(own("ahead", "CREATE TABLE more (id INT)"), "");
    EXPECT_THAT(as("ahead", "ahead"), StartsWith("login ")) << "nothing is called as before";
    EXPECT_THAT(subject_.ask("ahead", kTenantCanary, "cluster-0123456789", ""), StartsWith("login "));
    EXPECT_TRUE(is(observe("ahead"), Presence::running));
    EXPECT_TRUE(is(update("ahead"), Presence::running)) << "a second time there is nothing to do";
    EXPECT_EQ(oids("cluster-0123456789", "hephy-cluster-0123456789"), before);
    const auto listed = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_EQ(listed->items.size(), 1U);
    EXPECT_EQ(listed->items[0].external_name, "ahead") << "what it is does not change";
    EXPECT_EQ(listed->items[0].presence, Presence::running);
}

TEST_F(PostgresRename, NobodyElseReachesIt) {
    ASSERT_TRUE(is(create("ahead"), Presence::running));
    ASSERT_TRUE(is(create("other"), Presence::running));
    name("ahead", "cluster-1", "hephy-1");
    ASSERT_TRUE(is(update("ahead"), Presence::running));
    EXPECT_THAT(as("other", "cluster-1"), StartsWith("login "));
    EXPECT_THAT(subject_.ask("hephy-1", kTenantCanary, "other", ""), StartsWith("login "));
}

TEST_F(PostgresRename, HostileNamesAreNamesAndNothingElse) {
    const std::vector<std::string> names{"a\"b",     "a'b; --",           "a\\b", "$1", "select",
                                         "\xC3\xA9", std::string(63, 'n')};
    for (const std::string& each : names) {
        ASSERT_TRUE(is(create("ahead"), Presence::running)) << each;
        name("ahead", each, each);
        ASSERT_TRUE(is(update("ahead"), Presence::running)) << each;
        EXPECT_EQ(own("ahead", "SELECT 1"), "1") << each;
        ASSERT_TRUE(is(remove("ahead"), Presence::absent)) << each;
        EXPECT_TRUE(subject_.leftovers().empty()) << each;
        subject_.as_admin("DELETE FROM slipway.removed");
        made_.clear();
    }
    ASSERT_TRUE(is(create("ahead"), Presence::running));
    name("ahead", std::string(64, 'n'), "hephy-1");
    EXPECT_TRUE(fails(update("ahead"), ErrorClass::permanent));
}

// Both have to be free: one of a stranger's is never touched, and nothing is half renamed.
TEST_F(PostgresRename, TakenNamesAreForeignAndItStaysWhatItWas) {
    ASSERT_TRUE(is(create("ahead"), Presence::running));
    ASSERT_TRUE(is(create("victim"), Presence::running));
    for (const auto& [database, user] : {std::pair("victim", "hephy-1"), std::pair("cluster-1", "victim")}) {
        name("ahead", database, user);
        const std::string before = subject_.picture();
        EXPECT_TRUE(is(observe("ahead"), Presence::foreign)) << database << " " << user;
        EXPECT_TRUE(is(update("ahead"), Presence::foreign)) << database << " " << user;
        EXPECT_EQ(subject_.picture(), before);
    }
    EXPECT_EQ(own("victim", "SELECT 1"), "1");
    made_.at("ahead").parameters = {};
    EXPECT_TRUE(is(observe("ahead"), Presence::running));
    name("ahead", "cluster-1", "victim");
    EXPECT_TRUE(is(remove("ahead"), Presence::absent))
        << "its mark is looked for, not the name that it should have";
    made_.erase("ahead");
    EXPECT_THAT(subject_.ask("ahead", kTenantCanary, "ahead", ""), StartsWith("login "));
    EXPECT_EQ(own("victim", "SELECT 1"), "1");
}

// A claim that is undone: what it is called then is not known to who removes it.
TEST_F(PostgresRename, ItIsRemovedWhateverItIsCalledAndNeverRenamedAfterwards) {
    for (const bool renamed : {false, true}) {
        const std::string made = renamed ? "renamed" : "unnamed";
        ASSERT_TRUE(is(create(made), Presence::running));
        const Spec former = spec(made);
        name(made, "cluster-1", "hephy-1");
        if (renamed) {
            ASSERT_TRUE(is(update(made), Presence::running));
            made_.at(made) = former;
        }
        EXPECT_TRUE(is(remove(made), Presence::absent)) << made;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << fmt::format("{}", fmt::join(left, ", "));
        name(made, "cluster-1", "hephy-1");
        EXPECT_TRUE(is(update(made), Presence::absent)) << "an update that comes late makes nothing";
        EXPECT_TRUE(subject_.leftovers().empty());
    }
}

// Another resource's generation is another thing: its mark is not followed.
TEST_F(PostgresRename, AnotherGenerationIsNotRenamed) {
    ASSERT_TRUE(is(create("ahead"), Presence::running));
    Spec wanted = spec("ahead");
    wanted.parameters = {{"database", "cluster-1"}, {"user", "hephy-1"}};
    Target target = target_of("ahead");
    target.generation += 1;
    const std::string before = subject_.picture();
    EXPECT_TRUE(is(subject_.run(subject_.provider().update(target, wanted, kBudget)), Presence::absent));
    EXPECT_EQ(subject_.picture(), before);
    EXPECT_TRUE(is(observe("ahead"), Presence::running));
}

}  // namespace
}  // namespace slipway::testing
