#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/random.h"
#include "base/secret.h"

namespace slipway {
namespace {

TEST(Json, DumpSortsKeysAndKeepsDoublesPlainBecauseClientsCompareText) {
    const auto parsed = json::parse(R"({"b":0.5,"a":[1,null,true,"\u00e9\n"],"c":{"z":1e300,"y":-3}})");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(json::dump(*parsed), "{\"a\":[1,null,true,\"é\\n\"],\"b\":0.5,\"c\":{\"y\":-3,\"z\":1e+300}}");
}

// Every byte that may stand in a text, and every way to escape one: clients compare answers as text, and what is
// written must be what the library that reads it would have written.
TEST(Json, TextsAreEscapedAsTheLibraryDoes) {
    std::string text = "é";
    for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
    EXPECT_EQ(json::dump(json::value(text)), boost::json::serialize(json::value(text)));
    EXPECT_EQ(json::dump(json::object{{text, ""}}), boost::json::serialize(json::object{{text, ""}}));
    const auto back = json::parse(json::dump(json::value(text)));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->as_string(), text);
}

TEST(Json, TheLargestIntegersKeepAllDigits) {
    EXPECT_EQ(json::dump(json::array{INT64_MIN, INT64_MAX, UINT64_MAX, 0}),
              "[-9223372036854775808,9223372036854775807,18446744073709551615,0]");
}

// What is written must read the same, or a stored value changes by being looked at.
TEST(Json, NumbersThatCouldNotBeWrittenAgainAreRefused) {
    for (const std::string_view text : {"1e999", "-1e999", R"({"a":[{"b":1e400}]})"}) {
        const auto parsed = json::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::malformed);
        EXPECT_NE(parsed.error().message.find("out of range"), std::string::npos) << parsed.error().message;
    }
    EXPECT_EQ(json::dump(*json::parse("[-0.0,-0,1.7e308,1e-999]")), "[0,0,1.7e+308,0]");
}

TEST(Json, ErrorNamesLineAndColumn) {
    const auto parsed = json::parse("{\n  \"a\": 1,\n}");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, ErrorCode::malformed);
    EXPECT_NE(parsed.error().message.find("line 3, column 1"), std::string::npos) << parsed.error().message;
}

TEST(Json, RefusesTrailingBytesEmptyInputAndDeepNesting) {
    EXPECT_FALSE(json::parse("{} {}"));
    EXPECT_FALSE(json::parse(""));
    EXPECT_FALSE(json::parse(std::string(40, '[') + std::string(40, ']')));
    EXPECT_TRUE(json::parse(std::string(30, '[') + std::string(30, ']')));
}

TEST(Ids, LaterIdsSortLaterBecausePagesGoByIdAndAge) {
    SeededRandom random(1);
    const TimePoint start = from_micros(1'700'000'000'000'000);
    const std::string first = make_ulid(start, random);
    const std::string second = make_ulid(start + std::chrono::milliseconds(1), random);
    EXPECT_EQ(first.size(), 26U);
    EXPECT_LT(first, second);
}

TEST(Secret, WipesWhatItMovedFrom) {
    Secret secret(std::string("short"));
    const Secret moved = std::move(secret);
    EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_TRUE(moved.equals("short"));
    EXPECT_FALSE(moved.equals("shorT"));
    EXPECT_FALSE(moved.equals("shor"));
}

TEST(Clock, FormatsMillisecondsInUtc) {
    EXPECT_EQ(format_time(from_micros(1463718483758000)), "2016-05-20T04:28:03.758Z");
    EXPECT_EQ(format_time(from_micros(0)), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_time(from_micros(-1)), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(format_time(from_micros(-62'135'596'800'000'000)), "0001-01-01T00:00:00.000Z");
    EXPECT_EQ(format_time(from_micros(253'402'300'799'999'999)), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(format_time(from_micros(253'402'300'800'000'000)), "10000-01-01T00:00:00.000Z");
}

TEST(Random, SameSeedSameHistory) {
    SeededRandom a(7);
    SeededRandom b(7);
    EXPECT_EQ(a.alphanumeric(40), b.alphanumeric(40));
    EXPECT_LT(SystemRandom().unit(), 1.0);
}

}  // namespace
}  // namespace slipway
