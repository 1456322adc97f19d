#include "faces/harbourmaster/harbourmaster_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;

class HephyBackups : public testing::Test {
  protected:
    HephyBackups() {
        std::vector<Plan> plans = world.catalog.plans();
        for (const std::string engine : {"postgres", "mysql"}) {
            Plan plan;
            plan.kind = Kind::backup;
            plan.engine = engine;
            plan.name = "standard";
            plan.provider = "backups";
            plan.password = false;
            plans.push_back(std::move(plan));
        }
        world.catalog = Catalog(std::move(plans));
        acme = world.tenant("acme");
        EXPECT_EQ(world.as(acme, Method::post, HephyWorld::path("acme"), "{}").status, 201);
        world.settle();
    }
    Reply post(const std::string& target, const std::string& body = "{}") {
        return world.as(acme, Method::post, target, body);
    }
    Reply get(const std::string& target) { return world.as(acme, Method::get, target); }
    std::string made(const std::string& name) {
        const Reply reply = post(backups, json::dump(json::object{{"name", name}}));
        EXPECT_EQ(reply.status, 201) << reply.body;
        world.settle();
        return HephyWorld::text(reply, "id");
    }

    HephyWorld world;
    std::string acme;
    const std::string backups = HephyWorld::path("acme") + "/backups";
};

TEST_F(HephyBackups, OneIsMadeShownListedAndRemoved) {
    world.worker.paused = true;
    const Reply asked = post(backups, R"({"name":"nightly"})");
    ASSERT_EQ(asked.status, 201) << asked.body;
    EXPECT_EQ(HephyWorld::text(asked, "state"), "awaiting");
    EXPECT_EQ(HephyWorld::text(asked, "name"), "nightly");
    EXPECT_THAT(asked.body, HasSubstr("\"size_bytes\":null"));
    world.worker.paused = false;
    world.settle();
    const Reply shown = get(backups + "/nightly");
    ASSERT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(HephyWorld::text(shown, "state"), "ready");
    EXPECT_EQ(HephyWorld::text(shown, "engine"), "postgres");
    EXPECT_EQ(HephyWorld::text(shown, "hephy_db_name"),
              HephyWorld::text(get(HephyWorld::path("acme")), "hephy_db_name"));
    EXPECT_EQ(get(backups + "/" + HephyWorld::text(shown, "id")).status, 200) << "by its id, too";
    const Reply listed = get(backups);
    ASSERT_EQ(listed.status, 200) << listed.body;
    EXPECT_EQ(listed.json().at("backups").as_array().size(), 1U);
    EXPECT_EQ(post(backups, R"({"name":"nightly"})").status, 409) << "the name is taken";
    EXPECT_EQ(post(backups, R"({"plan":"none"})").status, 422);
    EXPECT_EQ(world.as(acme, Method::delete_, backups + "/nightly").status, 200);
    world.settle();
    EXPECT_EQ(get(backups + "/nightly").status, 404);
}

TEST_F(HephyBackups, OnlyADatabaseThatIsReadyHasOneMade) {
    world.add_cluster(acme, "acme", "lab");
    EXPECT_EQ(post(HephyWorld::path("acme", "lab") + "/backups").status, 404) << "it never had a database";
    world.worker.paused = true;
    EXPECT_EQ(post(HephyWorld::path("acme", "lab")).status, 201);
    EXPECT_EQ(post(HephyWorld::path("acme", "lab") + "/backups").status, 409);
    world.worker.paused = false;
    world.settle();
    EXPECT_EQ(world.as(acme, Method::delete_, HephyWorld::path("acme")).status, 200);
    world.settle();
    const Reply refused = post(backups);
    EXPECT_EQ(refused.status, 409) << refused.body;
}

