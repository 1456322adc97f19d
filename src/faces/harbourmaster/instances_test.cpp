#include "faces/harbourmaster/harbourmaster_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kInstances = "/v1/hephy/instances";
// The document's payload, with the comma that it lacks.
constexpr std::string_view kCorrected =
    R"({"hephy_instance_name":"hephy-instance-0000001","name":"hephy-instance-00000002","user":"eyk-central",)"
    R"("engine":"postgres","engine_version":"10","storage_db":100,"instance_class":"db.t3.medium"})";

TEST(HephyInstances, TheDocumentsPayloadIsNoJsonAsPrintedAndMakesAnInstanceOnceItIs) {
    HephyWorld world;
    const Reply printed = world.as(world.admin, Method::post, kInstances,
                                   "{\n  \"hephy_instance_name\": \"hephy-instance-0000001\"\n  \"name\" : "
                                   "\"hephy-instance-00000002\",\n  \"user\" : \"eyk-central\"\n}");
    EXPECT_EQ(printed.status, 400) << printed.body;
    EXPECT_THAT(HephyWorld::text(printed, "error"), HasSubstr("line 3, column 3")) << "where it went wrong";
    world.worker.paused = true;
    const Reply made = world.as(world.admin, Method::post, kInstances, std::string(kCorrected));
    ASSERT_EQ(made.status, 201) << made.body;
    const json::object expected{{"instance_created", "true"},
                                {"name", "hephy-instance-00000002"},
                                {"host", ""},
                                {"port", ""},
                                {"user", "eyk-central"},
                                {"password", ""},
                                {"database_url", ""},
                                {"engine", "postgres"},
                                {"engine_version", "10"},
                                {"storage_db", "100"},
                                {"state", "awaiting_provisioning"}};
    const json::object answer = made.json();
    for (const auto& [name, value] : expected) {
        ASSERT_TRUE(answer.contains(name)) << std::string_view(name);
        EXPECT_EQ(answer.at(name), value) << std::string_view(name);
    }
    world.worker.paused = false;
    world.settle();
    const Reply shown = world.as(world.admin, Method::get, std::string(kInstances) + "/hephy-instance-00000002");
    EXPECT_EQ(HephyWorld::text(shown, "state"), "ready");
    EXPECT_THAT(HephyWorld::text(shown, "database_url"), testing::StartsWith("postgres://eyk-central:"));
}

TEST(HephyInstances, BelowTheThresholdTheCurrentOneIsAnsweredAndNoneIsMade) {
    HephyWorld world(1);
    ASSERT_EQ(world.as(world.admin, Method::post, kInstances, R"({"name":"first","user":"hephy"})").status, 201);
    world.settle();
    const Reply again = world.as(world.admin, Method::post, kInstances, R"({"name":"second","user":"hephy"})");
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(HephyWorld::text(again, "instance_created"), "false");
    EXPECT_EQ(HephyWorld::text(again, "name"), "first");
    const std::string key = world.tenant("acme", "c1");
    world.add_cluster(key, "acme", "c2");
    for (const std::string cluster : {"c1", "c2"}) {
        ASSERT_EQ(world.as(key, Method::post, HephyWorld::path("acme", cluster), "{}").status, 201);
    }
    world.settle();
    const Reply next = world.as(world.admin, Method::post, kInstances, R"({"name":"second","user":"hephy"})");
    EXPECT_EQ(next.status, 201) << "two is more than one: " << next.body;
    world.settle();
    const Reply current = world.as(world.admin, Method::get, "/v2/hephy/available");
    EXPECT_EQ(HephyWorld::text(current, "hephy_instance_name"), "second");
    const Reply list = world.as(world.admin, Method::get, kInstances);
    EXPECT_EQ(list.json().at("instances").as_array().size(), 2U) << list.body;
}

