// The contract of the Redis face: every example of the original's document, and what its real client relies on.
#include <regex>

#include "faces/face_test_support.h"

namespace slipway::faces::test {
namespace {

constexpr std::string_view kJson = "application/json; charset=UTF-8";

// An answer with what differs from run to run replaced, so that it can be compared as a whole.
std::string golden(const Reply& reply) {
    std::string text = fmt::format("{} {}", reply.status, reply.body);
    text = std::regex_replace(text, std::regex("oct-[0-9a-f]{8}"), "NAME");
    text = std::regex_replace(text, std::regex("default:[A-Za-z0-9]{32}@"), "default:PASSWORD@");
    text = std::regex_replace(text, std::regex("localhost:2[0-9]{4}"), "localhost:PORT");
    text = std::regex_replace(text, std::regex("op_[0-9a-z]{26}"), "OPERATION");
    return std::regex_replace(text, std::regex("20[0-9]{2}-[-0-9T:.]+Z"), "TIME");
}

TEST(RedisFace, PlansAreAnObjectOfTitles) {
    World world;
    const Reply reply = world.ask(Method::get, "/v1/redis/plans");
    EXPECT_EQ(golden(reply), R"(200 {"large":"Large","medium":"Medium","open":"Without a password",)"
                             R"("seed":"As in the document","small":"Small"})");
    EXPECT_EQ(reply.content_type, kJson);
}

TEST(RedisFace, CreatingBlocksUntilTheUrlWorks) {
    World world;
    const Reply made = world.ask(Method::post, "/v1/redis/instance", kSmall);
    EXPECT_EQ(golden(made), R"(200 {"REDIS_URL":"redis://default:PASSWORD@NAME.localhost:PORT"})");
    EXPECT_EQ(made.content_type, kJson);
    const Reply open = world.ask(Method::post, "/v1/redis/instance/", R"({"plan":"open","billingcode":"gwp"})",
                                 {{"Content-Type", "application/x-www-form-urlencoded"}});
    EXPECT_EQ(golden(open), R"(200 {"REDIS_URL":"redis://NAME.localhost:PORT"})")
        << "curl -d sends a form's type, and clients write the trailing slash";
}

TEST(RedisFace, TheUrlIsFoundByNameAndByWhatTheRealClientTakesForTheName) {
    World world;
    const std::string url = world.make();
    const std::string name = World::name_in(url);
    const std::string with_password = url.substr(8, url.find('.') - 8);
    ASSERT_NE(with_password.find('@'), std::string::npos);
    for (const std::string& path : {name, name + "/", with_password, with_password + "/", url.substr(8)}) {
        const Reply reply = world.ask(Method::get, "/v1/redis/url/" + path);
        EXPECT_EQ(reply.status, 200) << path;
        EXPECT_EQ(json::get_string(reply.json(), "REDIS_URL"), url);
    }
}

TEST(RedisFace, DeletingAnswersTheCacheClusterOfTheDocument) {
    World world;
    const std::string name = World::name_in(world.make("seed"));
    const Reply reply = world.ask(Method::delete_, "/v1/redis/instance/" + name);
    EXPECT_EQ(
        golden(reply),
        R"(200 {"CacheCluster":{"AutoMinorVersionUpgrade":true,"CacheClusterCreateTime":"TIME","CacheClusterId":"NAME",)"
        R"("CacheClusterStatus":"deleting","CacheNodeType":"cache.t2.micro","CacheNodes":null,)"
        R"("CacheParameterGroup":{"CacheNodeIdsToReboot":null,"CacheParameterGroupName":"redis-28-small",)"
        R"("ParameterApplyStatus":"in-sync"},"CacheSecurityGroups":null,"CacheSubnetGroupName":"redis-subnet-group",)"
        R"("ClientDownloadLandingPage":"https://console.aws.amazon.com/elasticache/home#client-download:",)"
        R"("ConfigurationEndpoint":null,"Engine":"redis","EngineVersion":"2.8.24","NotificationConfiguration":null,)"
        R"("NumCacheNodes":1,"PendingModifiedValues":{"CacheNodeIdsToRemove":null,"CacheNodeType":null,)"
        R"("EngineVersion":null,"NumCacheNodes":null},"PreferredAvailabilityZone":"us-west-2b",)"
        R"("PreferredMaintenanceWindow":"sun:11:30-sun:12:30","ReplicationGroupId":null,)"
        R"("SecurityGroups":[{"SecurityGroupId":"sg-e3013b84","Status":"active"}],"SnapshotRetentionLimit":null,)"
        R"("SnapshotWindow":null}})");
    EXPECT_NE(reply.body.find(R"("CacheClusterCreateTime":"2016-05-20T04:28:03.758Z")"), std::string::npos)
        << reply.body;
}

TEST(RedisFace, DeletingALocalInstanceInventsNothing) {
    World world;
    const std::string name = World::name_in(world.make());
    const Reply reply = world.ask(Method::delete_, "/v1/redis/intance/" + name + "/");
    const json::object body = reply.json();
    const json::object& cluster = body.at("CacheCluster").as_object();
    EXPECT_EQ(reply.status, 200) << "the document's own spelling of the path";
    EXPECT_EQ(cluster.size(), 22U);
    EXPECT_EQ(json::get_string(cluster, "CacheNodeType"), "local.small");
    EXPECT_TRUE(cluster.at("EngineVersion").is_null());
    EXPECT_TRUE(cluster.at("SecurityGroups").is_null());
    EXPECT_FALSE(cluster.at("AutoMinorVersionUpgrade").as_bool());
}

TEST(RedisFace, DeletingTwiceAnswersTheSameUntilItIsGone) {
    World world;
    const std::string name = World::name_in(world.make());
    world.worker.paused = true;
    const Reply first = world.ask(Method::delete_, "/v1/redis/instance/" + name);
    const Counts before = world.counts();
    const Reply second = world.ask(Method::delete_, "/v1/redis/instance/" + name);
    EXPECT_EQ(first.body, second.body);
    EXPECT_EQ(world.counts(), before) << "the second one asked for nothing new";
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/url/" + name).status, 404);
    world.worker.paused = false;
    world.settle();
    EXPECT_EQ(golden(world.ask(Method::delete_, "/v1/redis/instance/" + name)),
              R"(404 {"error":"no such resource"})");
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/url/" + name).status, 404);
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/instance/" + name).status, 404);
}

TEST(RedisFace, BeyondTheWaitLimitTheWorkGoesOnAndCanBePolled) {
    World world;
    world.worker.paused = true;
    const TimePoint start = world.clock().now();
    const Reply late = world.ask(Method::post, "/v1/redis/instance", kSmall);
    EXPECT_EQ(golden(late), R"(202 {"REDIS_URL":"","name":"NAME","operation":"OPERATION"})");
    EXPECT_EQ(late.content_type, kJson);
    EXPECT_GE(world.clock().now() - start, std::chrono::seconds(60)) << "it waits as long as it may";
    const std::string name = json::get_string(late.json(), "name");
    EXPECT_EQ(late.header("Location"), "/v1/redis/instance/" + name);
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/url/" + name).body, late.body);
    EXPECT_EQ(json::get_string(world.ask(Method::get, late.header("Location")).json(), "REDIS_URL"), "");
    world.worker.paused = false;
    world.settle();
    const Reply ready = world.ask(Method::get, late.header("Location"));
    EXPECT_EQ(ready.status, 200);
    EXPECT_NE(json::get_string(ready.json(), "REDIS_URL").find(name), std::string::npos);
}

TEST(RedisFace, AProvidersFailureIsToldWithItsCause) {
    World world;
    world.worker.create_error =
        ProviderError{ErrorClass::permanent, "no memory is left on this host", "", "", {}, {}};
    const Reply failed = world.ask(Method::post, "/v1/redis/instance", kSmall);
    EXPECT_EQ(failed.status, 502);
    EXPECT_NE(failed.body.find("no memory is left on this host"), std::string::npos) << failed.body;
    std::string name;
    world.store.snapshot().for_each_resource([&](const Resource& resource) { name = resource.name; });
    const Reply url = world.ask(Method::get, "/v1/redis/url/" + name);
    EXPECT_EQ(url.status, 502);
    EXPECT_NE(url.body.find("no memory is left on this host"), std::string::npos) << url.body;
    EXPECT_EQ(world.ask(Method::delete_, "/v1/redis/instance/" + name).status, 200) << "it can be cleared away";
}

TEST(RedisFace, AnUnavailableProviderIs503WithTheFix) {
    World world;
    world.directory.available = false;
    const Reply reply = world.ask(Method::post, "/v1/redis/instance", kSmall);
    EXPECT_EQ(golden(reply), R"(503 {"error":"redis-server is not installed; run scripts/setup"})");
    EXPECT_EQ(reply.header("Retry-After"), "5");
}

TEST(RedisFace, AnIdempotencyKeyMakesOneInstanceHoweverOftenItComes) {
    World world;
    const Fields key{{"Idempotency-Key", "key-1"}};
    const std::string url = world.make("small", key);
    const Counts before = world.counts();
    EXPECT_EQ(world.make("small", key), url);
    EXPECT_EQ(world.counts(), before);
    const Reply other =
        world.ask(Method::post, "/v1/redis/instance", R"({"plan":"large","billingcode":"gwp"})", key);
    EXPECT_EQ(other.status, 422) << other.body;
    world.ask(Method::delete_, "/v1/redis/instance/" + World::name_in(url));
    world.settle();
    EXPECT_EQ(world.ask(Method::post, "/v1/redis/instance", kSmall, key).status, 409)
        << "what it made is gone: neither a new one nor a dead URL";
}

TEST(RedisFace, ATagIsSetByNameCredentialsUrlOrArn) {
    World world;
    const std::string url = world.make();
    const std::string name = World::name_in(url);
    int count = 0;
    for (const std::string& resource :
         {name, url.substr(8, url.find('.') - 8), url, "arn:aws:elasticache:us-west-2:1:cluster:" + name}) {
        const std::string body =
            fmt::format(R"({{"resource":"{}","name":"tag{}","value":"v"}})", resource, ++count);
        EXPECT_EQ(golden(world.ask(Method::post, "/v1/tag", body)), R"(200 {"response":"tag added"})") << resource;
    }
    const std::string billing = fmt::format(R"({{"resource":"{}","name":"billingcode","value":"new"}})", name);
    EXPECT_EQ(world.ask(Method::post, "/v1/tag/", billing).status, 200);
    const json::object shown = world.ask(Method::get, "/v1/redis/instance/" + name).json();
    EXPECT_EQ(json::get_string(shown, "billingcode"), "new");
    EXPECT_EQ(shown.at("tags").as_object().size(), 4U);
    EXPECT_EQ(json::get_string(shown, "REDIS_URL"), url);
}

TEST(RedisFace, AListIsPagedAndFilteredAndShowsNoPassword) {
    World world;
    std::vector<std::string> names;
    for (int i = 0; i < 5; ++i) {
        const std::string url = world.make(i % 2 == 0 ? "small" : "large", {}, fmt::format("code{}", i));
        names.push_back(World::name_in(url));
        world.manual.advance(std::chrono::seconds(1));
    }
    world.ask(Method::post, "/v1/tag", fmt::format(R"({{"resource":"{}","name":"team","value":"web"}})", names[3]));
    const auto listed = [&](const std::string& query) {
        const Reply reply = world.ask(Method::get, "/v1/redis/instance" + query);
        EXPECT_EQ(reply.status, 200) << reply.body;
        std::vector<std::string> found;
        for (const auto& item : reply.json().at("instances").as_array()) {
            found.push_back(json::get_string(item.as_object(), "name"));
        }
        return std::pair(found, json::get_string(reply.json(), "next"));
    };
    EXPECT_EQ(listed("").first, names);
    EXPECT_EQ(listed("?billingcode=code1").first, std::vector{names[1]});
    EXPECT_EQ(listed("?plan=large").first, (std::vector{names[1], names[3]}));
    EXPECT_EQ(listed("?tag.team=web").first, std::vector{names[3]});
    EXPECT_EQ(listed("?tag.team=other").first, std::vector<std::string>());
    const auto first = listed("?limit=2");
    EXPECT_EQ(first.first, (std::vector{names[0], names[1]}));
    const auto second = listed("?limit=3&after=" + first.second);
    EXPECT_EQ(second.first, (std::vector{names[2], names[3], names[4]}));
    EXPECT_EQ(second.second, "") << "the last page says so";
    const std::string all = world.ask(Method::get, "/v1/redis/instance/").body;
    EXPECT_EQ(all.find("default:"), std::string::npos) << all;
    EXPECT_NE(all.find("redis://" + names[0] + ".localhost:2"), std::string::npos) << all;
}

TEST(RedisFace, OneItemOfAListAsAWhole) {
    World world;
    world.make();
    EXPECT_EQ(golden(world.ask(Method::get, "/v1/redis/instance")),
              R"(200 {"instances":[{"REDIS_URL":"redis://NAME.localhost:PORT","billingcode":"gwp",)"
              R"("created_at":"TIME","health":"healthy","name":"NAME","plan":"small","state":"ready","tags":{}}],)"
              R"("next":null})");
}

TEST(RedisFace, ADeletionDuringTheCreationHaltsIt) {
    World world;
    world.worker.paused = true;
    const std::string name = json::get_string(world.ask(Method::post, "/v1/redis/instance", kSmall).json(), "name");
    EXPECT_EQ(world.ask(Method::delete_, "/v1/redis/instance/" + name).status, 200);
    EXPECT_EQ(world.ask(Method::get, "/v1/redis/url/" + name).status, 404);
    world.worker.paused = false;
    world.settle();
    EXPECT_EQ(world.ask(Method::delete_, "/v1/redis/instance/" + name).status, 404);
}

}  // namespace
}  // namespace slipway::faces::test
