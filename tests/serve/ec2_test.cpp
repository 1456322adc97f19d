// The EC2 API of the built program, over a provider that makes nothing: what only a process can show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kSuitepad = R"({"username": "suitepad", "password": "suitepad-canary-4711"})";
constexpr const char* kDummies =
    "[[plan]]\nkind = \"machine\"\nengine = \"vm\"\nname = \"tiny\"\n"
    "provider = \"dummy\"\nparameters.image = \"tiny\"\n";

class ServeEc2 : public ::testing::Test {
  protected:
    std::string make() const {
        const Answer made = site_.request("POST", "/create", kSuitepad);
        EXPECT_EQ(made.status, 200) << made.body;
        return made.text("ip");
    }
    Answer status(const std::string& task) const { return site_.request("GET", "/status/" + task); }

    Site site_;
};

TEST_F(ServeEc2, TellsTheDocumentsStory) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--provider", "dummy"}));
    const Answer made = site_.request("POST", "/create", kSuitepad, "Content-Type: application/json\r\n");
    EXPECT_EQ(made.status, 200);
    EXPECT_THAT(made.body, MatchesRegex(R"(\{"ip":"198\.1[89]\.[0-9.]+","status":"SUCCESS"\})"));
    const Answer later = site_.request("POST", "/create-async", kSuitepad);
    EXPECT_EQ(later.status, 200) << later.body;
    const std::string task = later.text("task_id");
    EXPECT_TRUE(eventually([&] { return status(task).text("status") == "SUCCESS"; }));
    const std::string other = status(task).text("ip");
    EXPECT_NE(other, made.text("ip"));
    EXPECT_EQ(site_.request("GET", "/delete/" + made.text("ip")).body,
              R"({"ip":")" + made.text("ip") + R"(","status":"SUCCESS"})");
    const Answer removal = site_.request("GET", "/delete-async/" + other);
    EXPECT_TRUE(eventually([&] { return status(removal.text("task_id")).text("status") == "SUCCESS"; }));
    EXPECT_EQ(status(removal.text("task_id")).text("ip"), other);
    EXPECT_EQ(site_.request("GET", "/instances").body, R"({"instances":[],"next":null})");
    EXPECT_EQ(site_.request("GET", "/delete/" + other).status, 404);
    EXPECT_THAT(site_.log(), Not(HasSubstr("canary")));
}

// A client asks after its task whenever it likes: who was killed meanwhile is none of its business.
TEST_F(ServeEc2, TasksAndMachinesOutliveTheServer) {
    site_.configure(std::string(kDummies) + "[dummy]\nconcurrency = 0\n");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::string fields = "Idempotency-Key: one\r\n";
    const std::string task = site_.request("POST", "/create-async", kSuitepad, fields).text("task_id");
    EXPECT_EQ(status(task).text("status"), "PENDING");
    site_.kill();
    site_.configure(kDummies);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_TRUE(eventually([&] { return status(task).text("status") == "SUCCESS"; }));
    EXPECT_EQ(site_.request("POST", "/create", kSuitepad, fields).text("ip"), status(task).text("ip"))
        << "the same request, after the password was forgotten and a restart";
    const Answer other =
        site_.request("POST", "/create", R"({"username": "suitepad", "password": "another"})", fields);
    EXPECT_EQ(other.status, 422) << other.body;
    const std::string ip = status(task).text("ip");
    site_.kill();
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.request("GET", "/delete/" + ip).status, 200);
    EXPECT_EQ(status(task).text("ip"), ip) << "its creation stays what it was";
}

constexpr const char* kBrief = R"({"username": "suitepad", "password": "suitepad", "expires_in": "3s"})";

// Of two that were to end, the one whose end was moved is there when the other is gone.
TEST_F(ServeEc2, AMachineEndsByItselfUnlessItsEndIsMoved) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--provider", "dummy"}));
    const std::string kept = site_.request("POST", "/create", kBrief).text("ip");
    const Answer moved = site_.request("PATCH", "/instances/" + kept, R"({"expires_in": "1h"})");
    EXPECT_EQ(moved.status, 200) << moved.body;
    const std::string brief = site_.request("POST", "/create", kBrief).text("ip");
    ASSERT_FALSE(brief.empty());
    EXPECT_TRUE(eventually([&] { return !site_.request("GET", "/instances").body.contains('"' + brief + '"'); }));
    const Answer left = site_.request("GET", "/instances");
    EXPECT_THAT(left.body, HasSubstr('"' + kept + '"'));
}

TEST_F(ServeEc2, AnEndThatComesWhileNobodyIsThereIsSeenToAfterwards) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--provider", "dummy"}));
    const Answer made = site_.request("POST", "/create", kBrief);
    ASSERT_EQ(made.status, 200) << made.body;
    site_.kill();
    ASSERT_NO_FATAL_FAILURE(site_.start({"--provider", "dummy"}));
    EXPECT_TRUE(
        eventually([&] { return site_.request("GET", "/instances").body == R"({"instances":[],"next":null})"; }));
    const Answer events = site_.as_administrator("GET", "/api/v1/events?type=resource.delete_requested");
    EXPECT_THAT(events.body, HasSubstr(R"("actor":"expiry")"));
    EXPECT_THAT(events.body, HasSubstr("its lifetime is over"));
    const Answer metrics = site_.request("GET", "/metrics");
    EXPECT_THAT(metrics.body, HasSubstr(R"(slipway_resources_expired_total{engine="vm",kind="machine"} 1)"));
}

TEST_F(ServeEc2, ACallThatWaitsTooLongIsTold) {
    site_.configure(std::string(kDummies) + "[dummy]\nconcurrency = 0\n[server]\nwait_limit = \"200ms\"\n");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer late = site_.request("POST", "/create", kSuitepad);
    EXPECT_EQ(late.status, 504) << late.body;
    EXPECT_EQ(status(late.text("task_id")).text("status"), "PENDING");
}

// Without what it takes the plan is there and says why it cannot be had; everything else can.
TEST_F(ServeEc2, WhereNoMachineCanBeMadeThatIsSaid) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer plans = site_.as_administrator("GET", "/api/v1/plans?kind=machine");
    EXPECT_EQ(plans.status, 200);
    EXPECT_THAT(plans.body, HasSubstr(R"("name":"tiny")"));
    if (plans.body.find(R"("available":false)") == std::string::npos) return;  // it has all that
    EXPECT_THAT(plans.body, Not(HasSubstr(R"("reason":null)")));
    const Answer refused = site_.request("POST", "/create", kSuitepad);
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(refused.text("status"), "FAILURE");
    EXPECT_EQ(site_.request("GET", "/readyz").status, 200) << "caches are made all the same";
}

// A page that a browser shows can have an image that is a deletion.
TEST_F(ServeEc2, NoPageOfABrowserRemovesAMachine) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--provider", "dummy"}));
    const std::string ip = make();
    for (const std::string fields : {"Sec-Fetch-Site: cross-site\r\n", "Origin: https://evil.example\r\n"}) {
        EXPECT_EQ(site_.request("GET", "/delete/" + ip, "", fields).status, 403) << fields;
    }
    EXPECT_EQ(site_.request("HEAD", "/delete/" + ip).status, 405);
    EXPECT_THAT(site_.request("GET", "/instances").body, HasSubstr(ip));
}

}  // namespace
}  // namespace slipway::testing
