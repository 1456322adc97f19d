// The face of our own: listings, operations that can be waited for, administration; always with a key.
#include <regex>

#include "faces/face_test_support.h"

namespace slipway::faces::test {
namespace {

class NativeFaceTest : public testing::Test {
  protected:
    Reply get(const std::string& path) { return world.ask(Method::get, path, "", admin); }
    // The `field` of every item of a listing.
    std::vector<std::string> all(const std::string& path, std::string_view items, std::string_view field) {
        const Reply reply = get(path);
        EXPECT_EQ(reply.status, 200) << path << " -> " << reply.body;
        std::vector<std::string> found;
        if (reply.status != 200) return found;
        for (const auto& item : reply.json().at(items).as_array()) {
            found.push_back(json::get_string(item.as_object(), field));
        }
        return found;
    }
    std::string make_name(const std::string& plan = "small", const std::string& billing = "gwp") {
        world.manual.advance(std::chrono::seconds(1));
        return World::name_in(world.make(plan, user, billing));
    }

    World world;
    Fields admin = World::bearer(world.key("default", Role::administrator));
    Fields user = World::bearer(world.key("team", Role::user));
    Fields stranger = World::bearer(world.key("other", Role::user));
};

TEST_F(NativeFaceTest, NothingIsOpenWithoutAKey) {
    world.context.options.anonymous = {"redis", "native"};
    for (const auto& [method, path] :
         {std::pair(Method::get, "/api/v1/resources"), std::pair(Method::get, "/api/v1/resources/x"),
          std::pair(Method::delete_, "/api/v1/resources/x"), std::pair(Method::get, "/api/v1/resources/x/events"),
          std::pair(Method::get, "/api/v1/operations"), std::pair(Method::get, "/api/v1/operations/x"),
          std::pair(Method::post, "/api/v1/operations/x/cancel"), std::pair(Method::get, "/api/v1/orphans"),
          std::pair(Method::post, "/api/v1/sweep"), std::pair(Method::get, "/api/v1/doctor")}) {
        const Reply reply = world.ask(method, path);
        EXPECT_EQ(reply.status, 401) << path;
        EXPECT_EQ(json::get_string(reply.json(), "code"), "unauthenticated");
        EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer realm=\"slipway\"");
    }
}

TEST_F(NativeFaceTest, ResourcesAreFiltered) {
    const std::string small = make_name("small", "a");
    const std::string large = make_name("large", "b");
    const std::string tag = fmt::format(R"({{"resource":"{}","name":"team","value":"web"}})", large);
    ASSERT_EQ(world.ask(Method::post, "/v1/tag", tag, user).status, 200);
    const auto names = [&](const std::string& query) {
        return all("/api/v1/resources" + query, "resources", "name");
    };
    EXPECT_EQ(names(""), (std::vector{small, large}));
    for (const std::string query : {"plan=large", "billing_code=b", "label.team=web", "kind=cache&plan=large"}) {
        EXPECT_EQ(names("?" + query), std::vector{large}) << query;
    }
    EXPECT_EQ(names("?name=" + small), std::vector{small});
    EXPECT_EQ(names("?state=ready&engine=redis&pooled=false&provider=local").size(), 2U);
    for (const std::string query : {"state=failed", "kind=cluster", "engine=x", "pooled=true", "label.team=x"}) {
        EXPECT_EQ(names("?" + query).size(), 0U) << query;
    }
    world.ask(Method::delete_, "/api/v1/resources/" + small, "", user);
    world.settle();
    EXPECT_EQ(names(""), std::vector{large});
    EXPECT_EQ(names("?include_gone=true").size(), 2U);
    EXPECT_EQ(names("?state=gone"), std::vector{small});
}

TEST_F(NativeFaceTest, PagesReachEverythingOnce) {
    std::vector<std::string> made;
    made.reserve(5);
    for (int i = 0; i < 5; ++i) made.push_back(make_name());
    std::vector<std::string> seen;
    std::string after;
    do {
        const json::object page = get("/api/v1/resources?limit=2&after=" + after).json();
        for (const auto& item : page.at("resources").as_array()) {
            seen.push_back(json::get_string(item.as_object(), "name"));
        }
        after = json::get_string(page, "next");
        if (!after.empty()) EXPECT_EQ(seen.size() % 2, 0U);
    } while (!after.empty() && seen.size() < 10);
    EXPECT_EQ(seen, made);
}

TEST_F(NativeFaceTest, AResourceIsFoundByIdAndByName) {
    const std::string name = make_name();
    const Reply by_name = get("/api/v1/resources/" + name);
    ASSERT_EQ(by_name.status, 200);
    const json::object resource = by_name.json();
    EXPECT_EQ(get("/api/v1/resources/" + json::get_string(resource, "id") + "/").body, by_name.body);
    EXPECT_EQ(json::get_string(resource, "state"), "ready");
    EXPECT_EQ(json::get_string(resource.at("endpoint").as_object(), "host"), name + ".localhost");
    EXPECT_EQ(json::get_string(resource, "organization"), "team");
    EXPECT_TRUE(resource.at("operation").is_null());
    for (const std::string id : {"res_01ak66q5se7xed8584v51smzw7", "oct-00000000", "res_"}) {
        const Reply unknown = get("/api/v1/resources/" + id);
        EXPECT_EQ(unknown.status, 404) << id;
        EXPECT_EQ(json::get_string(unknown.json(), "code"), "not_found");
    }
}

TEST_F(NativeFaceTest, ADeletionIsAnOperationThatCanBeWaitedFor) {
    const std::string name = make_name();
    world.worker.paused = true;
    const Reply deleted = world.ask(Method::delete_, "/api/v1/resources/" + name, "", user);
    ASSERT_EQ(deleted.status, 202) << deleted.body;
    const std::string id = json::get_string(deleted.json(), "id");
    EXPECT_EQ(deleted.header("Location"), "/api/v1/operations/" + id);
    EXPECT_EQ(json::get_string(deleted.json(), "kind"), "deprovision");
    const TimePoint start = world.clock().now();
    const Reply polled = get("/api/v1/operations/" + id + "?wait=3");
    EXPECT_EQ(json::get_string(polled.json(), "state"), "queued") << "it is not done yet";
    EXPECT_GE(world.clock().now() - start, std::chrono::seconds(3));
    EXPECT_LT(world.clock().now() - start, std::chrono::seconds(5));
    world.worker.paused = false;
    const json::object done = get("/api/v1/operations/" + id + "?wait=60").json();
    EXPECT_EQ(json::get_string(done, "state"), "succeeded");
    EXPECT_EQ(json::get_string(done.at("progress").as_object(), "sentence"), "done");
    const auto& step = done.at("steps").as_array().at(0).as_object();
    EXPECT_EQ(json::get_string(step, "kind"), "remove");
    EXPECT_EQ(json::get_string(step, "status"), "done");
    EXPECT_EQ(world.ask(Method::delete_, "/api/v1/resources/" + name, "", user).status, 404);
}

TEST_F(NativeFaceTest, OperationsAreFiltered) {
    const std::string name = make_name();
    make_name();
    world.worker.paused = true;
    world.ask(Method::delete_, "/api/v1/resources/" + name, "", user);
    const auto kinds = [&](const std::string& query) {
        return all("/api/v1/operations" + query, "operations", "kind");
    };
    EXPECT_EQ(kinds(""), (std::vector<std::string>{"provision", "provision", "deprovision"}));
    EXPECT_EQ(kinds("?open=true"), std::vector<std::string>{"deprovision"});
    EXPECT_EQ(kinds("?state=queued"), std::vector<std::string>{"deprovision"});
    EXPECT_EQ(kinds("?kind=provision").size(), 2U);
    EXPECT_EQ(kinds("?resource=" + name), (std::vector<std::string>{"provision", "deprovision"}));
    EXPECT_EQ(get("/api/v1/operations?resource=oct-00000000").status, 404);
}

TEST_F(NativeFaceTest, CancellingACreationUndoesIt) {
    world.worker.paused = true;
    const Reply made =
        world.ask(Method::post, "/v1/redis/instance", R"({"plan":"small","billingcode":"gwp"})", user);
    ASSERT_EQ(made.status, 202);
    const std::string path = "/api/v1/operations/" + json::get_string(made.json(), "operation") + "/cancel";
    const Counts before = world.counts();
    EXPECT_EQ(world.ask(Method::post, path, "", stranger).status, 404);
    EXPECT_EQ(world.ask(Method::post, path, R"({"reason":7})", user).status, 400);
    EXPECT_EQ(world.counts(), before);
    const Reply cancelled = world.ask(Method::post, path, R"({"reason":"changed my mind"})", user);
    EXPECT_EQ(cancelled.status, 200) << "it had done nothing yet: " << cancelled.body;
    EXPECT_NE(cancelled.body.find("changed my mind"), std::string::npos);
    EXPECT_EQ(world.ask(Method::post, path, "", user).status, 409) << "it has ended";
}

TEST_F(NativeFaceTest, TheTimelineTellsWhatHappened) {
    const std::string name = make_name();
    const auto types = all("/api/v1/resources/" + name + "/events", "events", "type");
    ASSERT_GE(types.size(), 2U);
    EXPECT_EQ(types.front(), "resource.requested");
    EXPECT_NE(std::ranges::find(types, "resource.ready"), types.end());
    const json::object first = get("/api/v1/resources/" + name + "/events?limit=1").json();
    const auto rest =
        all("/api/v1/resources/" + name + "/events?after=" + json::get_string(first, "next"), "events", "type");
    EXPECT_EQ(rest.size(), types.size() - 1);
}

TEST_F(NativeFaceTest, StrangersSeeNothingOfOthers) {
    const std::string name = make_name();
    const std::string id = json::get_string(get("/api/v1/resources/" + name).json(), "id");
    const std::string operation = all("/api/v1/operations", "operations", "id").at(0);
    const Counts before = world.counts();
    for (const std::string& path : {"/api/v1/resources/" + name, "/api/v1/resources/" + id,
                                    "/api/v1/resources/" + id + "/events", "/api/v1/operations/" + operation}) {
        EXPECT_EQ(world.ask(Method::get, path, "", stranger).status, 404) << path;
    }
    EXPECT_EQ(world.ask(Method::delete_, "/api/v1/resources/" + id, "", stranger).status, 404);
    EXPECT_EQ(world.ask(Method::get, "/api/v1/resources", "", stranger).body, R"({"next":null,"resources":[]})");
    EXPECT_EQ(world.ask(Method::get, "/api/v1/operations", "", stranger).body, R"({"next":null,"operations":[]})");
    EXPECT_EQ(world.counts(), before);
}

TEST_F(NativeFaceTest, WhatIsMisspeltIsNamed) {
    for (const auto& [path, says] :
         {std::pair("/api/v1/resources?plann=x", "plann is unknown; known are:"),
          std::pair("/api/v1/resources?kind=redis", "kind must be one of: cache"),
          std::pair("/api/v1/resources?state=up", "state must be one of: requested"),
          std::pair("/api/v1/resources?pooled=yes", "pooled must be true or false"),
          std::pair("/api/v1/resources?limit=-1", "limit must be an integer between 1 and 1000"),
          std::pair("/api/v1/resources?label.=x", "label. must be followed by a name"),
          std::pair("/api/v1/resources?plan=a&plan=b", "plan is given more than once"),
          std::pair("/api/v1/resources/x?y=1", "y is unknown; no query parameters"),
          std::pair("/api/v1/resources/x/events?after=z", "after must be an integer"),
          std::pair("/api/v1/operations?kind=create", "kind must be one of: provision"),
          std::pair("/api/v1/operations/x?wait=61", "wait must be an integer between 0 and 60"),
          std::pair("/api/v1/operations/x?wait=1s", "wait must be an integer between 0 and 60")}) {
        const Reply reply = get(path);
        EXPECT_EQ(reply.status, 400) << path;
        EXPECT_NE(reply.body.find(says), std::string::npos) << path << " -> " << reply.body;
        EXPECT_EQ(reply.json().at("problems").as_array().size(), 1U);
    }
}

TEST(NativePortsTest, OnlyAdministratorsSweepAndOnlyOnRequest) {
    World world;
    std::vector<SweepRequest> asked;
    Orphan lost;
    lost.provider = "local";
    lost.external_name = "oct-00000000";
    lost.kind = "lost";
    world.ports.orphans = [&]() -> Task<Result<std::vector<Orphan>>> { co_return std::vector{lost}; };
    world.ports.sweep = [&](SweepRequest request) -> Task<Result<SweepResult>> {
        asked.push_back(request);
        co_return SweepResult{{lost}, 3, request.dry_run ? 0U : 1U, 0};
    };
    world.ports.doctor = []() -> Task<Result<std::vector<Finding>>> {
        co_return std::vector{Finding{"disk", Severity::warning, "4 % free", "make room"}};
    };
    const Fields user = World::bearer(world.key("team", Role::user));
    const Fields admin = World::bearer(world.key("default", Role::administrator));
    EXPECT_EQ(world.ask(Method::post, "/api/v1/sweep", R"({"dry_run":false})", user).status, 403);
    EXPECT_EQ(world.ask(Method::get, "/api/v1/orphans", "", user).status, 403);
    EXPECT_EQ(world.ask(Method::get, "/api/v1/doctor", "", user).status, 403);
    EXPECT_EQ(world.ask(Method::post, "/api/v1/sweep", R"({"dry_run":"no"})", admin).status, 400);
    EXPECT_EQ(world.ask(Method::post, "/api/v1/sweep", R"({"grace_seconds":-1})", admin).status, 400);
    ASSERT_TRUE(asked.empty()) << "nobody who may not, and nothing that was not understood";
    EXPECT_EQ(world.ask(Method::post, "/api/v1/sweep", "", admin).status, 200);
    const Reply swept = world.ask(Method::post, "/api/v1/sweep", R"({"dry_run":false,"grace_seconds":5})", admin);
    EXPECT_EQ(swept.json().at("removed").as_int64(), 1);
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_TRUE(asked[0].dry_run) << "without a word it only looks";
    EXPECT_FALSE(asked[1].dry_run);
    EXPECT_EQ(asked[1].grace, Duration(std::chrono::seconds(5)));
    EXPECT_NE(world.ask(Method::get, "/api/v1/orphans", "", admin).body.find("oct-00000000"), std::string::npos);
    EXPECT_EQ(world.ask(Method::get, "/api/v1/doctor", "", admin).body,
              R"({"findings":[{"check":"disk","fix":"make room","message":"4 % free","severity":"warning"}]})");
}

TEST(NativePortsTest, ReadinessSaysWhatIsMissing) {
    World world;
    bool ready = false;
    world.ports.readiness = [&] {
        return std::vector{ReadinessCheck{"store", true, ""},
                           ReadinessCheck{"local provider", ready, ready ? "" : "the helper does not answer"},
                           ReadinessCheck{"local mysql", false, "mariadbd is not installed", false}};
    };
    EXPECT_EQ(world.ask(Method::get, "/healthz").status, 200);
    const Reply not_yet = world.ask(Method::get, "/readyz");
    EXPECT_EQ(not_yet.status, 503);
    EXPECT_NE(not_yet.body.find("the helper does not answer"), std::string::npos) << not_yet.body;
    ready = true;
    EXPECT_EQ(world.ask(Method::get, "/readyz").status, 200);
}

TEST(NativePortsTest, PartsThatAreNotThereSaySo) {
    World world;
    const Fields admin = World::bearer(world.key("default", Role::administrator));
    EXPECT_EQ(world.ask(Method::get, "/api/v1/orphans", "", admin).status, 501);
    EXPECT_EQ(world.ask(Method::post, "/api/v1/sweep", "", admin).status, 501);
    EXPECT_EQ(world.ask(Method::get, "/api/v1/doctor", "", admin).status, 501);
    EXPECT_EQ(world.ask(Method::get, "/readyz").status, 200);
}

}  // namespace
}  // namespace slipway::faces::test
