// The log of an operation: read by its owner, in parts, and waited for.
#include <gmock/gmock.h>

#include "faces/native/native_test_support.h"

namespace slipway::faces::test {
namespace {

class NativeLogTest : public NativeTest {
  protected:
    // The operation that made, or is making, one.
    std::string operation(bool ended) {
        world.ports.logs = &logs;
        world.worker.paused = !ended;
        const Reply made =
            post("/api/v1/resources",
                 fmt::format(R"({{"engine":"redis","plan":"small","wait_seconds":{}}})", ended ? 60 : 0), user);
        const std::string id = text(member(made, "operation"), "id");
        logs.texts[OperationId(id)] = "line one.\nline two.\nthe third\n";
        return id;
    }
    static std::string path(const std::string& id) { return "/api/v1/operations/" + id + "/log"; }
};

TEST_F(NativeLogTest, IsReadInPartsFromAnOffset) {
    const std::string id = operation(true);
    const Reply first = get(path(id), user);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.content_type, "text/plain; charset=UTF-8");
    EXPECT_EQ(first.body, "line one.\nline two.\n");
    EXPECT_EQ(first.header("Slipway-Log-Next"), "20");
    EXPECT_EQ(first.header("Slipway-Log-Ended"), "true");
    EXPECT_EQ(get(path(id) + "?offset=20", user).body, "the third\n");
    const Reply last = get(path(id) + "?offset=30&wait=30", user);
    EXPECT_EQ(last.body, "") << "what has ended is not waited for";
    EXPECT_EQ(last.header("Slipway-Log-Next"), "30");
}

TEST_F(NativeLogTest, OfOneThatGoesOnMoreMayCome) {
    const std::string id = operation(false);
    EXPECT_EQ(get(path(id), user).header("Slipway-Log-Ended"), "false");
    EXPECT_EQ(get(path(id) + "?offset=30", user).body, "");
}

TEST_F(NativeLogTest, OthersSeeNothingOfIt) {
    const std::string id = operation(true);
    EXPECT_EQ(get(path(id), reader).status, 200);
    const Reply foreign = get(path(id), stranger);
    EXPECT_EQ(foreign.status, 404);
    EXPECT_EQ(foreign.body.find("line"), std::string::npos);
    EXPECT_EQ(get(path(id), {}).status, 401);
    EXPECT_EQ(get(path("op_01KAPT0000000000000000000A"), user).status, 404);
}

TEST_F(NativeLogTest, OneThatToldNothingIsEmpty) {
    const std::string id = operation(true);
    logs.texts.clear();
    const Reply empty = get(path(id), user);
    EXPECT_EQ(empty.status, 200);
    EXPECT_EQ(empty.body, "");
}

TEST_F(NativeLogTest, WhatIsWrongIsNamed) {
    const std::string id = operation(true);
    EXPECT_EQ(fields_of(get(path(id) + "?offset=-1&wait=61&follow=1", user)),
              (std::vector<std::string>{"offset", "wait", "follow"}));
    logs.broken = true;
    EXPECT_GE(get(path(id), user).status, 500);
}

TEST_F(NativeLogTest, AServerWithoutLogsSaysSo) {
    EXPECT_EQ(get(path("op_01KAPT0000000000000000000A"), user).status, 501);
}

}  // namespace
}  // namespace slipway::faces::test
