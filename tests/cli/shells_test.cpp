// Completion in the shells themselves: loaded as users load it, asked as the shells ask.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "command.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;

class Shells : public CliSite {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(site.start());
        ASSERT_EQ(slipway({"create", "redis", "small", "--name", "cache1", "-q"}), 0) << err;
        ASSERT_EQ(slipway({"create", "redis", "small", "--name", "other", "-q"}), 0) << err;
    }
    static std::string file(const std::string& name) {
        return std::string(SLIPWAY_SOURCE_DIR) + "/completions/" + name;
    }
};

// What bash would offer for the line, whose last word is being written.
constexpr std::string_view kAskBash = R"(
ask() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _slipway
    echo "${COMPREPLY[@]}"
}
complete -p slipway
ask slipway sho
ask slipway show ''
ask slipway rm cache1 ''
ask slipway ls --state re
ask slipway ls --output = w
ask slipway create redis sm
ask slipway --key-file /etc/host
ask slipway --state-dir /us
ask slipway show nothing
)";

TEST_F(Shells, Bash) {
    for (const std::string& load :
         {std::string("eval \"$(slipway completion bash)\""), "source " + file("slipway.bash")}) {
        ASSERT_EQ(shell("bash", {"--norc", "--noprofile", "-c", load + std::string(kAskBash)}), 0) << err;
        EXPECT_EQ(err, "");
        EXPECT_THAT(
            out,
            HasSubstr("complete -F _slipway slipway\nshow\ncache1 other\nother\nrequested ready\nwide\nsmall\n"))
            << "(states are matched by their beginning)";
        EXPECT_THAT(out, HasSubstr("/etc/hosts"));
        EXPECT_THAT(out, HasSubstr("\n/usr\n\n")) << "and nothing for what is not there";
    }
}

// A line typed into an interactive zsh on a terminal of its own, with Tab; the prompt that follows shows it whole.
constexpr std::string_view kTypeIntoZsh = R"(
zmodload zsh/zpty zsh/zselect
zpty z zsh -f -i
zpty -w z "PS1='READY> '; stty cols 200; autoload -U compinit; compinit -u -D; $LOAD; print LOADED"
until_sees() {
    local piece all=
    repeat 400; do
        zpty -r -t z piece && all+=$piece
        [[ $all == *$1* ]] && { print -r -- "saw $1"; return 0 }
        zselect -t 5
    done
    print -r -- "never saw $1 in: ${(V)all}"
    return 1
}
until_sees $'\nLOADED' || exit 1
for typed wanted in 'slipway show ca' 'slipway show cache1' 'slipway swe' 'slipway sweep' \
    'slipway ls --output=wi' 'slipway ls --output=wide' 'slipway create redis sm' 'slipway create redis small'; do
    zpty -w -n z $'\C-u'"$typed"$'\t'
    until_sees "$wanted" || exit 1
done
zpty -d z
)";

TEST_F(Shells, Zsh) {
    for (const std::string& load :
         {std::string("source <(slipway completion zsh)"),
          fmt::format("fpath=({}/completions $fpath); compinit -u -D", SLIPWAY_SOURCE_DIR)}) {
        EXPECT_EQ(shell("zsh", {"-f", "-c", fmt::format("LOAD={:?}\n{}", load, kTypeIntoZsh)}), 0) << out << err;
        EXPECT_EQ(err, "");
        EXPECT_THAT(out, HasSubstr("saw slipway create redis small"));
    }
}

TEST_F(Shells, Fish) {
    for (const std::string& load :
         {std::string("slipway completion fish | source"), "source " + file("slipway.fish")}) {
        const auto ask = [&](const std::string& line) {
            EXPECT_EQ(shell("fish", {"--no-config", "-c", fmt::format("{}; complete -C '{}'", load, line)}), 0)
                << err;
            EXPECT_EQ(err, "");
            return out;
        };
        EXPECT_EQ(ask("slipway show ca"), "cache1\tredis small ready\n");
        EXPECT_EQ(ask("slipway swe"), "sweep\tlook for what no resource accounts for (administrators)\n");
        EXPECT_EQ(ask("slipway ls --output=wi"), "--output=wide\n");
        EXPECT_THAT(ask("slipway rm cache1 "), HasSubstr("other\t"));
        EXPECT_THAT(ask("slipway --key-file /etc/host"), HasSubstr("/etc/hosts"));
        EXPECT_EQ(ask("slipway show nothing"), "");
    }
}

// A server that is away must not hold up whoever types, nor write into the line.
TEST_F(Shells, WithoutAServerThereIsSimplyNothing) {
    ASSERT_EQ(slipway({"rm", "cache1", "other", "-q"}), 0) << err;
    EXPECT_EQ(site.terminate(), 0);
    ASSERT_EQ(slipway({"__complete", "show", ""}), 0);
    EXPECT_EQ(out, "");
    EXPECT_EQ(err, "");
}

}  // namespace
}  // namespace slipway::testing
