// Completion: what is offered where, and that it never gets in the way. The shells themselves: tests/cli.
#include "cli/completion.h"

#include "cli/cli_test_support.h"
#include "cli/manual.h"

namespace slipway::cli {
namespace {

std::string file_text(const std::string& path) {
    std::ifstream in(std::string(SLIPWAY_SOURCE_DIR) + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class CompletionTest : public CliTest {
  protected:
    // Without descriptions.
    std::vector<std::string> offered(std::vector<std::string> words) {
        words.insert(words.begin(), "__complete");
        EXPECT_EQ(run(std::move(words)), 0);
        EXPECT_EQ(err.str(), "");
        std::vector<std::string> found;
        std::istringstream in(out.str());
        for (std::string line; std::getline(in, line);) found.push_back(line.substr(0, line.find('\t')));
        return found;
    }
    using Words = std::vector<std::string>;
};

TEST_F(CompletionTest, CommandsOptionsAndKnownValuesNeedNoServer) {
    EXPECT_EQ(offered({"s"}), (Words{"show", "ssh", "sweep", "serve"}));
    EXPECT_EQ(offered({"keys", ""}), (Words{"ls", "create", "revoke"}));
    EXPECT_EQ(offered({"--json", "orgs", "q"}), (Words{"quota"}));
    EXPECT_EQ(offered({"rm", "--s"}), (Words{"--selector", "--server", "--state-dir"}));
    EXPECT_EQ(offered({"ls", "-o", "n"}), (Words{"name"}));
    EXPECT_EQ(offered({"ls", "--output=w"}), (Words{"--output=wide"}));
    EXPECT_EQ(offered({"ls", "--output", "=", "w"}), (Words{"wide"})) << "as bash takes it apart";
    EXPECT_EQ(offered({"ls", "--output", "="}), (Words{"table", "wide", "name", "json"}));
    EXPECT_EQ(offered({"completion", ""}), (Words{"bash", "zsh", "fish"}));
    EXPECT_EQ(offered({"ls", "--key-file", "/et"}), (Words{":files"}));
    EXPECT_EQ(offered({"ls", "--state-dir", ""}), (Words{":directories"}));
    EXPECT_EQ(offered({"create", "--name", ""}), Words{}) << "a name of one's own is not guessed";
    EXPECT_EQ(offered({"nothing", ""}), Words{});
    EXPECT_EQ(offered({}).front(), "plans");
    EXPECT_TRUE(calls.empty());
    EXPECT_EQ(std::ranges::count(offered({""}), "__complete"), 0);
}

TEST_F(CompletionTest, NamesAreAskedOfTheServerShortly) {
    const std::string two =
        R"({"next":"x","resources":[{"name":"cache1","engine":"redis","plan":"small","state":"ready"},{"name":"db"}]})";
    answer(200, two);
    EXPECT_EQ(offered({"show", "c"}), (Words{"cache1"}));
    EXPECT_EQ(out.str(), "cache1\tredis small ready\n");
    EXPECT_EQ(asked().back(), "GET /api/v1/resources?limit=200");
    EXPECT_LE(calls.back().connect_limit + calls.back().answer_limit, std::chrono::seconds(1));
    EXPECT_EQ(calls.back().bearer.reveal(), "the-key");
    answer(200, two);
    EXPECT_EQ(offered({"rm", "cache1", ""}), (Words{"db"})) << "what is given is not offered again";
    answer(200, R"({"plans":[{"engine":"redis","name":"small"},{"engine":"redis","name":"large"}]})");
    EXPECT_EQ(offered({"create", "r"}), (Words{"redis"}));
    answer(200, R"({"plans":[{"engine":"redis","name":"small"},{"engine":"redis","name":"large"}]})");
    EXPECT_EQ(offered({"create", "redis", ""}), (Words{"small", "large"}));
    EXPECT_EQ(asked().back(), "GET /api/v1/plans?engine=redis");
    answer(200, R"({"operations":[{"id":"op_1","kind":"provision","state":"running"}]})");
    answer(200, two);
    EXPECT_EQ(offered({"wait", ""}), (Words{"op_1", "cache1", "db"}));
    answer(200, R"({"keys":[{"id":"key_1"}]})");
    EXPECT_EQ(offered({"keys", "revoke", ""}), (Words{"key_1"}));
    answer(200, R"({"orphans":[{"provider":"local","external_name":"oct-1"},{"provider":"local"}]})");
    EXPECT_EQ(offered({"orphans", "rm", ""}), (Words{"local"}));
}

TEST_F(CompletionTest, TheServerInTheLineIsTheOneThatIsAsked) {
    answer(200, R"({"resources":[]})");
    offered({"show", "--server", "http://127.0.0.1:4000", ""});
    EXPECT_EQ(origins.back().url(), "http://127.0.0.1:4000");
    answer(200, R"({"resources":[]})");
    offered({"show", "--server=http://127.0.0.1:5000", ""});
    EXPECT_EQ(origins.back().url(), "http://127.0.0.1:5000");
}

// Whoever presses Tab must not get a message into the line.
TEST_F(CompletionTest, FailuresAreSilent) {
    nobody();
    EXPECT_EQ(offered({"show", ""}), Words{});
    answer(401, R"({"error":"no"})");
    EXPECT_EQ(offered({"show", ""}), Words{});
    answer(200, "<html>");
    EXPECT_EQ(offered({"show", ""}), Words{});
    EXPECT_EQ(offered({"show", "--key-file", "/does/not/exist", ""}), Words{});
    EXPECT_EQ(offered({"show", "--server", "nonsense", ""}), Words{});
}

TEST_F(CompletionTest, TheScriptsAreTheFilesThatPackagesInstall) {
    for (const auto& [shell, file] :
         {std::pair{"bash", "slipway.bash"}, {"zsh", "_slipway"}, {"fish", "slipway.fish"}}) {
        EXPECT_EQ(run({"completion", shell}), 0);
        EXPECT_EQ(out.str(), file_text(std::string("completions/") + file));
        EXPECT_NE(out.str(), "");
    }
}

std::vector<std::string> paths_of(const CommandInfo& command, const std::string& path) {
    std::vector<std::string> all;
    for (const CommandInfo& inner : command.commands) {
        all.push_back(path + " " + inner.name);
        std::ranges::move(paths_of(inner, all.back()), std::back_inserter(all));
    }
    return all;
}

const std::vector<OtherCommand>& others() {
    static const std::vector<OtherCommand> all{
        {"serve", "run the server (slipway serve --help)"},
        {"agent", "the helper that starts engines; the server starts its own"}};
    return all;
}

// The part between the marks is the program's own: `slipway __manual` prints it.
TEST(Manual, SaysWhatTheHelpSays) {
    const std::string page = file_text("docs/man/slipway.1");
    const std::string begin = ".\\\" What follows is printed by `slipway __manual`.\n";
    const std::string end = ".\\\" What `slipway __manual` prints ends here.\n";
    const std::size_t from = page.find(begin);
    const std::size_t to = page.find(end);
    ASSERT_NE(from, std::string::npos);
    ASSERT_NE(to, std::string::npos);
    std::istringstream written(page.substr(from + begin.size(), to - from - begin.size()));
    std::istringstream made(manual_of(whole_grammar(others())));
    std::string here;
    std::string there;
    do {
        here.clear();
        there.clear();
        std::getline(written, here);
        std::getline(made, there);
        ASSERT_EQ(here, there) << "put what `slipway __manual` prints between the marks";
    } while (written || made);
}

TEST(Manual, HasEveryCommandWithItsExamples) {
    const std::string page = manual_of(whole_grammar(others()));
    for (const std::string& path : paths_of(whole_grammar(others()), "slipway")) {
        EXPECT_NE(page.find("\\fB" + path + "\\fR"), std::string::npos) << path;
    }
    EXPECT_NE(page.find("redis\\-cli \\-u"), std::string::npos) << "a hyphen that is typed is a minus in troff";
    EXPECT_NE(page.find("\\fB\\-\\-ca\\-file\\fR \\fIFILE\\fR"), std::string::npos);
}

void expect_told(const CommandInfo& command, const std::string& path, const std::string& text) {
    for (const CommandInfo& inner : command.commands) {
        const std::string inner_path = path + " " + inner.name;
        const std::size_t at = text.find("`" + inner_path);
        EXPECT_NE(at, std::string::npos) << "docs/cli.md does not tell of `" << inner_path << "`";
        // Its row of the table, or its family's.
        const std::string row = text.substr(at, text.find('\n', at) - std::min(at, text.size()));
        for (const OptionText& option : inner.options) {
            if (!option.common) {
                EXPECT_NE(row.find(option.names.back()), std::string::npos)
                    << "docs/cli.md does not tell of " << option.names.back() << " at `" << inner_path << "`";
            }
        }
        expect_told(inner, inner_path, text);
    }
}

TEST(Manual, TheDocumentHasEveryCommandAndOption) {
    const std::string text = file_text("docs/cli.md");
    expect_told(whole_grammar(others()), "slipway", text);
    for (const OptionText& option : whole_grammar(others()).options) {
        EXPECT_NE(text.find(option.names.back()), std::string::npos) << option.names.back();
    }
}

}  // namespace
}  // namespace slipway::cli