TEST(HephyInstances, EveryFaultyFieldIsNamedAtOnceAndNothingIsMade) {
    HephyWorld world;
    const Counts before = world.counts();
    const auto fields_of = [&](std::string body) {
        const Reply refused = world.as(world.admin, Method::post, kInstances, std::move(body));
        EXPECT_EQ(refused.status, 422) << refused.body;
        return HephyWorld::fields_of(refused);
    };
    using Names = std::set<std::string>;
    EXPECT_EQ(fields_of("{}"), (Names{"name", "user"}));
    EXPECT_EQ(fields_of(""), (Names{"name", "user"})) << "no body has no fields";
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","name":"b"})"), (Names{"name"})) << "given twice";
    EXPECT_EQ(fields_of(R"({"name":"a","user":"postgres","storage_gb":19,"engine_version":"12"})"),
              (Names{"user", "storage_gb", "engine_version"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","storage_gb":"100"})"), (Names{"storage_gb"})) << "an integer";
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","storage_gb":20.5})"), (Names{"storage_gb"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","storage_gb":30,"storage_db":40})"), (Names{"storage_db"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","engine_version":10})"), (Names{"engine_version"})) << "a string";
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","engine":"mysql","engine_version":"10"})"),
              (Names{"engine_version"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","engine":"oracle"})").contains("engine"), true);
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","instance_class":"db.huge"})"), (Names{"instance_class"}));
    EXPECT_EQ(fields_of(R"({"name":"A b","user":"1u"})"), (Names{"name", "user"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"none"})"), (Names{"user"})) << "a word of PostgreSQL's";
    EXPECT_EQ(fields_of(fmt::format(R"({{"name":"a","user":"{}"}})", std::string(33, 'u'))), (Names{"user"}));
    EXPECT_EQ(world.counts(), before);
}

TEST(HephyInstances, TheyAreForAdministratorsAlone) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world.as(world.admin, Method::post, kInstances, R"({"name":"first","user":"hephy"})").status, 201);
    world.settle();
    EXPECT_EQ(world.as(key, Method::post, kInstances, R"({"name":"second","user":"hephy"})").status, 403);
    EXPECT_EQ(world.as(key, Method::get, kInstances).status, 403);
    EXPECT_EQ(world.as(key, Method::get, std::string(kInstances) + "/first").status, 403);
    EXPECT_EQ(world.as(key, Method::delete_, std::string(kInstances) + "/first").status, 403);
    EXPECT_EQ(world.as(key, Method::get, "/v2/hephy/available").status, 403);
}

TEST(HephyInstances, OneThatServesDatabasesIsNotRemoved) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world.as(key, Method::post, HephyWorld::path("acme"), "{}").status, 201);
    world.settle();
    const std::string path = std::string(kInstances) + "/hephy-instance-0000001";
    const Reply refused = world.as(world.admin, Method::delete_, path);
    EXPECT_EQ(refused.status, 409) << refused.body;
    EXPECT_THAT(HephyWorld::text(refused, "error"), HasSubstr("1 database"));
    ASSERT_EQ(world.as(key, Method::delete_, HephyWorld::path("acme")).status, 200);
    world.settle();
    EXPECT_EQ(world.as(world.admin, Method::delete_, path).status, 200);
    world.settle();
    EXPECT_EQ(world.as(world.admin, Method::get, path).status, 404);
    EXPECT_EQ(world.as(world.admin, Method::get, "/v2/hephy/available").status, 404);
}

