// `slipway ops log`
#include <gmock/gmock.h>

#include "cli/cli_test_support.h"

namespace slipway::cli {
namespace {

using ::testing::HasSubstr;

class OperationLogTest : public CliTest {
  protected:
    void part(std::string text, std::string_view next, bool ended) {
        answers.emplace_back(net::HttpAnswer{
            200,
            {{"Slipway-Log-Next", std::string(next)}, {"Slipway-Log-Ended", ended ? "true" : "false"}},
            std::move(text)});
    }
};

TEST_F(OperationLogTest, IsShownToItsPresentEnd) {
    part("one\ntwo\n", "8", false);
    part("", "8", false);
    EXPECT_EQ(run({"ops", "log", "op_1"}), 0) << err.str();
    EXPECT_EQ(out.str(), "one\ntwo\n");
    EXPECT_EQ(asked(), (std::vector<std::string>{"GET /api/v1/operations/op_1/log?offset=0&wait=0",
                                                 "GET /api/v1/operations/op_1/log?offset=8&wait=0"}));
}

TEST_F(OperationLogTest, IsFollowedToItsRealEndOverARestartOfTheServer) {
    part("one\n", "4", false);
    part("", "4", false);
    nobody();
    part("two\n", "8", true);
    part("", "8", true);
    EXPECT_EQ(run({"ops", "log", "op_1", "--follow"}), 0) << err.str();
    EXPECT_EQ(out.str(), "one\ntwo\n");
    EXPECT_EQ(asked().at(3), "GET /api/v1/operations/op_1/log?offset=4&wait=20");
}

TEST_F(OperationLogTest, WhatIsPrintedMovesNoTerminal) {
    part("a\x1b[2Jb\n", "7", true);
    part("", "7", true);
    EXPECT_EQ(run({"ops", "log", "op_1"}), 0);
    EXPECT_EQ(out.str().find('\x1b'), std::string::npos) << out.str();
}

TEST_F(OperationLogTest, AServerThatWasNeverThereAndAnUnknownOperationAreErrors) {
    nobody();
    EXPECT_EQ(run({"ops", "log", "op_1", "-f"}), 5);
    answer(404, R"({"error":"no such operation","code":"not_found","problems":[]})");
    EXPECT_EQ(run({"ops", "log", "op_1"}), 3);
    EXPECT_THAT(err.str(), HasSubstr("no such operation"));
}

TEST_F(OperationLogTest, OpsAloneStillLists) {
    answer(200, R"({"operations":[],"next":null})");
    EXPECT_EQ(run({"ops"}), 0) << err.str();
    EXPECT_THAT(asked().back(), HasSubstr("/api/v1/operations?"));
}

}  // namespace
}  // namespace slipway::cli
