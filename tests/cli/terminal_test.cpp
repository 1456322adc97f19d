// The built command line on a terminal: what is written over, coloured, fitted and asked.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "command.h"
#include "typed.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CliTerminal : public CliSite {
  protected:
    void SetUp() override { ASSERT_NO_FATAL_FAILURE(site.start()); }
    Typed typed(std::vector<std::string> words, unsigned short width = 80, const std::string& no_color = "") {
        auto variables = environment();
        variables["TERM"] = "xterm";
        if (!no_color.empty()) variables["NO_COLOR"] = no_color;
        return Typed(std::move(words), variables, width);
    }
};

TEST_F(CliTerminal, ProgressIsWrittenOverAndStatesAreColoured) {
    Typed creation = typed({"create", "redis", "small", "--name", "cache1"});
    EXPECT_EQ(creation.end(), 0) << creation.shown();
    EXPECT_THAT(creation.shown(), HasSubstr("\r\033[Kcache1 is made and \033[32mready\033[0m\r\n"))
        << "it is wiped";
    EXPECT_THAT(creation.shown(), HasSubstr("cache1: step 1 of 2: "));
    EXPECT_THAT(creation.shown(), HasSubstr("s)\r")) << "with the time it takes";
    Typed plain = typed({"show", "cache1"}, 80, "1");
    EXPECT_EQ(plain.end(), 0);
    EXPECT_THAT(plain.shown(), Not(HasSubstr("\033["))) << "NO_COLOR";
    Typed narrow = typed({"ls"}, 45, "1");
    EXPECT_EQ(narrow.end(), 0);
    std::istringstream lines(narrow.shown());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 46U) << line;
    EXPECT_THAT(narrow.shown(), HasSubstr("cache1"));
    EXPECT_THAT(narrow.shown(), HasSubstr("ready"));
}

TEST_F(CliTerminal, RemovingASelectionAsksFirst) {
    ASSERT_EQ(slipway({"create", "redis", "small", "--name", "cache1", "--label", "env=test", "-q"}), 0) << err;
    Typed no = typed({"rm", "-l", "env=test"});
    ASSERT_TRUE(no.shows("remove 1 resource and its data: cache1? [y/N] ")) << no.shown();
    no.type("n\n");
    EXPECT_EQ(no.end(), 1);
    EXPECT_THAT(no.shown(), HasSubstr("nothing was removed"));
    Typed interrupted = typed({"rm", "-l", "env=test"});
    ASSERT_TRUE(interrupted.shows("[y/N] "));
    interrupted.type("\x03");
    EXPECT_EQ(interrupted.end(), 130) << interrupted.shown();
    ASSERT_EQ(slipway({"show", "cache1"}), 0) << err;
    Typed yes = typed({"rm", "-l", "env=test"});
    ASSERT_TRUE(yes.shows("[y/N] "));
    yes.type("y\n");
    EXPECT_EQ(yes.end(), 0) << yes.shown();
    EXPECT_EQ(slipway({"show", "cache1"}), 3);
}

TEST_F(CliTerminal, CtrlCEndsFollowing) {
    Typed follower = typed({"events", "--follow", "--since-start"});
    ASSERT_EQ(slipway({"create", "redis", "small", "--name", "cache1", "-q"}), 0) << err;
    ASSERT_TRUE(follower.shows("cache1 is ready")) << follower.shown();
    follower.type("\x03");
    EXPECT_EQ(follower.end(), 130) << follower.shown();
    ASSERT_EQ(slipway({"rm", "cache1"}), 0) << err;
}

}  // namespace
}  // namespace slipway::testing
