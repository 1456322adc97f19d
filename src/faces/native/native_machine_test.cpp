// Machines through the native face: their login comes with the request, and only its name is ever told.
#include <gmock/gmock.h>

#include "faces/machine_test_support.h"
#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kMachine =
    R"({"engine":"vm","plan":"tiny","name":"web1","username":"suitepad","password":"hunter2!","wait_seconds":60})";

class NativeMachineTest : public NativeTest {
  protected:
    NativeMachineTest() : NativeTest(machine_catalog()) {}
    json::object machine() {
        const Reply made = post("/api/v1/resources", kMachine, user);
        EXPECT_EQ(made.status, 201) << made.body;
        EXPECT_THAT(made.body, Not(HasSubstr("hunter2")));
        return made.status == 201 ? member(made, "resource") : json::object();
    }
};

TEST_F(NativeMachineTest, IsMadeAndShownWithItsUsernameAndAddress) {
    const json::object made = machine();
    EXPECT_EQ(text(made, "kind"), "machine");
    EXPECT_EQ(text(made, "username"), "suitepad");
    EXPECT_EQ(text(made, "address"), "10.77.0.2");
    EXPECT_EQ(made.at("endpoint").as_object(),
              (json::object{{"scheme", "ssh"}, {"host", "10.77.0.2"}, {"port", 22}}));
    const Reply shown = get("/api/v1/resources/web1", reader);
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(text(shown.json(), "username"), "suitepad");
    EXPECT_THAT(shown.body, Not(HasSubstr("hunter2")));
    EXPECT_THAT(shown.body, Not(HasSubstr("password")));
}

TEST_F(NativeMachineTest, ItsCredentialsAreItsLoginWithoutThePassword) {
    machine();
    const Reply reply = get("/api/v1/resources/web1/credentials", user);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, R"({"database":null,"host":"10.77.0.2","password":null,"port":22,"scheme":"ssh",)"
                          R"("url":"ssh://suitepad@10.77.0.2:22","username":"suitepad"})");
    EXPECT_EQ(get("/api/v1/resources/web1/credentials", admin).status, 403);
}

TEST_F(NativeMachineTest, IsFoundByItsAddress) {
    machine();
    const auto found = [&](const std::string& query) {
        return items(get("/api/v1/resources?" + query, user), "resources").size();
    };
    EXPECT_EQ(found("kind=machine&address=10.77.0.2"), 1U);
    EXPECT_EQ(found("address=10.77.0.3"), 0U);
    EXPECT_EQ(found("kind=cache&address=10.77.0.2"), 0U);
}

TEST_F(NativeMachineTest, TheLoginIsCheckedAndBelongsToMachinesOnly) {
    const Counts before = world.counts();
    const auto refused = [&](const std::string& body) {
        const Reply reply = post("/api/v1/resources", body, user);
        EXPECT_EQ(reply.status, 400) << body;
        EXPECT_THAT(reply.body, Not(HasSubstr("hunter2")));
        return fields_of(reply);
    };
    EXPECT_THAT(refused(R"({"engine":"vm","plan":"tiny"})"), ElementsAre("username", "password"));
    EXPECT_THAT(refused(R"({"engine":"vm","plan":"tiny","username":"a"})"), ElementsAre("password"));
    EXPECT_THAT(refused(R"({"engine":"vm","plan":"tiny","username":"root","password":"hunter2"})"),
                ElementsAre("username"));
    EXPECT_THAT(refused(R"({"engine":"vm","plan":"tiny","username":7,"password":["hunter2"]})"),
                ElementsAre("username", "password"));
    EXPECT_THAT(refused(R"({"engine":"vm","plan":"tiny","username":"a","password":"hunter2\n"})"),
                ElementsAre("password"));
    EXPECT_THAT(refused(R"({"engine":"redis","plan":"small","username":"a","password":"hunter2"})"),
                ElementsAre("username", "password"));
    EXPECT_EQ(world.counts(), before);
}

TEST_F(NativeMachineTest, ADryRunTellsTheStepsAndRepeatsNoSecret) {
    const Reply plan = post("/api/v1/plan", R"({"verb":"create","request":)" + kMachine + "}", user);
    ASSERT_EQ(plan.status, 200) << plan.body;
    EXPECT_TRUE(json::get_bool(plan.json(), "allowed")) << plan.body;
    EXPECT_THAT(plan.body, HasSubstr("create the machine"));
    EXPECT_THAT(plan.body, Not(HasSubstr("hunter2")));
    const Reply bad =
        post("/api/v1/plan",
             R"({"verb":"create","request":{"engine":"vm","plan":"tiny","username":"root","password":"hunter2"}})",
             user);
    EXPECT_FALSE(json::get_bool(bad.json(), "allowed"));
    EXPECT_THAT(fields_of(bad), ElementsAre("username"));
    EXPECT_THAT(bad.body, Not(HasSubstr("hunter2")));
}

TEST_F(NativeMachineTest, ItsTimelineOperationsAndUsageSayMachine) {
    const json::object made = machine();
    const std::string events = get("/api/v1/resources/web1/events", user).body;
    EXPECT_THAT(events, HasSubstr("a machine (vm) of plan tiny was requested; it is called web1"));
    EXPECT_THAT(events, HasSubstr("web1 is ready at ssh://10.77.0.2:22"));
    EXPECT_THAT(events, Not(HasSubstr("hunter2")));
    world.pass(std::chrono::hours(1));
    EXPECT_EQ(drop("/api/v1/resources/web1?wait_seconds=60", user).status, 200);
    const Reply usage = get("/api/v1/usage", user);
    EXPECT_THAT(usage.body, HasSubstr(R"("kind":"machine")"));
    EXPECT_EQ(get("/api/v1/resources/" + text(made, "id"), user).json().at("address").as_string(), "10.77.0.2")
        << "what was removed is still told apart";
}

// A machine that another face made is the same machine.
TEST_F(NativeMachineTest, MachinesOfTheEc2ApiAreThere) {
    const Reply made = post("/create", R"({"username":"suitepad","password":"hunter2!"})", user);
    ASSERT_EQ(made.status, 200) << made.body;
    const json::array all = items(get("/api/v1/resources?kind=machine", user), "resources");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(text(all[0].as_object(), "face"), "ec2");
    EXPECT_EQ(text(all[0].as_object(), "address"), text(made.json(), "ip"));
}

}  // namespace
}  // namespace slipway::faces::test