TEST(HephyInstances, AnUnknownCurrentInstanceIsRefusedWhereThereAreOthers) {
    HephyWorld world;
    ASSERT_EQ(world.as(world.admin, Method::post, kInstances, R"({"name":"first","user":"hephy"})").status, 201);
    const Reply refused = world.as(world.admin, Method::post, kInstances, std::string(kCorrected));
    EXPECT_EQ(refused.status, 422) << refused.body;
    // It was looked for after everything else was found to be right.
    const auto fields_of = [&](const std::string& body) {
        const Reply wrong = world.as(world.admin, Method::post, kInstances, body);
        EXPECT_EQ(wrong.status, 422) << wrong.body;
        return HephyWorld::fields_of(wrong);
    };
    using Names = std::set<std::string>;
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","storage_gb":5,"hephy_instance_name":"none"})"),
              (Names{"storage_gb", "hephy_instance_name"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","engine":"oracle","hephy_instance_name":"none"})"),
              (Names{"engine", "hephy_instance_name"}));
    EXPECT_EQ(fields_of(R"({"name":"a","user":"u","engine":"mysql","hephy_instance_name":"first"})"),
              (Names{"hephy_instance_name"}))
        << "of another engine: it was a 404";
}

// It knew the default engine's alone.
TEST(HephyInstances, WhatIsAvailableIsAskedForByEngine) {
    HephyWorld world;
    const auto available = [&](const std::string& query) {
        return world.as(world.admin, Method::get, "/v2/hephy/available" + query);
    };
    for (const std::string engine : {"postgres", "mysql"}) {
        const std::string body = fmt::format(R"({{"name":"of-{}","user":"hephy","engine":"{}"}})", engine, engine);
        ASSERT_EQ(world.as(world.admin, Method::post, kInstances, body).status, 201);
    }
    world.settle();
    EXPECT_EQ(HephyWorld::text(available(""), "hephy_instance_name"), "of-postgres");
    EXPECT_EQ(HephyWorld::text(available("?engine=postgres"), "hephy_instance_name"), "of-postgres");
    EXPECT_EQ(HephyWorld::text(available("?engine=mysql"), "hephy_instance_name"), "of-mysql");
    const Reply unknown = available("?engine=oracle&colour=blue");
    EXPECT_EQ(unknown.status, 422) << unknown.body;
    EXPECT_EQ(HephyWorld::fields_of(unknown), (std::set<std::string>{"engine", "colour"}));
    const std::string key = world.tenant("acme");
    EXPECT_EQ(world.as(key, Method::get, "/v2/hephy/available?engine=mysql").status, 403);
}

TEST(HephyOrganizations, ANewInstallationIsUsedFromNothing) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const auto as = [&](const std::string& who, Method method, const std::string& path, std::string body = {}) {
        return world.as(who, method, "/v1/organizations" + path, std::move(body));
    };
    EXPECT_EQ(as(world.admin, Method::post, "", R"({"name":"acme"})").status, 409);
    EXPECT_EQ(as(key, Method::post, "", R"({"name":"other"})").status, 403);
    EXPECT_EQ(as(key, Method::get, "").json().at("organizations").as_array().size(), 1U);
    EXPECT_EQ(as(key, Method::get, "/acme").status, 200);
    EXPECT_EQ(as(key, Method::get, "/default").status, 404);
    EXPECT_EQ(as(world.admin, Method::post, "/nobody/keys", "{}").status, 404);
    EXPECT_EQ(as(key, Method::post, "/acme/keys", R"({"role":"king"})").status, 422);

    const Reply cluster = as(key, Method::get, "/acme/clusters/shop");
    EXPECT_THAT(HephyWorld::text(cluster, "slug"), testing::MatchesRegex("cluster-[0-9]+"));
    EXPECT_EQ(as(key, Method::post, "/acme/clusters", R"({"name":"shop"})").status, 409);
    EXPECT_EQ(as(key, Method::post, "/acme/clusters", R"({"name":"-no"})").status, 422);
    EXPECT_EQ(as(key, Method::get, "/acme/clusters").json().at("clusters").as_array().size(), 1U);
    EXPECT_EQ(as(key, Method::get, "/acme/clusters?limit=0").status, 422);
    EXPECT_EQ(as(key, Method::delete_, "/acme/clusters/shop").status, 200);
    EXPECT_EQ(as(key, Method::get, "/acme/clusters/shop").status, 404);

    const json::array keys = as(key, Method::get, "/acme/keys").json().at("keys").as_array();
    ASSERT_EQ(keys.size(), 1U);
    const std::string id = json::get_string(keys[0].as_object(), "id");
    EXPECT_EQ(as(world.admin, Method::delete_, "/default/keys/" + id).status, 404)
        << "it is another organization's";
    EXPECT_EQ(as(key, Method::delete_, "/acme/keys/" + id).status, 200);
    EXPECT_EQ(as(key, Method::get, "/acme").status, 401) << "revoked";
}

