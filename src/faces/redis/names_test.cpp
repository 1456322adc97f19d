#include "faces/redis/names.h"

#include <gtest/gtest.h>

#include "faces/url.h"

namespace slipway::faces {
namespace {

TEST(InstanceName, IsFoundInEveryFormThatClientsSend) {
    for (const std::string_view text :
         {"oct-f592509d", "default:PASSWORD@oct-f592509d", "default:P@SS@oct-f592509d", "oct-f592509d.localhost",
          "oct-f592509d:6379", "oct-f592509d.fuetsj.0001.usw2.cache.amazonaws.com:6379",
          "default:PASSWORD@oct-f592509d.localhost:20000", "redis://oct-f592509d.localhost:20000",
          "rediss://default:PASSWORD@oct-f592509d.localhost:20000/0",
          "arn:aws:elasticache:us-west-2:123456789012:cluster:oct-f592509d"}) {
        EXPECT_EQ(instance_name(text), "oct-f592509d") << text;
    }
}

TEST(InstanceName, IsEmptyWhereThereIsNoneSoThatNothingIsLookedUp) {
    for (const std::string_view text : {"", "@", "default:PASSWORD@", ".localhost", "redis://", "arn:aws:"}) {
        EXPECT_EQ(instance_name(text), "") << text;
    }
    EXPECT_EQ(instance_name(std::string(100'000, 'a')), "");
}

// Providers may answer addresses, and passwords may one day be chosen by people.
TEST(RedisUrl, EncodesWhatAUrlCannotCarry) {
    EXPECT_EQ(url_of({"redis", "oct-1.localhost", 6379}, std::nullopt), "redis://oct-1.localhost:6379");
    EXPECT_EQ(url_of({"rediss", "::1", 1}, Secret("p@s:/ %ü")), "rediss://default:p%40s%3A%2F%20%25%C3%BC@[::1]:1");
}

// Clients drop the scheme and everything from the first dot on: that dot must not be the password's.
TEST(RedisUrl, CutAtItsFirstDotStillNamesTheInstance) {
    const std::string url = url_of({"redis", "oct-1.localhost", 6379}, Secret("a.b@c"));
    EXPECT_EQ(url, "redis://default:a%2Eb%40c@oct-1.localhost:6379");
    EXPECT_EQ(instance_name(url.substr(8, url.find('.') - 8)), "oct-1");
}

}  // namespace
}  // namespace slipway::faces
