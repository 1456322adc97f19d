// The console of a machine on the command line: what is asked, shown and left out; sitting at it is in tests/cli.
#include "cli/console.h"

#include <gmock/gmock.h>

#include "cli/cli_test_support.h"

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConsoleTest : public CliTest {
  protected:
    void printed(std::string text, int end, bool lost = false) {
        answers.emplace_back(net::HttpAnswer{
            200,
            {{"Slipway-Console-Next", place(end)}, {"Slipway-Console-Lost", lost ? "true" : "false"}},
            std::move(text)});
    }
    static std::string place(int at) { return fmt::format("00000000000000aa-{}", at); }
    static std::string asking(const std::string& query) { return "GET /api/v1/resources/web1/console?" + query; }
    void on_a_terminal() {
        environment.out_terminal.width = 80;
        environment.has_terminal = true;
        environment.converse = [this](const Dialogue& given) {
            conversations.push_back(given);
            return parting;
        };
    }

    std::vector<Dialogue> conversations;
    Parting parting;
};

TEST_F(ConsoleTest, WhatThereIsIsPrintedAsItIs) {
    printed("booting\r\n\x1b[1mweb1 login:\x1b[0m \xff", 40);
    printed("", 40);
    EXPECT_EQ(run({"console", "web1"}), 0) << err.str();
    EXPECT_EQ(out.str(), "booting\r\n\x1b[1mweb1 login:\x1b[0m \xff");
    EXPECT_THAT(asked(), ElementsAre(asking("tail=65536"), asking("after=" + place(40) + "&wait=0")));
}

// Who looks at a log must not have the terminal taken over by a guest.
TEST_F(ConsoleTest, OnATerminalNothingOfItIsObeyed) {
    on_a_terminal();
    printed("one\r\n\x1b[2J\x1b[1;31mtwo\x1b[0m\x1b]0;a title\x07 \x1bPq secret\x1b\\three\x1b(B\x07\tfour\n", 40);
    printed(
        "\xc2\x9b"
        "five \xc3\xa9 \x1b[",
        50);
    printed("31msix\n", 60);
    printed("", 60);
    EXPECT_EQ(run({"console", "web1", "--no-input"}), 0) << err.str();
    EXPECT_EQ(out.str(), "one\ntwo three?\tfour\n?five \xc3\xa9 six\n");
    EXPECT_TRUE(conversations.empty());
}

TEST_F(ConsoleTest, ASequenceThatNeverEndsSwallowsNoMoreThanItsLine) {
    PlainText plain;
    EXPECT_EQ(plain.take("a\x1b]0;title\nb"), "ab");
    EXPECT_EQ(plain.take("\x1b[12\nc\x1b"), "\nc");
    EXPECT_EQ(plain.take("Md\n"), "d\n") << "the end of a sequence that was begun";
}

TEST_F(ConsoleTest, TheLastLinesAreCounted) {
    printed("one\ntwo\nthr", 11);
    printed("ee\nfour\n", 19);
    printed("", 19);
    EXPECT_EQ(run({"console", "web1", "--lines", "2"}), 0) << err.str();
    EXPECT_EQ(out.str(), "three\nfour\n");
    printed("one\nlogin: ", 11);
    printed("", 11);
    EXPECT_EQ(run({"console", "web1", "--lines", "1"}), 0) << err.str();
    EXPECT_EQ(out.str(), "login: ") << "one that has no end yet is one";
    calls.clear();
    printed("", 19);
    EXPECT_EQ(run({"console", "web1", "--lines", "0"}), 0) << err.str();
    EXPECT_EQ(out.str(), "");
    printed("x\n", 19);
    printed("", 19);
    EXPECT_EQ(run({"console", "web1", "--lines", "10000"}), 0) << err.str();
    EXPECT_EQ(asked().front(), asking("tail=0"));
    EXPECT_EQ(asked().at(1), asking("tail=2097152"));
    EXPECT_EQ(run({"console", "web1", "--lines", "10001"}), 2);
    EXPECT_EQ(run({"console", "web1", "--lines", "-1"}), 2);
}

TEST_F(ConsoleTest, FollowedItGoesOnUntilInterrupted) {
    printed("one\n", 4);
    printed("", 4);
    printed("two\n", 8);
    printed("", 8);
    nobody();
    printed("three\n", 14, true);
    interrupt_at = 8;
    on_a_terminal();
    EXPECT_EQ(run({"console", "web1", "-f"}), 130);
    EXPECT_EQ(out.str(), "one\ntwo\nthree\n");
    EXPECT_THAT(err.str(), HasSubstr("a part of the console is kept no longer"));
    EXPECT_EQ(asked().at(2), asking("after=" + place(4) + "&wait=20"));
    EXPECT_EQ(asked().at(5), asked().at(4)) << "a server that starts anew goes on where it was";
    EXPECT_TRUE(conversations.empty());
    answers.clear();
}

TEST_F(ConsoleTest, WhatTheServerRefusesIsTold) {
    answer(409, R"({"error":"cache1 is no machine: it has no console","code":"conflict","problems":[]})");
    EXPECT_EQ(run({"console", "cache1"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("cache1 is no machine: it has no console"));
    answer(404, R"({"error":"no such resource","code":"not_found","problems":[]})");
    EXPECT_EQ(run({"console", "web9"}), 3);
    answer(403, R"({"error":"this key may only read","code":"forbidden","problems":[]})");
    EXPECT_EQ(run({"console", "web1"}), 4);
    nobody();
    EXPECT_EQ(run({"console", "web1", "--follow"}), 5) << "one that never answered is not waited for";
}

TEST_F(ConsoleTest, OnATerminalWhoSitsThereTypes) {
    on_a_terminal();
    printed("\x1b[1mone\x1b[0m\r\ntwo\r\nlogin: ", 30);
    printed("", 30);
    EXPECT_EQ(run({"console", "web1", "--lines", "2"}), 0) << err.str();
    EXPECT_EQ(out.str(), "two\r\nlogin: ") << "what it prints is for the terminal";
    EXPECT_THAT(err.str(), HasSubstr("leave it with Ctrl-]"));
    EXPECT_THAT(err.str(), HasSubstr("left the console of web1"));
    ASSERT_EQ(conversations.size(), 1U);
    EXPECT_EQ(conversations[0].place, place(30));
}

TEST_F(ConsoleTest, WhatEndsASittingIsTold) {
    on_a_terminal();
    const auto sit = [&](Parting how) {
        printed("", 0);
        parting = std::move(how);
        return run({"console", "web1"});
    };
    EXPECT_EQ(sit({.signal = 15}), 143) << "as shells have it";
    EXPECT_EQ(sit({.refusal = net::HttpAnswer{404, {}, R"({"error":"no such resource"})"}}), 3);
    EXPECT_THAT(err.str(), HasSubstr("no such resource"));
    EXPECT_EQ(sit({.error = Error{ErrorCode::unavailable, "connecting failed", {}, {}}}), 5);
}

}  // namespace
}  // namespace slipway::cli
