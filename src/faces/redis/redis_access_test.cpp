// Who may do what through the Redis face, and where passwords are never seen.
#include <sodium.h>

#include "faces/face_test_support.h"

namespace slipway::faces::test {
namespace {

TEST(RedisAccess, AnonymousIsForLoopbackOrWhereItWasAllowed) {
    World world;
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/plans").status, 200);
    world.loopback = false;
    const Reply refused = world.ask(Method::get, "/v1/redis/plans");
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer realm=\"slipway\"");
    EXPECT_EQ(world.ask(Method::post, "/v1/tag", "{}").status, 401);
    world.context.options.anonymous = {"ec2"};
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/plans").status, 401) << "another face was allowed";
    world.context.options.anonymous = {"redis"};
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/plans").status, 200);
}

TEST(RedisAccess, AWrongKeyIsRefusedEvenWhereNoneIsNeeded) {
    World world;
    const Counts before = world.counts();
    for (const Fields& fields :
         {Fields{{"Authorization", "Bearer wrong"}}, Fields{{"Authorization", "wrong"}},
          Fields{{"Authorization", "Basic d3Jvbmc6d3Jvbmc="}}, Fields{{"Authorization", "Basic !"}},
          Fields{{"Authorization", ""}}, Fields{{"Authorization", "Digest x"}}, Fields{{"X-Auth-Token", "wrong"}},
          Fields{{"Authorization", "a"}, {"Authorization", "b"}}}) {
        const Reply reply = world.ask(Method::post, "/v1/redis/instance", kSmall, fields);
        EXPECT_EQ(reply.status, 401) << fields[0].second;
        EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer realm=\"slipway\"");
        EXPECT_EQ(reply.body.find("wrong"), std::string::npos) << reply.body;
    }
    EXPECT_EQ(world.counts(), before);
}