TEST_F(HephyBackups, ANewDatabaseIsFilledFromOneOfTheSameEngineAndOrganization) {
    const std::string id = made("nightly");
    world.add_cluster(acme, "acme", "lab");
    const std::string lab = HephyWorld::path("acme", "lab");
    EXPECT_EQ(post(HephyWorld::path("acme"), R"({"restore_from":"nightly"})").status, 409) << "it has one";
    EXPECT_EQ(post(lab, R"({"restore_from":"none"})").status, 422);
    EXPECT_EQ(post(lab, R"({"restore_from":"nightly","engine":"mysql"})").status, 422);
    const Reply filled = post(lab, R"({"restore_from":"nightly"})");
    ASSERT_EQ(filled.status, 201) << filled.body;
    world.settle();
    EXPECT_EQ(HephyWorld::text(get(lab), "state"), "ready");
    EXPECT_EQ(post(lab, R"({"restore_from":"nightly"})").status, 200) << "the same";
    EXPECT_EQ(post(lab, "{}").status, 200);

    world.add_cluster(acme, "acme", "attic");
    const Reply restored = post(backups + "/" + id + "/restore", R"({"cluster":"attic"})");
    EXPECT_EQ(restored.status, 201) << restored.body;
    EXPECT_EQ(post(backups + "/" + id + "/restore").status, 409) << "its own cluster has one";

    const std::string rival = world.tenant("rival", "shop");
    EXPECT_EQ(world.as(rival, Method::post, HephyWorld::path("rival"), R"({"restore_from":")" + id + "\"}").status,
              422);
    for (const std::string& target : {backups, backups + "/nightly"}) {
        EXPECT_EQ(world.as(rival, Method::get, target).status, 404) << target;
    }
    EXPECT_EQ(world.as(rival, Method::post, backups, "{}").status, 404);
    EXPECT_EQ(world.as(rival, Method::delete_, backups + "/nightly").status, 404);
}

TEST_F(HephyBackups, ItOutlivesItsDatabaseAndIsOfTheClusterStill) {
    made("nightly");
    world.as(acme, Method::delete_, HephyWorld::path("acme"));
    world.settle();
    EXPECT_EQ(HephyWorld::text(get(backups + "/nightly"), "state"), "ready");
    ASSERT_EQ(post(HephyWorld::path("acme"), R"({"restore_from":"nightly"})").status, 201)
        << "into its own cluster";
    world.settle();
    EXPECT_EQ(get(backups).json().at("backups").as_array().size(), 1U);
}

// They went on counting for quotas and kept the organization, and no path led to them.
TEST_F(HephyBackups, ThoseOfARemovedClusterAreReachedThroughTheOrganization) {
    made("nightly");
    made("weekly");
    const std::string acmes = "/v1/organizations/acme/backups";
    world.as(acme, Method::delete_, HephyWorld::path("acme"));
    world.settle();
    ASSERT_EQ(world.as(acme, Method::delete_, "/v1/organizations/acme/clusters/shop").status, 200);
    EXPECT_EQ(get(backups + "/nightly").status, 404);
    const Reply first = get(acmes + "?limit=1");
    ASSERT_EQ(first.status, 200) << first.body;
    ASSERT_EQ(first.json().at("backups").as_array().size(), 1U);
    EXPECT_EQ(json::get_string(first.json().at("backups").as_array()[0].as_object(), "name"), "nightly");
    const Reply rest = get(acmes + "?after=" + HephyWorld::text(first, "next"));
    EXPECT_EQ(rest.json().at("backups").as_array().size(), 1U) << rest.body;
    EXPECT_TRUE(rest.json().at("next").is_null());
    EXPECT_EQ(get(acmes + "?cluster=shop").status, 422);
    EXPECT_EQ(HephyWorld::text(get(acmes + "/nightly"), "state"), "ready");
    EXPECT_EQ(get(acmes + "/none").status, 404);

    const std::string reader = world.key("acme", Role::reader);
    EXPECT_EQ(world.as(reader, Method::get, acmes).status, 200);
    EXPECT_EQ(world.as(reader, Method::delete_, acmes + "/nightly").status, 403);
    const std::string rival = world.tenant("rival", "lab");
    for (const std::string& target : {acmes, acmes + "/nightly"}) {
        EXPECT_EQ(world.as(rival, Method::get, target).status, 404) << target;
    }
    EXPECT_EQ(world.as(rival, Method::delete_, acmes + "/nightly").status, 404);
    EXPECT_EQ(world.as(world.admin, Method::get, "/v1/organizations/nobody/backups").status, 404);
    EXPECT_EQ(world.as(world.admin, Method::delete_, "/v1/organizations/acme").status, 409);
    for (const std::string name : {"nightly", "weekly"}) {
        const Reply removed = world.as(acme, Method::delete_, fmt::format("{}/{}", acmes, name));
        EXPECT_EQ(removed.status, 200) << removed.body;
        EXPECT_EQ(HephyWorld::text(removed, "state"), "removing");
    }
    EXPECT_TRUE(get(acmes).json().at("backups").as_array().empty());
    world.settle();
    EXPECT_EQ(get(acmes + "/nightly").status, 404);
    EXPECT_EQ(world.as(world.admin, Method::delete_, "/v1/organizations/acme").status, 200);
}

