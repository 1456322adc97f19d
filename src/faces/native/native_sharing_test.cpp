// Databases and the servers that they share, through the native face: where each lives, and dry runs of what is
// done to them.
#include <gmock/gmock.h>

#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Catalog with_databases() {
    Plan server;
    server.kind = Kind::database_server;
    server.engine = "postgres";
    server.name = "small";
    server.provider = "local";
    Plan database = server;
    database.kind = Kind::database;
    database.name = "shared";
    database.provider = "databases";
    database.placement = PlacementRule{"small", 1, true};
    Plan backup = server;
    backup.kind = Kind::backup;
    backup.name = "standard";
    backup.provider = "backups";
    backup.password = false;
    Plan cache;
    cache.engine = "redis";
    cache.name = "small";
    cache.provider = "local";
    return Catalog({server, database, backup, cache});
}

class NativeSharingTest : public NativeTest {
  protected:
    NativeSharingTest() : NativeTest(with_databases()) {}
    json::object database(const std::string& name, const Fields& as) {
        world.manual.advance(std::chrono::seconds(1));
        const Reply made =
            post("/api/v1/resources",
                 fmt::format(R"({{"engine":"postgres","kind":"database","plan":"shared","name":"{}",)"
                             R"("wait_seconds":60}})",
                             name),
                 as);
        EXPECT_EQ(made.status, 201) << made.body;
        return made.status == 201 ? member(made, "resource") : json::object();
    }
    std::vector<std::string> names(const std::string& target, const Fields& as) {
        std::vector<std::string> all;
        for (const json::value& each : items(get(target, as), "resources")) {
            all.push_back(text(each.as_object(), "name"));
        }
        return all;
    }
    Reply preview(const std::string& body, const Fields& as) {
        const Counts before = world.counts();
        Reply reply = post("/api/v1/plan", body, as);
        EXPECT_EQ(world.counts(), before) << "a dry run changes nothing";
        return reply;
    }
    static std::string first_step(const Reply& reply) {
        const json::object all = reply.json();
        const json::array& steps = all.at("steps").as_array();
        return steps.empty() ? "" : text(steps[0].as_object(), "what");
    }
};

TEST_F(NativeSharingTest, ADatabaseSaysWhereItLivesAndWhatItIsCalledThere) {
    const json::object made = database("shopdb", user);
    EXPECT_EQ(text(made, "server"), "hephy-instance-0000001");
    const json::object shown = get("/api/v1/resources/shopdb", reader).json();
    EXPECT_EQ(text(shown, "server"), "hephy-instance-0000001");
    EXPECT_EQ(text(shown, "database"), text(shown, "external_name")) << "nothing says that it is called otherwise";
    EXPECT_TRUE(shown.contains("username"));
    EXPECT_THAT(get("/api/v1/resources/shopdb", reader).body, Not(HasSubstr("password")));
}

TEST_F(NativeSharingTest, AServerSaysWhatItServesAndTheListingFindsThose) {
    for (const char* name : {"one", "two"}) database(name, user);
    database("theirs", stranger);
    const json::object full = get("/api/v1/resources/hephy-instance-0000001", admin).json();
    EXPECT_EQ(full.at("serves").as_int64(), 2);
    EXPECT_EQ(full.at("places").as_int64(), 2);
    EXPECT_FALSE(full.at("current").as_bool());
    EXPECT_TRUE(get("/api/v1/resources/hephy-instance-0000002", admin).json().at("current").as_bool());
    const std::string on = "/api/v1/resources?server=hephy-instance-000000";
    EXPECT_THAT(names(on + "1", admin), ElementsAre("one", "two"));
    EXPECT_THAT(names("/api/v1/resources?server=" + text(full, "id"), admin), ElementsAre("one", "two"));
    EXPECT_THAT(names(on + "2", admin), ElementsAre("theirs"));
    EXPECT_THAT(names(on + "2", user), ElementsAre()) << "of others' nothing is seen";
    EXPECT_THAT(names(on + "9", admin), ElementsAre());
    const Reply refused = drop("/api/v1/resources/hephy-instance-0000001", admin);
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr("delete them first: one of team, two of team"));
}

