#include "agent/tool.h"

#include <gmock/gmock.h>
#include <signal.h>

namespace slipway::agent {
namespace {

using ::testing::HasSubstr;

TEST(Tool, AnswersWhatItPrintedAndHowItFailed) {
    EXPECT_EQ(*run_tool("/bin/echo", {"two words", "$HOME"}, 5000), "two words $HOME\n") << "no shell reads it";
    const Answer<std::string> failed = run_tool("/bin/ls", {"/nowhere"}, 5000);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, FailureCode::io);
    EXPECT_THAT(failed.error().message, HasSubstr("/nowhere"));
    EXPECT_EQ(run_tool("", {}, 5000).error().code, FailureCode::unsupported);
    EXPECT_EQ(run_tool("/no/such/program", {}, 5000).error().code, FailureCode::io);
}

TEST(Tool, EndsWhatDoesNotEnd) {
    const auto began = std::chrono::steady_clock::now();
    const Answer<std::string> slow = run_tool("/bin/sleep", {"60"}, 50);
    ASSERT_FALSE(slow);
    EXPECT_THAT(slow.error().message, HasSubstr("did not end in time"));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

// As in the helper, whose engines nobody waits for.
TEST(Tool, LearnsItsEndAlsoWhereChildrenAreIgnored) {
    const auto before = ::signal(SIGCHLD, SIG_IGN);
    EXPECT_TRUE(run_tool("/bin/true", {}, 5000));
    EXPECT_FALSE(run_tool("/bin/false", {}, 5000));
    ::signal(SIGCHLD, before);
}

}  // namespace
}  // namespace slipway::agent
