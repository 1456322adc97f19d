#include "broker/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using ::testing::HasSubstr;

LabelSelector parsed(std::string_view text) {
    auto selector = parse_selector(text);
    EXPECT_TRUE(selector) << text << ": " << (selector ? "" : selector.error().message);
    return selector ? std::move(*selector) : LabelSelector();
}

bool takes(std::string_view text, const std::map<std::string, std::string>& labels) {
    return matches(parsed(text), labels);
}

TEST(Selector, EqualsAndItsOppositeAsKubernetesHasThem) {
    EXPECT_TRUE(takes("env=prod", {{"env", "prod"}}));
    EXPECT_TRUE(takes("env==prod", {{"env", "prod"}}));
    EXPECT_FALSE(takes("env=prod", {{"env", "test"}}));
    EXPECT_FALSE(takes("env=prod", {}));
    EXPECT_TRUE(takes("env!=prod", {{"env", "test"}}));
    EXPECT_FALSE(takes("env!=prod", {{"env", "prod"}}));
    EXPECT_TRUE(takes("env!=prod", {})) << "what has no such label is not of that value";
    EXPECT_TRUE(takes("env=", {{"env", ""}})) << "a value may be empty";
}

TEST(Selector, SetsAndExistence) {
    EXPECT_TRUE(takes("zone in (a, b)", {{"zone", "b"}}));
    EXPECT_FALSE(takes("zone in (a,b)", {{"zone", "c"}}));
    EXPECT_FALSE(takes("zone in (a,b)", {}));
    EXPECT_TRUE(takes("zone notin (a,b)", {{"zone", "c"}}));
    EXPECT_TRUE(takes("zone notin (a,b)", {}));
    EXPECT_FALSE(takes("zone notin(a)", {{"zone", "a"}}));
    EXPECT_TRUE(takes("team", {{"team", "x"}}));
    EXPECT_FALSE(takes("team", {}));
    EXPECT_TRUE(takes("!old", {}));
    EXPECT_FALSE(takes("! old", {{"old", "1"}}));
    EXPECT_TRUE(takes("in", {{"in", "1"}})) << "words of the language are names where a name belongs";
    EXPECT_TRUE(takes("notin in (in)", {{"notin", "in"}}));
}

TEST(Selector, AllRequirementsMustHold) {
    const std::string_view text = "env=prod,tier!=db,team,!old,zone in (a,b)";
    EXPECT_TRUE(takes(text, {{"env", "prod"}, {"team", "x"}, {"zone", "a"}}));
    EXPECT_FALSE(takes(text, {{"env", "prod"}, {"team", "x"}, {"zone", "a"}, {"tier", "db"}}));
    EXPECT_FALSE(takes(text, {{"env", "prod"}, {"zone", "a"}}));
    EXPECT_TRUE(takes("", {})) << "no requirement: everything";
    EXPECT_TRUE(takes("  env = prod , team  ", {{"env", "prod"}, {"team", "x"}}));
    EXPECT_EQ(parsed("a.b/c:d-e_F9=x").requirements.at(0).key, "a.b/c:d-e_F9");
}

TEST(Selector, WhatIsNoneSaysWhereAndWhatIsMissing) {
    for (const auto& [text, says] :
         {std::pair("=x", "at character 1: expected the name of a label"),
          std::pair("a b", "at character 3: expected =, ==, !=, in, notin"),
          std::pair("a=b,", "expected a requirement after the comma"),
          std::pair("a=b;c", "expected a comma or the end"), std::pair("a!b", "expected = after !"),
          std::pair("a in b", "expected ( and the values"), std::pair("a in (b", "expected a comma or )"),
          std::pair("a in (b c)", "expected a comma or )"), std::pair("!", "expected the name of a label"),
          std::pair("!!a", "expected the name of a label"), std::pair("a=\"b\"", "expected a comma or the end"),
          std::pair("a=b' OR '1'='1", "expected a comma or the end")}) {
        const auto selector = parse_selector(text);
        ASSERT_FALSE(selector) << text;
        EXPECT_EQ(selector.error().code, ErrorCode::invalid_argument);
        EXPECT_THAT(selector.error().message, HasSubstr(says)) << text;
    }
}

TEST(Selector, EverythingHasABound) {
    EXPECT_FALSE(parse_selector(std::string(1025, 'a')));
    EXPECT_FALSE(parse_selector(std::string(64, 'k')));
    EXPECT_TRUE(parse_selector(std::string(63, 'k')));
    std::string requirements = "k0";
    for (int i = 1; i < 32; ++i) requirements += ",k" + std::to_string(i);
    EXPECT_TRUE(parse_selector(requirements));
    EXPECT_FALSE(parse_selector(requirements + ",more"));
    std::string values = "k in (v";
    for (int i = 1; i < 64; ++i) values += ",v";
    EXPECT_TRUE(parse_selector(values + ")"));
    EXPECT_FALSE(parse_selector(values + ",v)"));
    EXPECT_FALSE(parse_selector(values + "),k=v")) << "all values count together";
}

// Whatever bytes come, the parser ends, and what it takes can be asked.
TEST(Selector, AnyBytesAreTakenOrRefused) {
    std::uint32_t state = 7;
    constexpr std::string_view kBytes = "ab=!,() in notin\t\n\"\\\x80\xff:/.-_09";
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        state = state * 1664525 + 1013904223;
        const std::size_t length = (state >> 16) % 24;
        while (text.size() < length) {
            state = state * 1664525 + 1013904223;
            text += kBytes[(state >> 16) % kBytes.size()];
        }
        if (const auto selector = parse_selector(text)) matches(*selector, {{"a", "b"}});
    }
}

}  // namespace
}  // namespace slipway