// Only the 1,000 newest of the organization were looked through: the oldest could be neither restored nor deleted.
TEST_F(HephyBackups, TheOldestIsShownRestoredAndDeletedHoweverManyAreYounger) {
    const std::string id = made("nightly");
    Commit commit;
    for (int i = 0; i < 1001; ++i) {
        Resource young = *world.store.snapshot().resource(ResourceId(id));
        young.id = ResourceId(fmt::format("{}-{:04}", id, i));
        young.name = young.external_name = fmt::format("young-{}", i);
        young.own_parameters = {{"source", "res_other"}, {"source_name", "other"}, {"database", "cluster-other"}};
        young.created_at += std::chrono::seconds(i + 1);
        young.version = 0;
        commit.writes.emplace_back(write::PutResource{std::move(young)});
    }
    ASSERT_TRUE(world.run(world.store.commit(std::move(commit))));
    EXPECT_EQ(get(backups + "/nightly").status, 200);
    EXPECT_EQ(get(backups + "/young-7").status, 404) << "of another database";
    world.add_cluster(acme, "acme", "lab");
    world.add_cluster(acme, "acme", "attic");
    EXPECT_EQ(post(HephyWorld::path("acme", "lab"), R"({"restore_from":"nightly"})").status, 201);
    EXPECT_EQ(post(backups + "/nightly/restore", R"({"cluster":"attic"})").status, 201);
    EXPECT_EQ(world
                  .ask(Method::post, "/api/v1/resources",
                       R"({"engine":"postgres","kind":"database","plan":"shared","restore_from":"nightly"})",
                       World::bearer(acme))
                  .status,
              202);
    EXPECT_EQ(world.as(acme, Method::delete_, backups + "/nightly").status, 200);
    EXPECT_EQ(get(backups + "/nightly").status, 404);
}

TEST_F(HephyBackups, AReaderLooksAndNothingElse) {
    made("nightly");
    const std::string reader = world.key("acme", Role::reader);
    EXPECT_EQ(world.as(reader, Method::get, backups).status, 200);
    EXPECT_EQ(world.as(reader, Method::get, backups + "/nightly").status, 200);
    EXPECT_EQ(world.as(reader, Method::post, backups, "{}").status, 403);
    EXPECT_EQ(world.as(reader, Method::delete_, backups + "/nightly").status, 403);
    EXPECT_EQ(world.as(reader, Method::post, backups + "/nightly/restore", R"({"cluster":"shop"})").status, 403);
}

// As resources of the native API.
TEST_F(HephyBackups, AreMadeAndRestoredThroughTheNativeApiToo) {
    const auto ask = [&](Method method, const std::string& target, const std::string& body = {}) {
        return world.ask(method, target, body, World::bearer(acme));
    };
    ASSERT_EQ(ask(Method::post, "/api/v1/resources",
                  R"({"engine":"postgres","kind":"database","plan":"shared","name":"shopdb"})")
                  .status,
              202);
    world.settle();
    const Reply asked = ask(Method::post, "/api/v1/resources/shopdb/backups", R"({"name":"one"})");
    ASSERT_EQ(asked.status, 202) << asked.body;
    world.settle();
    const Reply shown = ask(Method::get, "/api/v1/resources/one");
    ASSERT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(HephyWorld::text(shown, "kind"), "backup");
    EXPECT_EQ(json::get_string(shown.json().at("backup").as_object(), "source_name"), "shopdb");
    EXPECT_EQ(ask(Method::get, "/api/v1/resources/shopdb/backups").json().at("resources").as_array().size(), 1U);
    EXPECT_EQ(ask(Method::get, "/api/v1/resources?kind=backup").json().at("resources").as_array().size(), 1U);
    EXPECT_EQ(ask(Method::post, "/api/v1/resources/one/backups", "{}").status, 400) << "of a backup there is none";
    EXPECT_EQ(
        ask(Method::post, "/api/v1/resources", R"({"engine":"postgres","kind":"backup","plan":"standard"})").status,
        400);
    const auto fill = [&](const std::string& engine, const std::string& from) {
        return ask(Method::post, "/api/v1/resources",
                   fmt::format(R"({{"engine":"{}","kind":"database","plan":"shared","restore_from":"{}"}})", engine,
                               from));
    };
    EXPECT_EQ(fill("mysql", "one").status, 400);
    EXPECT_EQ(fill("postgres", "none").status, 400);
    EXPECT_EQ(fill("postgres", "one").status, 202);
    const Reply planned =
        ask(Method::post, "/api/v1/plan",
            R"({"verb":"create","request":{"engine":"postgres","kind":"database","plan":"shared",)"
            R"("restore_from":"none"}})");
    EXPECT_THAT(planned.body, HasSubstr("\"allowed\":false"));
}

}  // namespace
}  // namespace slipway::faces::test
