// Ends of machines: one more member of the requests that the document knows, and a PATCH of ours.
#include "faces/ec2/ec2_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kRule =
    R"(expires_in must be a duration from 1s to 3650d, as a number of seconds or like \"2h\", or \"never\")";

std::string lasting(const std::string& lifetime) {
    return R"({"username":"suitepad","password":"suitepad","expires_in":)" + lifetime + "}";
}

class Ec2ExpiryTest : public Ec2Test {
  protected:
    std::string in(Duration time) { return format_time(world.clock().now() + time); }
    Reply move(const std::string& address, std::string body, const Fields& fields = {}) {
        return world.ask(Method::patch, "/instances/" + address, std::move(body), fields);
    }
    // "" where it has none.
    std::string end_of_last() {
        const json::array all = listed();
        return all.empty() ? "there is none" : json::get_string(all.back().as_object(), "expires_at");
    }
};

TEST_F(Ec2ExpiryTest, EveryCreateTakesOneAndTheListShowsIt) {
    ASSERT_EQ(create(lasting("7200")).status, 200);
    EXPECT_EQ(end_of_last(), in(std::chrono::hours(2)));
    world.manual.advance(std::chrono::seconds(1));
    begin(lasting(R"("30m")"));
    EXPECT_EQ(end_of_last(), in(std::chrono::minutes(30)));
    world.manual.advance(std::chrono::seconds(1));
    ASSERT_EQ(world.ask(Method::post, "/instances", lasting(R"("1d")")).status, 202);
    EXPECT_EQ(end_of_last(), in(std::chrono::hours(24)));
    world.manual.advance(std::chrono::seconds(1));
    ASSERT_EQ(create().status, 200) << "the document's own request";
    EXPECT_EQ(end_of_last(), "");
}

TEST_F(Ec2ExpiryTest, AnEndIsMovedByAddress) {
    const std::string address = make();
    const Reply moved = move(address, R"({"expires_in":"4h"})");
    ASSERT_EQ(moved.status, 200) << moved.body;
    EXPECT_EQ(json::get_string(moved.json(), "expires_at"), in(std::chrono::hours(4)));
    EXPECT_EQ(json::get_string(moved.json(), "ip"), address);
    EXPECT_TRUE(moved.json().at("task_id").is_null()) << "there is nothing to wait for";
    EXPECT_EQ(end_of_last(), in(std::chrono::hours(4)));
    const Reply taken = move(address, R"({"expires_in":"never"})");
    EXPECT_EQ(taken.status, 200);
    EXPECT_TRUE(taken.json().at("expires_at").is_null());
}

TEST_F(Ec2ExpiryTest, WhatIsWrongIsNamedAndNothingHappens) {
    const std::string address = make();
    const Counts before = world.counts();
    for (const std::string bad : {"0", "-1", "1.5", "true", "[]", R"("soon")", R"("2h30m")", "315360001"}) {
        for (const std::string path : {"/create", "/create-async", "/instances"}) {
            const Reply reply = world.ask(Method::post, path, lasting(bad));
            EXPECT_EQ(reply.status, 400) << path << " " << bad;
            EXPECT_THAT(reply.body, HasSubstr(std::string(kRule))) << path << " " << bad;
        }
        const Reply reply = move(address, R"({"expires_in":)" + bad + "}");
        EXPECT_EQ(reply.status, 400) << bad;
        EXPECT_THAT(reply.body, HasSubstr(std::string(kRule))) << bad;
        EXPECT_THAT(reply.body, HasSubstr(R"("ip":")" + address + '"'));
        EXPECT_THAT(reply.body, HasSubstr(R"("status":"FAILURE")"));
    }
    for (const std::string none : {"{}", R"({"expires_in":null})", R"({"lifetime":"2h"})"}) {
        const Reply reply = move(address, none);
        EXPECT_EQ(reply.status, 400) << none;
        EXPECT_THAT(reply.body, HasSubstr("expires_in is required")) << none;
    }
    EXPECT_THAT(move(address, "").body, HasSubstr("empty"));
    EXPECT_EQ(move(address, "{").status, 400);
    EXPECT_EQ(world.counts(), before);
}

TEST_F(Ec2ExpiryTest, OnlyOnesOwnMachineHasAnEndToMove) {
    const std::string address = make(World::bearer(world.key("team", Role::user)));
    EXPECT_EQ(move("10.77.0.99", R"({"expires_in":"4h"})").status, 404);
    EXPECT_EQ(move("nowhere", R"({"expires_in":"4h"})").status, 404);
    EXPECT_EQ(move(address, R"({"expires_in":"4h"})", World::bearer(world.key("other", Role::user))).status, 404);
    EXPECT_EQ(move(address, R"({"expires_in":"4h"})", World::bearer(world.key("team", Role::reader))).status, 403);
    EXPECT_EQ(move(address, R"({"expires_in":"4h"})", World::bearer("no such key")).status, 401);
}

TEST_F(Ec2ExpiryTest, TheEndOfWhatIsBeingRemovedIsBehindIt) {
    const std::string address = make();
    world.worker.paused = true;
    ASSERT_EQ(world.ask(Method::delete_, "/instances/" + address).status, 202);
    const Reply late = move(address, R"({"expires_in":"4h"})");
    EXPECT_EQ(late.status, 409) << late.body;
    EXPECT_THAT(late.body, HasSubstr("it is being removed already"));
}

}  // namespace
}  // namespace slipway::faces::test
