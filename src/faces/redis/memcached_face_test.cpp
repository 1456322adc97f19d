// The memcached face: the words in which it differs from the Redis face, and what only it can do.
#include <regex>

#include "faces/face_test_support.h"

namespace slipway::faces::test {
namespace {

std::string golden(const Reply& reply) {
    std::string text = fmt::format("{} {}", reply.status, reply.body);
    text = std::regex_replace(text, std::regex("oct-[0-9a-f]{8}"), "NAME");
    text = std::regex_replace(text, std::regex("localhost:2[0-9]{4}"), "localhost:PORT");
    text = std::regex_replace(text, std::regex("op_[0-9a-z]{26}"), "OPERATION");
    return std::regex_replace(text, std::regex("20[0-9]{2}-[-0-9T:.]+Z"), "TIME");
}

class MemcachedFace : public ::testing::Test {
  protected:
    MemcachedFace() { world.offer_memcached(); }
    // A ready instance; its MEMCACHED_URL.
    std::string make(const Fields& fields = {}) {
        const Reply made = world.ask(Method::post, "/v1/memcached/instance", kSmall, fields);
        EXPECT_EQ(made.status, 200) << made.body;
        return json::get_string(made.json(), "MEMCACHED_URL");
    }
    static std::string name_in(const std::string& url) { return url.substr(0, url.find('.')); }
    Reply stats(const std::string& name, const Fields& fields = {}) {
        return world.ask(Method::get, "/v1/memcached/operations/stats/" + name, {}, fields);
    }
    Reply flush(const std::string& name, const Fields& fields = {}) {
        return world.ask(Method::delete_, "/v1/memcached/operations/cache/" + name, {}, fields);
    }
    World world;
};

TEST_F(MemcachedFace, TheContractWordForWord) {
    EXPECT_EQ(golden(world.ask(Method::get, "/v1/memcached/plans")),
              R"(200 {"large":"Large","medium":"Medium","open":"Without a password",)"
              R"("seed":"As in the document","small":"Small"})");
    const Reply made = world.ask(Method::post, "/v1/memcached/instance/", kSmall);
    EXPECT_EQ(golden(made), R"(200 {"MEMCACHED_URL":"NAME.localhost:PORT"})") << "no scheme, and no password";
    EXPECT_EQ(made.content_type, "application/json; charset=UTF-8");
    const std::string url = json::get_string(made.json(), "MEMCACHED_URL");
    const std::string name = name_in(url);
    for (const std::string& path : {name, name + "/", url}) {
        EXPECT_EQ(world.ask(Method::get, "/v1/memcached/url/" + path).body, made.body) << path;
    }
    EXPECT_EQ(golden(stats(name)), R"(200 [{"key":"pid","value":"17"},{"key":"version","value":"1.6.18"}])");
    EXPECT_EQ(golden(stats(url + "/")), golden(stats(name)));
    EXPECT_EQ(golden(flush(name)), R"(200 {"flush_all":"OK"})");
    EXPECT_EQ(world.engines.flushed, std::vector{name});
    const Reply removed = world.ask(Method::delete_, "/v1/memcached/instance/" + name);
    EXPECT_EQ(removed.status, 200);
    const json::object cluster = removed.json().at("CacheCluster").as_object();
    EXPECT_EQ(cluster.size(), 22U);
    EXPECT_EQ(json::get_string(cluster, "Engine"), "memcached");
    EXPECT_EQ(json::get_string(cluster, "CacheClusterId"), name);
    EXPECT_EQ(json::get_string(cluster, "CacheClusterStatus"), "deleting");
}

TEST_F(MemcachedFace, AListAndOneOfIt) {
    const std::string name = name_in(make());
    const std::string item = R"({"MEMCACHED_URL":"NAME.localhost:PORT","billingcode":"gwp","created_at":"TIME",)"
                             R"("health":"healthy","name":"NAME","plan":"small","state":"ready","tags":{}})";
    EXPECT_EQ(golden(world.ask(Method::get, "/v1/memcached/instance")),
              R"(200 {"instances":[)" + item + R"(],"next":null})");
    EXPECT_EQ(golden(world.ask(Method::get, "/v1/memcached/instance/" + name)), "200 " + item);
}

TEST_F(MemcachedFace, BeyondTheWaitLimitItIsPolledBelowItsOwnPrefix) {
    world.worker.paused = true;
    const Reply late = world.ask(Method::post, "/v1/memcached/instance", kSmall);
    EXPECT_EQ(golden(late), R"(202 {"MEMCACHED_URL":"","name":"NAME","operation":"OPERATION"})");
    const std::string name = json::get_string(late.json(), "name");
    EXPECT_EQ(late.header("Location"), "/v1/memcached/instance/" + name);
    EXPECT_EQ(world.ask(Method::get, "/v1/memcached/url/" + name).body, late.body);
}

// One face's instances are not the other's, whatever they are called.
TEST_F(MemcachedFace, KindsAreKeptApart) {
    const std::string memcached = name_in(make());
    const std::string redis = World::name_in(world.make());
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/url/" + memcached).status, 404);
    EXPECT_EQ(world.ask(Method::delete_, "/v1/redis/instance/" + memcached).status, 404);
    EXPECT_EQ(world.ask(Method::get, "/v1/memcached/url/" + redis).status, 404);
    EXPECT_EQ(stats(redis).status, 404);
    EXPECT_EQ(flush(redis).status, 404);
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/instance").json().at("instances").as_array().size(), 1U);
    EXPECT_EQ(world.ask(Method::get, "/v1/memcached/instance").json().at("instances").as_array().size(), 1U);
    EXPECT_TRUE(world.engines.asked.empty());
    EXPECT_TRUE(world.engines.flushed.empty());
    const Fields key{{"Idempotency-Key", "one"}};
    EXPECT_NE(name_in(make(key)), World::name_in(world.make("small", key))) << "a key belongs to its face";
}

TEST_F(MemcachedFace, ATagIsSetByTheOnePathForAll) {
    const std::string url = make();
    const std::string name = name_in(url);
    for (const std::string& resource : {name, url, "arn:aws:elasticache:us-west-2:1:cluster:" + name}) {
        const std::string body = fmt::format(R"({{"resource":"{}","name":"team","value":"web"}})", resource);
        EXPECT_EQ(golden(world.ask(Method::post, "/v1/tag", body)), R"(200 {"response":"tag added"})") << resource;
    }
    const Reply listed = world.ask(Method::get, "/v1/memcached/instance?tag.team=web");
    EXPECT_EQ(listed.json().at("instances").as_array().size(), 1U);
}

TEST_F(MemcachedFace, FiguresAndFlushingAreForThoseWhoMay) {
    const std::string name = name_in(make(World::bearer(world.key("team", Role::user))));
    const Fields stranger = World::bearer(world.key("other", Role::user));
    const Fields reader = World::bearer(world.key("team", Role::reader));
    const Fields administrator = World::bearer(world.key("default", Role::administrator));
    const Counts before = world.counts();
    for (const Fields& fields : {stranger, Fields()}) {
        EXPECT_EQ(golden(stats(name, fields)), R"(404 {"error":"no such resource"})");
        EXPECT_EQ(golden(flush(name, fields)), R"(404 {"error":"no such resource"})");
    }
    EXPECT_EQ(stats(name, {{"Authorization", "Bearer wrong"}}).status, 401);
    EXPECT_EQ(stats(name, reader).status, 200);
    EXPECT_EQ(golden(flush(name, reader)), R"(403 {"error":"this key may only read"})");
    EXPECT_TRUE(world.engines.flushed.empty());
    EXPECT_EQ(world.counts(), before);
    EXPECT_EQ(stats(name, administrator).status, 200);
    EXPECT_EQ(flush(name, administrator).status, 200);
}

// It cannot be taken back: who asked for it is on record.
TEST_F(MemcachedFace, AFlushIsOnRecord) {
    const std::string name = name_in(make());
    flush(name);
    const auto events = world.store.snapshot().events(0, std::nullopt, 1000);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back().body.type, "resource.flush_requested");
    EXPECT_EQ(events.back().body.actor, "anonymous");
    EXPECT_FALSE(events.back().body.resource.empty());
    stats(name);
    EXPECT_EQ(world.store.snapshot().events(0, std::nullopt, 1000).size(), events.size()) << "reading is not";
}

TEST_F(MemcachedFace, AnEngineThatDoesNotAnswerIs503) {
    const std::string name = name_in(make());
    world.engines.error = Error{ErrorCode::unavailable, "the engine does not answer now", "", {}};
    EXPECT_EQ(golden(stats(name)), R"(503 {"error":"the engine does not answer now"})");
    EXPECT_EQ(golden(flush(name)), R"(503 {"error":"the engine does not answer now"})");
    EXPECT_EQ(stats(name).header("Retry-After"), "5");
}

TEST_F(MemcachedFace, WhatIsNotThereYetOrAnyMoreIsNotAsked) {
    world.worker.paused = true;
    const Reply late = world.ask(Method::post, "/v1/memcached/instance", kSmall);
    const std::string name = json::get_string(late.json(), "name");
    for (const Reply& reply : {stats(name), flush(name)}) {
        EXPECT_EQ(reply.status, 409);
        EXPECT_NE(reply.body.find("there is no engine yet"), std::string::npos) << reply.body;
    }
    world.worker.paused = false;
    world.settle();
    EXPECT_EQ(stats(name).status, 200);
    world.worker.paused = true;
    world.ask(Method::delete_, "/v1/memcached/instance/" + name);
    EXPECT_EQ(stats(name).status, 404);
    EXPECT_EQ(flush(name).status, 404);
    EXPECT_EQ(world.engines.asked, std::vector{name});
    EXPECT_TRUE(world.engines.flushed.empty());
}

TEST_F(MemcachedFace, WithoutPlansNothingCanBeMadeAndThatIsSaid) {
    World bare;
    const Reply plans = bare.ask(Method::get, "/v1/memcached/plans");
    EXPECT_EQ(plans.body, "{}");
    const Reply reply = bare.ask(Method::post, "/v1/memcached/instance", kSmall);
    EXPECT_EQ(golden(reply), R"(400 {"error":"plan is unknown; no plans are offered here"})");
}

TEST(MemcachedFaceDescription, IsServedToAnybody) {
    World world;
    const Reply reply = world.ask(Method::get, "/api/v1/openapi/memcached.yaml");
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.content_type.starts_with("application/yaml")) << reply.content_type;
    EXPECT_NE(reply.body.find("/v1/memcached/operations/stats/{name}:"), std::string::npos);
}