TEST(HephyOrganizations, ARepeatedKeyMakesOneClusterAndWithAnotherBodyIsRefused) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const auto post = [&](const std::string& name) {
        Fields fields = HephyWorld::fields(key);
        fields.emplace_back("Idempotency-Key", "k1");
        return world.ask(Method::post, "/v1/organizations/acme/clusters", json::dump(json::object{{"name", name}}),
                         fields);
    };
    const Reply made = post("lab");
    ASSERT_EQ(made.status, 201) << made.body;
    const Reply again = post("lab");
    EXPECT_EQ(again.status, 201) << again.body;
    EXPECT_EQ(again.body, made.body);
    EXPECT_EQ(post("attic").status, 422);
    EXPECT_EQ(world.as(key, Method::post, "/v1/organizations/acme/clusters", "").status, 422);
}

TEST(HephyOrganizations, OneIsDeletedOnceItHasNothingAnyMore) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    const std::string path = "/v1/organizations/acme";
    ASSERT_EQ(world.as(key, Method::post, HephyWorld::path("acme"), "{}").status, 201);
    world.settle();
    const Reply refused = world.as(world.admin, Method::delete_, path);
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(HephyWorld::text(refused, "error"),
              "resources must be removed first: 1. clusters must be removed first: 1");
    EXPECT_EQ(refused.json().at("details").as_array().size(), 2U);
    EXPECT_EQ(world.as(key, Method::delete_, path).status, 403);
    world.as(key, Method::delete_, HephyWorld::path("acme"));
    world.settle();
    EXPECT_EQ(world.as(key, Method::delete_, path + "/clusters/shop").status, 200);

    const Reply deleted = world.as(world.admin, Method::delete_, path);
    EXPECT_EQ(deleted.status, 200) << deleted.body;
    EXPECT_FALSE(HephyWorld::text(deleted, "deleted_at").empty()) << deleted.body;
    EXPECT_EQ(world.as(key, Method::get, path).status, 401);
    EXPECT_EQ(world.as(world.admin, Method::post, path + "/clusters", R"({"name":"shop"})").status, 404);
    EXPECT_EQ(world.as(world.admin, Method::post, path + "/keys", "{}").status, 404);
    const Reply again = world.as(world.admin, Method::post, "/v1/organizations", R"({"name":"acme"})");
    EXPECT_EQ(again.status, 409);
    EXPECT_EQ(again.json().at("details").as_array().at(0).as_object().at("field").as_string(), "name");
    EXPECT_EQ(world.as(world.admin, Method::delete_, "/v1/organizations/nobody").status, 404);
    EXPECT_EQ(world.as(world.admin, Method::delete_, "/v1/organizations/default").status, 409);
}

TEST(HephyOrganizations, AClusterIsKeptWhileItsDatabaseLives) {
    HephyWorld world;
    const std::string key = world.tenant("acme");
    ASSERT_EQ(world.as(key, Method::post, HephyWorld::path("acme"), "{}").status, 201);
    world.settle();
    EXPECT_EQ(world.as(key, Method::delete_, "/v1/organizations/acme/clusters/shop").status, 409);
    world.as(key, Method::delete_, HephyWorld::path("acme"));
    world.settle();
    EXPECT_EQ(world.as(key, Method::delete_, "/v1/organizations/acme/clusters/shop").status, 200);
}

}  // namespace
}  // namespace slipway::faces::test
