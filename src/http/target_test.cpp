#include "http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Target, DecodesSegmentsAndQuery) {
    Target target;
    ASSERT_TRUE(target.parse("/v1/na%20me/%C3%A9?a=1&b=x+y%26z&a=2&flag&=odd"));
    EXPECT_THAT(target.segments(), ElementsAre("v1", "na me", "é"));
    EXPECT_THAT(target.parameters(),
                ElementsAre(Pair("a", "1"), Pair("b", "x y&z"), Pair("a", "2"), Pair("flag", ""), Pair("", "odd")));
    EXPECT_EQ(target.query("a"), "1");
    EXPECT_EQ(target.query("c"), std::nullopt);
}

TEST(Target, KeepsCredentialsThatClientsPutIntoASegment) {
    Target target;
    ASSERT_TRUE(target.parse("/v1/redis/url/default:p%40ss@oct-f592509d"));
    EXPECT_EQ(target.segments().back(), "default:p@ss@oct-f592509d");
}

TEST(Target, TrailingSlashIsNoSegment) {
    Target target;
    ASSERT_TRUE(target.parse("/a/"));
    EXPECT_THAT(target.segments(), ElementsAre("a"));
    EXPECT_TRUE(target.trailing_slash());
    ASSERT_TRUE(target.parse("/"));
    EXPECT_THAT(target.segments(), IsEmpty());
    EXPECT_FALSE(target.trailing_slash());
    ASSERT_TRUE(target.parse("/a//b"));
    EXPECT_THAT(target.segments(), ElementsAre("a", "", "b")) << "an empty segment must not vanish";
}

TEST(Target, TakesAbsoluteFormBecauseServersMust) {
    Target target;
    ASSERT_TRUE(target.parse("http://example.org:80/a/b?c=d"));
    EXPECT_THAT(target.segments(), ElementsAre("a", "b"));
    ASSERT_TRUE(target.parse("HTTP://example.org"));
    EXPECT_THAT(target.segments(), IsEmpty());
    ASSERT_TRUE(target.parse("http://example.org?x=1"));
    EXPECT_EQ(target.query("x"), "1");
}

TEST(Target, AsteriskIsItsOwnForm) {
    Target target;
    ASSERT_TRUE(target.parse("*"));
    EXPECT_TRUE(target.asterisk());
    ASSERT_TRUE(target.parse("/x"));
    EXPECT_FALSE(target.asterisk()) << "storage is reused, state is not";
}

class BadTarget : public testing::TestWithParam<std::string_view> {};

TEST_P(BadTarget, IsMalformedAndNeverQuoted) {
    Target target;
    const Status parsed = target.parse(GetParam());
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, ErrorCode::malformed);
    if (GetParam().size() > 4) {
        EXPECT_EQ(parsed.error().message.find(GetParam()), std::string::npos);
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, BadTarget,
                         testing::Values("", "a", "a/b", "ftp://host/a", "http:///a", "http://user@host/a", "//%",
                                         "/a/../b", "/..", "/.", "/a/%2e%2e/b", "/%2E", "/a%2fb", "/a%2Fb",
                                         "/a%00b", "/%0a", "/%7f", "/%", "/%1", "/%zz", "/%4", "/a?b=%", "/a?b=%0g",
                                         "/a?b=%00", "/a#b", "/a?b#c", "/\xc3\xa9", "/%c3", "/%c3%28", "/%c0%af",
                                         "/%ed%a0%80", "/%f5%80%80%80", "/?q=%ff"));

TEST(Target, SurvivesAMove) {
    Target first;
    ASSERT_TRUE(first.parse("/a?b=c"));
    const Target second = std::move(first);
    EXPECT_THAT(second.segments(), ElementsAre("a"));
    EXPECT_EQ(second.query("b"), "c");
}

}  // namespace
}  // namespace slipway::http