// A count of databases that are not one's own says something of others.
TEST_F(NativeSharingTest, CountsAreForAdministrators) {
    database("mine", user);
    EXPECT_EQ(get("/api/v1/resources/hephy-instance-0000001", user).status, 404);
    const Reply own = post("/api/v1/resources",
                           R"({"engine":"postgres","kind":"database-server","plan":"small","name":"own"})", user);
    ASSERT_EQ(own.status, 202) << own.body;
    EXPECT_TRUE(member(own, "resource").at("serves").is_null());
    EXPECT_TRUE(member(own, "resource").at("places").is_null());
}

TEST_F(NativeSharingTest, PlansSpeakOfWhatTheyRemove) {
    database("shopdb", user);
    const Reply made = post("/api/v1/resources/shopdb/backups", R"({"name":"nightly","wait_seconds":60})", user);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(first_step(preview(R"({"verb":"delete","resource":"shopdb"})", user)),
              "remove the database and its data");
    EXPECT_EQ(first_step(preview(R"({"verb":"delete","resource":"nightly"})", user)), "remove the backup");
}

TEST_F(NativeSharingTest, EveryVerbHasADryRun) {
    database("shopdb", user);
    const Reply backup = preview(R"({"verb":"backup","resource":"shopdb","request":{"name":"b1"}})", user);
    EXPECT_EQ(first_step(backup), "dump the database") << backup.body;
    EXPECT_EQ(post("/api/v1/resources/shopdb/backups", R"({"name":"b1","wait_seconds":60})", user).status, 201);
    const std::string request = R"("request":{"engine":"postgres","kind":"database","plan":"shared")";
    const Reply restore = preview(R"({"verb":"restore",)" + request + R"(,"restore_from":"b1"}})", user);
    EXPECT_THAT(first_step(restore), HasSubstr("it is filled from backup b1 of shopdb, taken at")) << restore.body;
    EXPECT_TRUE(restore.json().at("expected_seconds").is_null());
    const Reply empty = preview(R"({"verb":"restore",)" + request + "}}", user);
    EXPECT_FALSE(empty.json().at("allowed").as_bool());
    EXPECT_THAT(fields_of(empty), ElementsAre("restore_from"));
    EXPECT_THAT(first_step(preview(R"({"verb":"rotate","resource":"shopdb"})", user)),
                HasSubstr("give it a new password"));
    EXPECT_TRUE(preview(R"({"verb":"confirm","resource":"shopdb"})", user).json().at("allowed").as_bool());
    EXPECT_EQ(preview(R"({"verb":"rotate","resource":"nothing"})", user).status, 404);
    world.worker.paused = true;
    const Reply coming = post("/api/v1/resources", R"({"engine":"redis","plan":"small"})", user);
    const std::string operation = text(member(coming, "operation"), "id");
    const Reply cancel = preview(R"({"verb":"cancel","operation":")" + operation + R"("})", user);
    EXPECT_TRUE(cancel.json().at("allowed").as_bool()) << cancel.body;
    EXPECT_EQ(preview(R"({"verb":"cancel","operation":")" + operation + R"("})", stranger).status, 404);
    lost();
    const std::string adopt =
        R"({"verb":"adopt","provider":"local","name":"oct-0badcafe","request":{"plan":"small","engine":"redis"}})";
    EXPECT_EQ(first_step(preview(adopt, admin)), "take it over where it is, with new credentials");
    EXPECT_EQ(text(preview(adopt, user).json(), "code"), "forbidden");
}

TEST_F(NativeSharingTest, WhatAVerbHasNotIsRefusedByItsField) {
    for (const auto& [body, field] : {std::pair(R"({"verb":"backup"})", "resource"),
                                      std::pair(R"({"verb":"backup","resource":"x","request":7})", "request"),
                                      std::pair(R"({"verb":"rotate","resource":"x","request":{}})", "request"),
                                      std::pair(R"({"verb":"cancel"})", "operation"),
                                      std::pair(R"({"verb":"cancel","operation":"x","resource":"x"})", "resource"),
                                      std::pair(R"({"verb":"adopt","provider":"x","request":{}})", "name"),
                                      std::pair(R"({"verb":"adopt","provider":"x","name":"y"})", "request"),
                                      std::pair(R"({"verb":"restore","request":{},"name":"y"})", "name")}) {
        const Reply refused = preview(body, admin);
        EXPECT_EQ(refused.status, 400) << body;
        EXPECT_THAT(fields_of(refused), ElementsAre(field)) << body;
    }
}

}  // namespace
}  // namespace slipway::faces::test
