#include "http/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

BodyReader reader(std::string_view text) {
    auto parsed = BodyReader::parse(text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
    return std::move(*parsed);
}

TEST(Body, ReadsTypedFieldsAndIgnoresUnknownOnes) {
    auto body =
        reader(R"({"plan":"small","size":3,"on":true,"labels":{"team":"a","b":""},"other":[1],"none":null})");
    EXPECT_EQ(body.required_string("plan"), "small");
    EXPECT_EQ(body.optional_integer("size", 1, 10), 3);
    EXPECT_EQ(body.optional_boolean("on"), true);
    EXPECT_EQ(body.optional_map("labels"), (std::map<std::string, std::string>{{"team", "a"}, {"b", ""}}));
    EXPECT_EQ(body.optional_string("none"), std::nullopt);
    EXPECT_EQ(body.optional_string("absent"), std::nullopt);
    EXPECT_THAT(body.optional_map("absent"), IsEmpty());
    EXPECT_TRUE(body.finish());
}

TEST(Body, CollectsEveryProblemBecauseOneAnswerShouldNameThemAll) {
    auto body =
        reader(R"({"plan":7,"name":"","size":11,"half":0.5,"on":1,"labels":{"a":1},"code":"A b","gone":null})");
    body.required_string("plan");
    body.required_string("name");
    body.optional_integer("size", 1, 10);
    body.optional_integer("half");
    body.optional_boolean("on");
    body.optional_map("labels");
    body.optional_string("code", {.allowed = "a-z0-9-"});
    body.required_string("gone");
    body.required_string("absent");
    const Status status = body.finish();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(status.error().message, "field plan: must be a string (and 8 more)");
    EXPECT_THAT(
        status.error().problems,
        ElementsAre(FieldProblem{"plan", "must be a string"}, FieldProblem{"name", "must not be empty"},
                    FieldProblem{"size", "must be between 1 and 10"}, FieldProblem{"half", "must be an integer"},
                    FieldProblem{"on", "must be true or false"}, FieldProblem{"labels.a", "must be a string"},
                    FieldProblem{"code", "may hold only the characters [a-z0-9-]"},
                    FieldProblem{"gone", "is required"}, FieldProblem{"absent", "is required"}));
}

TEST(Body, LengthsCountCharactersNotBytes) {
    auto body = reader(R"({"name":"ééé"})");
    EXPECT_EQ(body.optional_string("name", {.max_length = 3}), "ééé");
    EXPECT_EQ(body.optional_string("name", {.max_length = 2}), std::nullopt);
    EXPECT_FALSE(body.finish());
}

TEST(Body, ControlCharactersAreRefusedUnlessARuleNamesThem) {
    auto body = reader(R"({"name":"a\nb"})");
    EXPECT_EQ(body.optional_string("name"), std::nullopt);
    EXPECT_EQ(body.optional_string("name", {.allowed = "a-z\n"}), "a\nb");
}

TEST(Body, IntegersBeyondInt64AreOutOfRangeNotWrapped) {
    auto body = reader(R"({"n":18446744073709551615,"m":"5"})");
    EXPECT_EQ(body.optional_integer("n", 0, 100), std::nullopt);
    EXPECT_EQ(body.required_integer("m", 2, 100), 2);
    EXPECT_EQ(body.finish().error().problems.size(), 2U);
}

TEST(Body, MapsAreBounded) {
    auto body = reader(R"({"a":{"x":"1","y":"2"},"b":{"":"1"},"c":[],"d":{"k":"toolong"}})");
    EXPECT_THAT(body.optional_map("a", {.max_entries = 1}), IsEmpty());
    EXPECT_THAT(body.optional_map("b"), IsEmpty());
    EXPECT_THAT(body.optional_map("c"), IsEmpty());
    EXPECT_THAT(body.optional_map("d", {.value = {.max_length = 3}}), IsEmpty());
    EXPECT_THAT(body.finish().error().problems, ElementsAre(FieldProblem{"a", "must have at most 1 entries"},
                                                            FieldProblem{"b (a key of it)", "must not be empty"},
                                                            FieldProblem{"c", "must be an object of strings"},
                                                            FieldProblem{"d.k", "must have at most 3 characters"}));
}

TEST(Body, SecretsComeOutAsSecrets) {
    auto body = reader(R"({"password":"hunter2"})");
    const auto secret = body.optional_secret("password");
    ASSERT_TRUE(secret);
    EXPECT_TRUE(secret->equals("hunter2"));
}

TEST(Body, OnlyObjectsAreBodies) {
    EXPECT_EQ(BodyReader::parse("{").error().code, ErrorCode::malformed);
    EXPECT_EQ(BodyReader::parse("plan=small").error().code, ErrorCode::malformed);
    EXPECT_EQ(BodyReader::parse("[1]").error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(BodyReader::parse(" \n").error().code, ErrorCode::invalid_argument);
    EXPECT_TRUE(BodyReader::parse(" \n", EmptyBody::is_empty_object));
}

TEST(Body, ParseErrorsNeverQuoteTheBodyBecauseItMayHoldASecret) {
    const auto parsed = BodyReader::parse(R"({"password": "hunter2" oops)");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
    EXPECT_NE(parsed.error().message.find("line 1"), std::string::npos);
}

}  // namespace
}  // namespace slipway::http
