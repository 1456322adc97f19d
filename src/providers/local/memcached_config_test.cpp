#include "providers/local/memcached_config.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/local/config_test_support.h"

namespace slipway::local {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kMebibyte = 1 << 20;

Spec memcached(json::object parameters = {}) {
    Spec spec = spec_of("memcached");
    spec.secrets.clear();
    spec.parameters = std::move(parameters);
    return spec;
}
// The value that follows an option; "" where there is none.
std::string option(const Setup& setup, std::string_view name) {
    const auto found = std::ranges::find(setup.args, name);
    return found == setup.args.end() || found + 1 == setup.args.end() ? "" : *(found + 1);
}

TEST(MemcachedConfig, ThePlansLimitsBecomeArguments) {
    const auto setup = memcached_setup(
        target(), memcached({{"maxmemory", 256 * kMebibyte}, {"maxclients", 50}, {"max_item_size", 2 * kMebibyte}}),
        kLoopback);
    ASSERT_TRUE(setup) << setup.error().message;
    EXPECT_EQ(option(*setup, "-m"), "256");
    EXPECT_EQ(option(*setup, "-I"), "2097152");
    EXPECT_EQ(option(*setup, "-p"), "20001");
    EXPECT_EQ(option(*setup, "-l"), "127.0.0.1,::1") << "on no other address";
    EXPECT_EQ(option(*setup, "-U"), "0") << "a cache that answers by UDP makes floods larger";
    EXPECT_EQ(setup->port, 20'001);
    EXPECT_GT(std::stoll(option(*setup, "-c")), 50) << "what it keeps to itself comes on top";
    EXPECT_GT(setup->open_files, static_cast<std::uint64_t>(std::stoll(option(*setup, "-c"))));
    EXPECT_GT(setup->memory, std::uint64_t{256} << 20);
    EXPECT_GT(setup->file_size, 0U) << "any client can make it print without end";
    EXPECT_TRUE(setup->files.empty());
}

TEST(MemcachedConfig, WhatNoPlanSaysIsSmall) {
    const auto setup = memcached_setup(target(), memcached(), {"127.0.0.1"});
    ASSERT_TRUE(setup);
    EXPECT_EQ(option(*setup, "-m"), "64");
    EXPECT_EQ(option(*setup, "-I"), "1048576");
    EXPECT_EQ(option(*setup, "-l"), "127.0.0.1");
    // The smallest that memcached starts with at all: an item may take half of the memory.
    const auto least = memcached_setup(target(), memcached({{"maxmemory", kMebibyte}}), kLoopback);
    ASSERT_TRUE(least);
    EXPECT_EQ(option(*least, "-I"), "524288");
}

TEST(MemcachedConfig, TheTagChangesWithWhatNeedsARestart) {
    const std::string before = memcached_setup(target(), memcached(), kLoopback)->tag;
    EXPECT_EQ(memcached_setup(target(), memcached({{"maxmemory", 64 * kMebibyte}}), kLoopback)->tag, before);
    for (const json::object& parameters :
         {json::object{{"maxmemory", 65 * kMebibyte}}, json::object{{"maxclients", 5}},
          json::object{{"max_item_size", 2 * kMebibyte}}}) {
        EXPECT_NE(memcached_setup(target(), memcached(parameters), kLoopback)->tag, before)
            << json::dump(parameters);
    }
    Spec port = memcached();
    port.allocations["port"] = 20'002;
    EXPECT_NE(memcached_setup(target(), port, kLoopback)->tag, before);
    EXPECT_NE(memcached_setup(target(), memcached(), {"127.0.0.1"})->tag, before);
}

TEST(MemcachedConfig, AWrongParameterIsPermanentAndNamesItself) {
    const std::vector<std::pair<std::string, json::value>> wrong{
        {"maxmemory", 0},
        {"maxmemory", -1},
        {"maxmemory", "64mb"},
        {"maxmemory", kMebibyte + 1},
        {"maxmemory", (std::int64_t{1} << 50) + 1},
        {"maxclients", 0},
        {"maxclients", 10'001},
        {"max_item_size", 1024},
        {"max_item_size", 700'000},
        {"max_item_size", 33 * kMebibyte},  // more than half of the memory
        {"max_item_size", "1m -A"}};
    for (const auto& [key, value] : wrong) {
        const auto setup = memcached_setup(target(), memcached({{key, value}}), kLoopback);
        ASSERT_FALSE(setup) << key << " " << json::dump(value);
        EXPECT_EQ(setup.error().error_class, ErrorClass::permanent);
        EXPECT_THAT(setup.error().message, HasSubstr(key));
    }
    const auto huge = memcached_setup(
        target(), memcached({{"maxmemory", 4096 * kMebibyte}, {"max_item_size", 1025 * kMebibyte}}), kLoopback);
    ASSERT_FALSE(huge);
    EXPECT_THAT(huge.error().message, HasSubstr("1073741824")) << "memcached's own limit";
    Spec nowhere = memcached();
    nowhere.allocations.clear();
    EXPECT_FALSE(memcached_setup(target(), nowhere, kLoopback));
}

// Whoever reaches its port owns the cache.
TEST(MemcachedConfig, WithoutPasswordsItListensOnLoopbackOnly) {
    for (const std::string address : {"0.0.0.0", "::", "192.0.2.1", "not an address"}) {
        const auto setup = memcached_setup(target(), memcached(), {"127.0.0.1", address});
        ASSERT_FALSE(setup) << address;
        EXPECT_EQ(setup.error().error_class, ErrorClass::permanent);
        EXPECT_THAT(setup.error().message, HasSubstr("loopback"));
    }
    EXPECT_FALSE(memcached_setup(target(), memcached({{"password", true}}), kLoopback));
    EXPECT_TRUE(memcached_setup(target(), memcached({{"password", false}}), kLoopback));
}

}  // namespace
}  // namespace slipway::local