TEST(RedisAccess, AKeyIsTakenInEveryForm) {
    World world;
    world.loopback = false;
    const std::string key = world.key("team", Role::user);
    std::string basic(sodium_base64_ENCODED_LEN(key.size() + 2, sodium_base64_VARIANT_ORIGINAL), '\0');
    const std::string pair = "x:" + key;
    sodium_bin2base64(basic.data(), basic.size(), reinterpret_cast<const unsigned char*>(pair.data()), pair.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    basic.pop_back();
    for (const Fields& fields : {Fields{{"Authorization", "Bearer " + key}}, Fields{{"Authorization", key}},
                                 Fields{{"Authorization", "Basic " + basic}}, Fields{{"X-Auth-Token", key}}}) {
        EXPECT_EQ(world.ask(Method::get, "/v1/redis/plans", "", fields).status, 200) << fields[0].first;
    }
}

// A page in a browser can make the browser post to a loopback address.
TEST(RedisAccess, WebPagesAreNotAnonymous) {
    World world;
    const Counts before = world.counts();
    EXPECT_EQ(world.ask(Method::post, "/v1/redis/instance", kSmall, {{"Origin", "http://evil.example"}}).status,
              403);
    EXPECT_EQ(world.counts(), before);
    Fields with_key = World::bearer(world.key("team", Role::user));
    with_key.emplace_back("Origin", "http://ui.example");
    EXPECT_EQ(world.ask(Method::post, "/v1/redis/instance", kSmall, with_key).status, 200);
}

// What a page loads as an image has no Origin, and one whose name was made to point here is of the same origin.
TEST(RedisAccess, NorAreTheirImagesAndTheirNames) {
    World world;
    const auto plans = [&](const Fields& fields) {
        return world.ask(Method::get, "/v1/redis/plans", {}, fields).status;
    };
    for (const std::string site : {"cross-site", "same-site", "same-origin", "else"}) {
        EXPECT_EQ(plans({{"Sec-Fetch-Site", site}}), 403) << site;
    }
    EXPECT_EQ(plans({{"Sec-Fetch-Site", "none"}}), 200) << "the user typed it";
    for (const std::string host : {"evil.example", "evil.example:5000", "127.0.0.1.evil.example"}) {
        EXPECT_EQ(plans({{"Host", host}}), 403) << host;
    }
    for (const std::string host : {"127.0.0.1", "127.0.0.1:5000", "[::1]:5000", "localhost", "localhost:5000",
                                   "slipway.localhost:5000", "box", ""}) {
        EXPECT_EQ(plans({{"Host", host}}), 200) << host;
    }
    Fields with_key = World::bearer(world.key("team", Role::user));
    with_key.emplace_back("Host", "slipway.example");
    EXPECT_EQ(plans(with_key), 200);
    world.loopback = false;
    world.context.options.anonymous = {"redis"};
    EXPECT_EQ(plans({{"Host", "slipway.example"}}), 200) << "where everybody may come, names are no sign";
}

TEST(RedisAccess, OthersResourcesDoNotExist) {
    World world;
    const Fields ours = World::bearer(world.key("ours", Role::user));
    const Fields theirs = World::bearer(world.key("theirs", Role::user));
    const std::string url = world.make("small", ours);
    const std::string name = World::name_in(url);
    const Counts before = world.counts();
    for (const Fields& stranger : {theirs, Fields()}) {
        for (const auto& [method, path] :
             {std::pair(Method::get, "/v1/redis/url/"), std::pair(Method::get, "/v1/redis/instance/"),
              std::pair(Method::delete_, "/v1/redis/instance/"),
              std::pair(Method::delete_, "/v1/redis/intance/")}) {
            const Reply reply = world.ask(method, path + name, "", stranger);
            EXPECT_EQ(reply.status, 404) << path;
            EXPECT_EQ(reply.body, R"({"error":"no such resource"})") << "as of a name that never was";
        }
        const std::string tag = fmt::format(R"({{"resource":"{}","name":"a","value":"b"}})", name);
        EXPECT_EQ(world.ask(Method::post, "/v1/tag", tag, stranger).status, 404);
        const Reply list = world.ask(Method::get, "/v1/redis/instance", "", stranger);
        EXPECT_EQ(list.body, R"({"instances":[],"next":null})");
    }
    EXPECT_EQ(world.counts(), before);
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/url/" + name, "", ours).status, 200);
}

// An idempotency key belongs to its organization: it must not be a way to another's URL.
TEST(RedisAccess, AnotherOrganizationsIdempotencyKeyIsAnotherKey) {
    World world;
    Fields ours = World::bearer(world.key("ours", Role::user));
    Fields theirs = World::bearer(world.key("theirs", Role::user));
    ours.emplace_back("Idempotency-Key", "same");
    theirs.emplace_back("Idempotency-Key", "same");
    EXPECT_NE(world.make("small", ours), world.make("small", theirs));
}

TEST(RedisAccess, ReadersReadWithoutPasswordsAndChangeNothing) {
    World world;
    const std::string url = world.make("small", World::bearer(world.key("team", Role::user)));
    const std::string name = World::name_in(url);
    const Fields reader = World::bearer(world.key("team", Role::reader));
    const Counts before = world.counts();
    const Reply read = world.ask(Method::get, "/v1/redis/url/" + name, "", reader);
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(read.body.find("default:"), std::string::npos) << read.body;
    EXPECT_EQ(world.ask(Method::post, "/v1/redis/instance", kSmall, reader).status, 403);
    EXPECT_EQ(world.ask(Method::delete_, "/v1/redis/instance/" + name, "", reader).status, 403);
    const std::string tag = fmt::format(R"({{"resource":"{}","name":"a","value":"b"}})", name);
    EXPECT_EQ(world.ask(Method::post, "/v1/tag", tag, reader).status, 403);
    EXPECT_EQ(world.counts(), before);
}

TEST(RedisAccess, AdministratorsSeeOthersInstancesWithoutTheirPasswords) {
    World world;
    const std::string url = world.make("small", World::bearer(world.key("team", Role::user)));
    const Fields administrator = World::bearer(world.key("default", Role::administrator));
    const Reply read = world.ask(Method::get, "/v1/redis/url/" + World::name_in(url), "", administrator);
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(json::get_string(read.json(), "REDIS_URL"), "redis://" + url.substr(url.find('@') + 1));
}

TEST(RedisAccess, ThePasswordIsOnlyInTheOwnersUrl) {
    World world;
    const std::string url = world.make();
    const std::string name = World::name_in(url);
    const std::string password = url.substr(url.find("default:") + 8, 32);
    EXPECT_NE(world.ask(Method::get, "/v1/redis/instance/" + name).body.find(password), std::string::npos);
    const Fields administrator = World::bearer(world.key("default", Role::administrator));
    std::vector<Reply> others{
        world.ask(Method::get, "/v1/redis/instance"),
        world.ask(Method::get, "/v1/redis/instance/" + name, "", administrator),
        world.ask(Method::get, "/api/v1/resources", "", administrator),
        world.ask(Method::get, "/api/v1/resources/" + name, "", administrator),
        world.ask(Method::get, "/api/v1/resources/" + name + "/events", "", administrator),
        world.ask(Method::get, "/api/v1/operations", "", administrator),
        world.ask(Method::get, "/v1/redis/url/default:" + password + "@oct-00000000"),
        world.ask(Method::post, "/v1/tag",
                  R"({"resource":"default:)" + password + R"(@oct-00000000","name":"a","value":"b"})"),
        world.ask(Method::delete_, "/v1/redis/instance/default:" + password + "@" + name),
    };
    for (const Reply& reply : others) {
        EXPECT_EQ(reply.body.find(password), std::string::npos) << reply.body;
        for (const auto& [field, value] : reply.headers) EXPECT_EQ(value.find(password), std::string::npos);
    }
    for (const Event& event : world.store.snapshot().events(0, std::nullopt, 1000)) {
        EXPECT_EQ(event.body.message.find(password), std::string::npos);
    }
}

}  // namespace
}  // namespace slipway::faces::test
