// The console of a machine: read by its owner from a place on, waited for, and typed at.
#include <gmock/gmock.h>

#include "broker/console_test_support.h"
#include "faces/machine_test_support.h"
#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class NativeConsoleTest : public NativeTest {
  protected:
    NativeConsoleTest() : NativeTest(machine_catalog()) { consoles.printed = "booting\nlogin: "; }
    void make() {
        world.ports.consoles = &operations;
        const Reply made = post(
            "/api/v1/resources",
            R"({"engine":"vm","plan":"tiny","name":"web1","username":"suitepad","password":"hunter2!","wait_seconds":60})",
            user);
        EXPECT_EQ(made.status, 201) << made.body;
    }
    Reply read(const std::string& query = "", const Fields* as = nullptr) {
        return get(kPath + query, as == nullptr ? user : *as);
    }
    Reply type(std::string text, const Fields* as = nullptr) {
        return post(kPath, std::move(text), as == nullptr ? user : *as);
    }

    const std::string kPath = "/api/v1/resources/web1/console";
    broker_test::ScriptedConsoles consoles;
    broker_test::ManualScheduler scheduler{world.manual};
    ConsoleOperations operations{{world.broker, world.store, world.clock(), scheduler, consoles}};
};

TEST_F(NativeConsoleTest, IsReadFromItsEndAndOnFromThere) {
    make();
    const Reply first = read();
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.content_type, "application/octet-stream");
    EXPECT_EQ(first.body, "booting\nlogin: ");
    EXPECT_EQ(first.header("Slipway-Console-Next"), "00000000000000aa-15");
    EXPECT_EQ(first.header("Slipway-Console-Lost"), "false");
    EXPECT_EQ(first.header("Cache-Control"), "no-store");
    EXPECT_EQ(read("?tail=7").body, "login: ");
    EXPECT_EQ(read("?tail=0").body, "");
    const std::string on = "?after=" + first.header("Slipway-Console-Next");
    EXPECT_EQ(read(on + "&wait=1").body, "");
    consoles.printed += "$ ";
    EXPECT_EQ(read(on + "&wait=60").body, "$ ");
    consoles.kept_from = 16;
    EXPECT_EQ(read(on).header("Slipway-Console-Lost"), "true");
}

TEST_F(NativeConsoleTest, WhatIsTypedArrivesAsItIs) {
    make();
    const Reply typed = type("root\r\x03{\"not\":\"json\"");
    EXPECT_EQ(typed.status, 204) << typed.body;
    EXPECT_EQ(typed.body, "");
    ASSERT_EQ(consoles.typed.size(), 1U);
    EXPECT_THAT(consoles.typed[0], testing::EndsWith(": root\r\x03{\"not\":\"json\""));
    const Reply events = get("/api/v1/resources/web1/events", user);
    EXPECT_THAT(events.body, HasSubstr("resource.console_opened"));
    EXPECT_THAT(events.body, Not(HasSubstr("root")));
}

TEST_F(NativeConsoleTest, IsForWhoMayChangeItAndNobodyElse) {
    make();
    EXPECT_EQ(read("", &admin).status, 200);
    EXPECT_EQ(type("x", &admin).status, 204);
    for (const auto& [who, status] : {std::pair{&reader, 403}, std::pair{&stranger, 404}}) {
        EXPECT_EQ(read("", who).status, status);
        EXPECT_EQ(type("x", who).status, status);
    }
    const Fields nobody;
    EXPECT_EQ(read("", &nobody).status, 401);
    EXPECT_EQ(type("x", &nobody).status, 401);
    EXPECT_EQ(consoles.typed.size(), 1U);
}

TEST_F(NativeConsoleTest, WhatIsWrongIsNamed) {
    make();
    EXPECT_EQ(fields_of(read("?after=12&wait=61&tail=-1&follow=1")),
              (std::vector<std::string>{"tail", "after", "wait", "follow"}));
    EXPECT_EQ(fields_of(read("?after=00000000000000aa-1&tail=1")), (std::vector<std::string>{"tail"}));
    EXPECT_EQ(fields_of(read("?tail=2097153")), (std::vector<std::string>{"tail"}));
    EXPECT_EQ(read("?after=00000000000000aa-1").status, 200);
    EXPECT_EQ(post(kPath + "?raw=1", "x", user).status, 400);
    EXPECT_EQ(type("").status, 400);
    const Reply large = type(std::string(4097, 'x'));
    EXPECT_EQ(large.status, 413);
    EXPECT_THAT(large.body, Not(HasSubstr("xxx")));
}

TEST_F(NativeConsoleTest, WhatHasNoneOrDoesNotRunSaysSo) {
    make();
    ASSERT_EQ(
        post("/api/v1/resources", R"({"engine":"redis","plan":"small","name":"cache1","wait_seconds":60})", user)
            .status,
        201);
    const Reply none = get("/api/v1/resources/cache1/console", user);
    EXPECT_EQ(none.status, 409);
    EXPECT_THAT(none.body, HasSubstr("cache1 is no machine: it has no console"));
    EXPECT_EQ(post("/api/v1/resources/cache1/console", "x", user).status, 409);
    EXPECT_EQ(get("/api/v1/resources/web9/console", user).status, 404);
    consoles.error = Error{ErrorCode::conflict, "web1 does not run: nobody reads what is typed", "", {}};
    const Reply off = type("hunter2!\r");
    EXPECT_EQ(off.status, 409);
    EXPECT_THAT(off.body, HasSubstr("does not run"));
    EXPECT_THAT(off.body, Not(HasSubstr("hunter2")));
    consoles.error = Error{ErrorCode::unavailable, "its console cannot be reached", "", {}};
    EXPECT_EQ(read().status, 503);
}

TEST_F(NativeConsoleTest, AServerWithoutConsolesSaysSo) {
    EXPECT_EQ(read().status, 501);
    EXPECT_EQ(type("x").status, 501);
}

}  // namespace
}  // namespace slipway::faces::test