TEST(MemcachedFaceAccess, OneFaceIsNotOpenedByTheOthersName) {
    World world;
    world.offer_memcached();
    world.loopback = false;
    world.context.options.anonymous = {"memcached"};
    EXPECT_EQ(world.ask(Method::get, "/v1/memcached/plans").status, 200);
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/plans").status, 401);
    const Reply made = world.ask(Method::post, "/v1/memcached/instance", kSmall);
    ASSERT_EQ(made.status, 200) << made.body;
    const std::string url = json::get_string(made.json(), "MEMCACHED_URL");
    const std::string body =
        fmt::format(R"({{"resource":"{}","name":"team","value":"web"}})", url.substr(0, url.find('.')));
    EXPECT_EQ(world.ask(Method::post, "/v1/tag", body).status, 200) << "what it made can be tagged";
    World other;
    other.offer_memcached();
    other.loopback = false;
    other.context.options.anonymous = {"redis"};
    EXPECT_EQ(other.ask(Method::get, "/v1/memcached/plans").status, 401);
    EXPECT_EQ(other.ask(Method::get, "/v1/redis/plans").status, 200);
    EXPECT_EQ(other.ask(Method::post, "/v1/tag", "{}").status, 400);
}

}  // namespace
}  // namespace slipway::faces::test
