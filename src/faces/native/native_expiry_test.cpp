// Ends through the native face: asked for, shown, moved, and refused in words.
#include <gmock/gmock.h>

#include "faces/machine_test_support.h"
#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Catalog lasting_catalog() {
    std::vector<Plan> plans = machine_catalog().plans();
    Plan lab = plans.back();
    lab.name = "lab";
    lab.lifetime = std::chrono::hours(2);
    lab.max_lifetime = std::chrono::hours(24);
    plans.push_back(std::move(lab));
    return Catalog(std::move(plans));
}

class NativeExpiryTest : public NativeTest {
  protected:
    NativeExpiryTest() : NativeTest(lasting_catalog()) {}

    std::string in(Duration time) { return format_time(world.clock().now() + time); }
    std::string problem_of(const Reply& reply) {
        EXPECT_EQ(reply.status, 400) << reply.body;
        const json::array problems = items(reply, "problems");
        EXPECT_EQ(problems.size(), 1U) << reply.body;
        if (problems.empty()) return {};
        const json::object& first = problems.front().as_object();
        return text(first, "field") + " " + text(first, "problem");
    }
};

TEST_F(NativeExpiryTest, ALifetimeIsAskedForInSecondsOrInWords) {
    for (const std::string given : {"7200", R"("7200")", R"("2h")", R"("120m")"}) {
        const json::object made = make(R"("expires_in":)" + given);
        EXPECT_EQ(text(made, "expires_at"), in(std::chrono::hours(2))) << given;
    }
    EXPECT_TRUE(make().at("expires_at").is_null());
    EXPECT_TRUE(make(R"("expires_in":null)").at("expires_at").is_null());
    EXPECT_TRUE(make(R"("expires_in":"never")").at("expires_at").is_null());
    EXPECT_EQ(text(make("", "lab"), "expires_at"), in(std::chrono::hours(2))) << "what its plan says";
}

TEST_F(NativeExpiryTest, WhatIsNoLifetimeIsNamedAndMakesNothing) {
    const Counts before = world.counts();
    for (const std::string bad :
         {"0", "-1", "1.5", "1e3", "18446744073709551615", "315360001", "true", "[]", "{}", R"("")", R"("0s")",
          R"("2 hours")", R"("2h30m")", R"("3651d")", R"("NEVER")", R"("2h\u0000")"}) {
        const std::string body = R"({"engine":"redis","plan":"small","expires_in":)" + bad + "}";
        EXPECT_EQ(problem_of(post("/api/v1/resources", body, user)),
                  "expires_in must be a duration from 1s to 3650d, as a number of seconds or like \"2h\", or "
                  "\"never\"")
            << bad;
    }
    EXPECT_EQ(problem_of(post("/api/v1/resources", R"({"engine":"redis","plan":"lab","expires_in":"25h"})", user)),
              "expires_in must be at most 1d: the plan lab allows no more");
    EXPECT_EQ(
        problem_of(post("/api/v1/resources", R"({"engine":"redis","plan":"lab","expires_in":"never"})", user)),
        "expires_in must not be \"never\": what has the plan lab ends within 1d");
    EXPECT_EQ(world.counts(), before);
}

TEST_F(NativeExpiryTest, AnEndIsMovedAtOnce) {
    const std::string path = "/api/v1/resources/" + text(make(R"("name":"a","expires_in":"1h")"), "id");
    world.manual.advance(std::chrono::minutes(30));
    const Reply moved = patch(path, R"({"expires_in":"4h"})", user);
    ASSERT_EQ(moved.status, 200) << moved.body;
    EXPECT_TRUE(moved.json().at("operation").is_null()) << "nobody has to be told";
    EXPECT_EQ(text(member(moved, "resource"), "expires_at"), in(std::chrono::hours(4)));
    EXPECT_EQ(text(get(path, reader).json(), "expires_at"), in(std::chrono::hours(4)));
    EXPECT_THAT(get(path + "/events", user).body, HasSubstr("a: it ends at " + in(std::chrono::hours(4))));
    EXPECT_TRUE(member(patch(path, R"({"expires_in":"never"})", user), "resource").at("expires_at").is_null());
    EXPECT_EQ(patch(path, R"({"expires_in":"4h"})", reader).status, 403);
    EXPECT_EQ(patch(path, R"({"expires_in":"4h"})", stranger).status, 404);
    EXPECT_THAT(problem_of(patch(path, R"({"expires_in":"soon"})", user)), HasSubstr("expires_in must be"));
}

TEST_F(NativeExpiryTest, AForcedEndStaysWithinItsBounds) {
    const std::string path = "/api/v1/resources/" + text(make(R"("name":"a")", "lab"), "id");
    EXPECT_EQ(problem_of(patch(path, R"({"expires_in":"never"})", user)),
              "expires_in must not be \"never\": what has the plan lab ends within 1d");
    EXPECT_EQ(problem_of(patch(path, R"({"expires_in":86401})", user)),
              "expires_in must be at most 1d: the plan lab allows no more");
    EXPECT_EQ(patch(path, R"({"expires_in":86400})", user).status, 200);
}

TEST_F(NativeExpiryTest, WhatIsBeingRemovedIsAConflict) {
    const std::string path = "/api/v1/resources/" + text(make(R"("name":"a","expires_in":"1h")"), "id");
    world.worker.paused = true;
    ASSERT_EQ(drop(path, user).status, 202);
    const Reply late = patch(path, R"({"expires_in":"4h"})", user);
    EXPECT_EQ(late.status, 409) << late.body;
    EXPECT_THAT(late.body, HasSubstr("it is being removed already"));
}

TEST_F(NativeExpiryTest, PlansAndDryRunsTellIt) {
    const json::array plans = items(get("/api/v1/plans?engine=redis", reader), "plans");
    ASSERT_EQ(plans.size(), 2U);
    EXPECT_TRUE(plans[0].as_object().at("lifetime").is_null());
    EXPECT_TRUE(plans[0].as_object().at("max_lifetime").is_null());
    EXPECT_EQ(text(plans[1].as_object(), "lifetime"), "2h");
    EXPECT_EQ(text(plans[1].as_object(), "max_lifetime"), "1d");
    const Counts before = world.counts();
    const auto plan = [&](const std::string& request) {
        return post("/api/v1/plan", R"({"verb":"create","request":)" + request + "}", user);
    };
    EXPECT_EQ(text(plan(R"({"engine":"redis","plan":"lab"})").json(), "expires_at"), in(std::chrono::hours(2)));
    EXPECT_TRUE(plan(R"({"engine":"redis","plan":"small"})").json().at("expires_at").is_null());
    const Reply refused = plan(R"({"engine":"redis","plan":"lab","expires_in":"never"})");
    EXPECT_FALSE(json::get_bool(refused.json(), "allowed"));
    EXPECT_THAT(fields_of(refused), ElementsAre("expires_in"));
    EXPECT_EQ(world.counts(), before);
    const json::object made = make(R"("name":"a","expires_in":"1h")");
    const Reply moved =
        post("/api/v1/plan", R"({"verb":"update","resource":"a","request":{"expires_in":"3h"}})", user);
    EXPECT_EQ(text(moved.json(), "expires_at"), in(std::chrono::hours(3))) << moved.body;
    EXPECT_EQ(text(get("/api/v1/resources/a", user).json(), "expires_at"), text(made, "expires_at"));
}

}  // namespace
}  // namespace slipway::faces::test
