// What the README shows of the command line, typed as it stands there, in its order, against a server made for it.
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "command.h"

namespace slipway::testing {
namespace {

struct Typed {
    std::string command;
    std::vector<std::string> shown;  // what the README has below it
};

// The console blocks of one section.
std::vector<Typed> typed_in(const std::string& section) {
    std::vector<Typed> found;
    std::istringstream lines(file_text(std::string(SLIPWAY_SOURCE_DIR) + "/README.md"));
    bool here = false;
    bool console = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("## ")) here = line == "## " + section;
        if (!here) continue;
        if (line.starts_with("```")) {
            console = line == "```console";
        } else if (console && line.starts_with("$ ")) {
            found.push_back({line.substr(2), {}});
        } else if (console && !found.empty()) {
            found.back().shown.push_back(line);
        }
    }
    return found;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

// What is another at every run is made the same: names, ids, times, figures and the width of columns.
std::string same_each_time(std::string text) {
    static const std::vector<std::pair<std::regex, std::string>> kVaries = {
        {std::regex("oct-[0-9a-f]{8}"), "NAME"},
        {std::regex("(res|key|op)_[0-9a-z]{26}"), "ID"},
        {std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+Z)?"), "TIME"},
        {std::regex("[0-9]+(\\.[0-9]+)? ?(ms|s|min|h)\\b"), "DURATION"},
        {std::regex("[0-9]+(\\.[0-9]+)?"), "N"},
        {std::regex(" +"), " "}};
    for (const auto& [pattern, word] : kVaries) text = std::regex_replace(text, pattern, word);
    while (text.ends_with(' ')) text.pop_back();
    return text;
}

class Readme : public CliSite {
  protected:
    // Types them all into one shell; what each one said, in their order.
    std::vector<std::string> answers_to(const std::vector<Typed>& all, const std::string& before = "") {
        constexpr std::string_view kNext = "== the next one ==\n";
        std::string script = before;
        for (const Typed& each : all) {
            script += fmt::format("echo '{}'\n{}\n", kNext.substr(0, kNext.size() - 1),
                                  replaced(each.command, "/tmp/slipway", site.state()));
        }
        EXPECT_EQ(shell("bash", {"-c", "exec 2>&1\n" + script + "true"}, std::chrono::seconds(120)), 0) << out;
        std::vector<std::string> said;
        std::size_t at = out.find(kNext);
        while (at != std::string::npos) {
            at += kNext.size();
            const std::size_t end = out.find(kNext, at);
            said.push_back(out.substr(at, end == std::string::npos ? end : end - at));
            at = end;
        }
        return said;
    }
    // Every line of the README is one of the answer's, in the same order.
    static void compare(const Typed& typed, const std::string& said) {
        std::istringstream lines(said);
        for (const std::string& wanted : typed.shown) {
            bool seen = false;
            for (std::string line; !seen && std::getline(lines, line);) {
                seen = same_each_time(line) == same_each_time(wanted);
            }
            EXPECT_TRUE(seen) << "README: " << typed.command << "\n  shows: " << wanted
                              << "\n  the program: " << said;
        }
    }
    void follow(const std::string& section, const std::string& before = "") {
        const std::vector<Typed> all = typed_in(section);
        ASSERT_GE(all.size(), 3U) << "the README has no such section: " << section;
        const std::vector<std::string> said = answers_to(all, before);
        ASSERT_EQ(said.size(), all.size());
        for (std::size_t i = 0; i < all.size(); ++i) compare(all[i], said[i]);
    }
};

TEST_F(Readme, OfTheCommandLineIsTrueWhenTypedInOrder) {
    ASSERT_NO_FATAL_FAILURE(site.start());
    follow("The command line");
    EXPECT_TRUE(eventually([&] { return site.engines().empty(); })) << "what it makes it takes away again";
}

TEST_F(Readme, OfConfigurationIsTrueWhenTypedInOrder) { follow("Configuration and pools", "cd \"$HOME\"\n"); }

// The path of a stranger: nothing is looked for before it is there, and nothing is ended that somebody else needs.
TEST_F(Readme, LeadsFromCreationOverACrashToUsage) {
    std::string all;
    for (const Typed& each : typed_in("The command line")) all += each.command + "\n";
    std::size_t at = 0;
    for (const std::string step :
         {"slipway create", "slipway events", "kill -9", "slipway why", "slipway rm", "slipway usage"}) {
        at = all.find(step, at);
        ASSERT_NE(at, std::string::npos) << step;
    }
    EXPECT_THAT(file_text(std::string(SLIPWAY_SOURCE_DIR) + "/README.md"),
                ::testing::Not(::testing::HasSubstr("instances/*/lock")));
}

}  // namespace
}  // namespace slipway::testing
