#include "providers/local/redis_config.h"

#include <gtest/gtest.h>

#include "providers/local/config_test_support.h"

namespace slipway::local {
namespace {

Spec redis() { return spec_of("redis"); }

TEST(RedisConfig, HoldsHashesAndNeverAPassword) {
    const auto config = redis_config(target(), redis(), kLoopback);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->text.find("canary"), std::string::npos);
    EXPECT_NE(config->text.find("user default on #"), std::string::npos);
    EXPECT_NE(config->text.find("user slipway-3 on #"), std::string::npos);
    EXPECT_NE(config->text.find("bind 127.0.0.1 -::1\n"), std::string::npos);
}

TEST(RedisConfig, TheTagChangesWithWhatNeedsARestartAndNotWithWhatCanBeSetOnline) {
    const auto before = redis_config(target(), redis(), kLoopback);
    Spec online = redis();
    online.parameters = {{"maxmemory", 1'000'000}, {"maxmemory_policy", "allkeys-lru"}, {"appendfsync", "always"}};
    EXPECT_EQ(redis_config(target(), online, kLoopback)->tag, before->tag);
    Spec port = redis();
    port.allocations["port"] = 20'002;
    EXPECT_NE(redis_config(target(), port, kLoopback)->tag, before->tag);
    Spec clients = redis();
    clients.parameters = {{"maxclients", 5}};
    EXPECT_NE(redis_config(target(), clients, kLoopback)->tag, before->tag);
    Spec password = redis();
    password.secrets["password"] = Secret("another");
    EXPECT_NE(redis_config(target(), password, kLoopback)->tag, before->tag);
}

TEST(RedisConfig, AWrongParameterIsPermanentAndNamesItself) {
    const std::vector<std::pair<std::string, json::value>> wrong{{"maxmemory", -1},
                                                                 {"maxmemory", "64mb"},
                                                                 {"maxmemory_policy", "none\nrequirepass x"},
                                                                 {"appendfsync", "sometimes"},
                                                                 {"maxclients", 0},
                                                                 {"maxclients", 100'000},
                                                                 {"max_file_bytes", 1}};
    for (const auto& [key, value] : wrong) {
        Spec broken = redis();
        broken.parameters[key] = value;
        const auto config = redis_config(target(), broken, kLoopback);
        ASSERT_FALSE(config) << key;
        EXPECT_EQ(config.error().error_class, ErrorClass::permanent);
        EXPECT_NE(config.error().message.find(key), std::string::npos) << config.error().message;
    }
}

TEST(RedisConfig, WithoutAPasswordItListensOnLoopbackOnly) {
    Spec open = redis();
    open.parameters = {{"password", false}};
    const auto config = redis_config(target(), open, kLoopback);
    ASSERT_TRUE(config);
    EXPECT_NE(config->text.find("user default on nopass "), std::string::npos);
    EXPECT_NE(config->text.find("protected-mode no\n"), std::string::npos);
    EXPECT_FALSE(redis_config(target(), open, {"0.0.0.0"}));
    Spec none = redis();
    none.secrets.erase("password");
    none.parameters = {{"password", true}};
    EXPECT_FALSE(redis_config(target(), none, kLoopback));
}

}  // namespace
}  // namespace slipway::local
