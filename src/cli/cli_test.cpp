// The command line against a scripted server: what is asked, what is printed, how it ends.
#include "cli/cli.h"

#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/environment.h"
#include "cli/output.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOperation =
    R"({"id":"op_1","kind":"deprovision","state":"STATE","reason":null,"progress":{"done":1,"total":2,"sentence":"removing it"}})";

std::string operation(std::string_view state) {
    std::string text(kOperation);
    return text.replace(text.find("STATE"), 5, state);
}

class CliTest : public testing::Test {
  public:
    CliTest() {
        std::string name = (fs::temp_directory_path() / "slipway-cli-XXXXXX").string();
        place = ::mkdtemp(name.data());
        environment.variables = {{"HOME", place}, {"SLIPWAY_KEY", "the-key"}};
    }
    ~CliTest() override { fs::remove_all(place); }

  protected:
    int run(std::vector<std::string> arguments) {
        out.str("");
        err.str("");
        return cli::run(std::move(arguments), environment,
                        {{"serve", "run the server"}, {"agent", "run the helper"}});
    }
    void answer(int status, std::string body) {
        answers.emplace_back(net::HttpAnswer{status, {}, std::move(body)});
    }
    void nobody() { answers.emplace_back(fail(ErrorCode::unavailable, "connecting failed: Connection refused")); }
    // "GET /path" of every call so far.
    std::vector<std::string> asked() const {
        std::vector<std::string> all;
        all.reserve(calls.size());
        for (const auto& call : calls) all.push_back(call.method + " " + call.target);
        return all;
    }

    std::string place;
    std::ostringstream out;
    std::ostringstream err;
    std::deque<Result<net::HttpAnswer>> answers;
    std::vector<net::HttpCall> calls;
    std::vector<net::Origin> origins;
    TimePoint time{};
    Environment environment{{},
                            out,
                            err,
                            false,
                            false,
                            [this](const net::Origin& origin, net::HttpCall call) -> Result<net::HttpAnswer> {
                                origins.push_back(origin);
                                calls.push_back(std::move(call));
                                time += std::chrono::seconds(1);
                                if (answers.empty()) return fail(ErrorCode::unavailable, "the script has ended");
                                auto next = std::move(answers.front());
                                answers.pop_front();
                                return next;
                            },
                            [this](Duration delay) { time += delay; },
                            [this] { return time; }};
};

TEST_F(CliTest, AFileOfAuthoritiesThatCannotBeReadIsWrongUsage) {
    EXPECT_EQ(run({"ls", "--server", "https://broker.example", "--ca-file", "/nonexistent/ca.pem"}), 2);
    EXPECT_NE(err.str().find("(from --ca-file): /nonexistent/ca.pem: No such file"), std::string::npos)
        << err.str();
    environment.variables["SLIPWAY_CA_FILE"] = place;
    EXPECT_EQ(run({"ls", "--server", "https://broker.example"}), 2);
    EXPECT_NE(err.str().find("(from SLIPWAY_CA_FILE): " + place), std::string::npos) << err.str();
    EXPECT_TRUE(calls.empty());
}

TEST_F(CliTest, HttpsGoesWithTheMachinesAuthoritiesAndWithoutAWarning) {
    answer(200, R"({"resources":[],"next":null})");
    EXPECT_EQ(run({"ls", "--server", "https://broker.example"}), 0);
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_NE(calls.front().trust, nullptr);
    EXPECT_TRUE(origins.front().https);
    EXPECT_EQ(err.str().find("unencrypted"), std::string::npos) << err.str();
}

TEST_F(CliTest, AServerThatCannotShowWhoItIsIsAnsweredByTheWayOut) {
    answers.emplace_back(fail(ErrorCode::unauthenticated, "could not show that it is the one asked for"));
    EXPECT_EQ(run({"ls", "--server", "https://broker.example"}), 5);
    EXPECT_NE(err.str().find("--ca-file FILE"), std::string::npos) << err.str();
    answers.emplace_back(fail(ErrorCode::malformed, "speaks no TLS"));
    EXPECT_EQ(run({"ls", "--server", "https://broker.example"}), 5);
    EXPECT_NE(err.str().find("http:// instead"), std::string::npos) << err.str();
}

TEST_F(CliTest, ListsAlignedTables) {
    answer(
        200,
        R"({"next":null,"resources":[{"name":"oct-1","kind":"cache","engine":"redis","plan":"small","state":"ready",)"
        R"("health":{"status":"healthy"},"billing_code":"乳酪","endpoint":{"scheme":"redis","host":"oct-1.localhost",)"
        R"("port":20000},"created_at":"2016-05-20T04:28:03.758Z"},{"name":"oct-22","state":"failed","endpoint":null}]})");
    EXPECT_EQ(run({"ls", "--plan", "small", "--label", "team=a b", "--gone"}), 0) << err.str();
    EXPECT_EQ(asked(), std::vector<std::string>{
                           "GET /api/v1/resources?plan=small&include_gone=true&label.team=a%20b&limit=500"});
    EXPECT_EQ(out.str(),
              "NAME    KIND   ENGINE  PLAN   STATE   HEALTH   BILLING  ENDPOINT                       CREATED\n"
              "oct-1   cache  redis   small  ready   healthy  乳酪       redis://oct-1.localhost:20000  "
              "2016-05-20T04:28:03.758Z\n"
              "oct-22  -      -       -      failed  -        -        -                              -\n");
    EXPECT_EQ(calls[0].bearer.reveal(), "the-key");
}

TEST_F(CliTest, FollowsPagesUpToTheLimit) {
    answer(200, R"({"next":"a&b","resources":[{"name":"1"},{"name":"2"}]})");
    answer(200, R"({"next":"c","resources":[{"name":"3"}]})");
    EXPECT_EQ(run({"ls", "--limit", "3", "--json"}), 0);
    EXPECT_EQ(asked(), (std::vector<std::string>{"GET /api/v1/resources?limit=3",
                                                 "GET /api/v1/resources?limit=1&after=a%26b"}));
    EXPECT_EQ(out.str(), "{\"more\":true,\"resources\":[{\"name\":\"1\"},{\"name\":\"2\"},{\"name\":\"3\"}]}\n");
}

TEST_F(CliTest, EveryCommandCanPrintJson) {
    const std::string one = operation("succeeded");
    answer(200, R"({"name":"a","state":"ready"})");
    EXPECT_EQ(run({"show", "a", "--json"}), 0);
    EXPECT_EQ(out.str(), "{\"name\":\"a\",\"state\":\"ready\"}\n");
    answer(200, R"({"next":null,"operations":[]})");
    EXPECT_EQ(run({"ops", "--json", "--open"}), 0);
    EXPECT_EQ(out.str(), "{\"more\":false,\"operations\":[]}\n");
    answer(200, one);
    EXPECT_EQ(run({"wait", "op_1", "--json"}), 0);
    EXPECT_TRUE(json::parse(out.str())) << out.str();
    answer(200, R"({"dry_run":true,"found":[],"inventory":3,"removed":0,"failed":0})");
    EXPECT_EQ(run({"sweep", "--json"}), 0);
    EXPECT_EQ(json::get_int(json::parse(out.str())->as_object(), "inventory"), 3);
}

TEST_F(CliTest, CommonOptionsMayStandBeforeTheCommandToo) {
    answer(200, R"({"resources":[],"next":null})");
    EXPECT_EQ(run({"--json", "ls"}), 0) << err.str();
    EXPECT_EQ(out.str().substr(0, 1), "{") << out.str();
}

TEST_F(CliTest, RemovingWaitsForTheEnd) {
    answer(202, operation("queued"));
    answer(200, operation("running"));
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "oct 1"}), 0) << err.str();
    EXPECT_EQ(asked(),
              (std::vector<std::string>{"DELETE /api/v1/resources/oct%201", "GET /api/v1/operations/op_1?wait=20",
                                        "GET /api/v1/operations/op_1?wait=20"}));
    EXPECT_EQ(out.str(), "oct 1 is removed\n");
    EXPECT_EQ(err.str(), "") << "no progress where nobody looks";
}

TEST_F(CliTest, ProgressIsForTerminalsAndIsWiped) {
    environment.progress = true;
    answer(202, operation("queued"));
    answer(200, operation("running"));
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "a"}), 0);
    EXPECT_EQ(err.str(), "\r\033[K1/2 removing it\r\033[K");
    EXPECT_EQ(out.str(), "a is removed\n");
}

TEST_F(CliTest, RemovingSeveralTriesAllAndTellsOfTheFirstFailure) {
    answer(404, R"({"error":"no such resource"})");
    answer(202, operation("queued"));
    answer(200, operation("failed"));
    EXPECT_EQ(run({"rm", "a", "b"}), 3);
    EXPECT_EQ(calls.size(), 3U);
    EXPECT_NE(err.str().find("a: no such resource"), std::string::npos) << err.str();
    EXPECT_NE(err.str().find("b was not removed"), std::string::npos) << err.str();
}

TEST_F(CliTest, NotWaitingNamesTheOperation) {
    answer(202, operation("queued"));
    EXPECT_EQ(run({"rm", "a", "--no-wait"}), 0);
    EXPECT_EQ(out.str(), "a is being removed: op_1\n");
}

TEST_F(CliTest, WaitingEndsInTimeAndSaysHowToGoOn) {
    for (int i = 0; i < 10; ++i) answer(200, operation("running"));
    EXPECT_EQ(run({"wait", "op_1", "--timeout", "3"}), 6);
    EXPECT_NE(err.str().find("slipway wait op_1"), std::string::npos) << err.str();
    EXPECT_LE(calls.size(), 5U);
}

// A server that starts anew takes its work up again; so does whoever waits for it.
TEST_F(CliTest, WaitingOutlivesARestartOfTheServer) {
    answer(200, operation("running"));
    nobody();
    nobody();
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"wait", "op_1"}), 0) << err.str();
    answers.clear();
    nobody();
    EXPECT_EQ(run({"wait", "op_1"}), 5) << "one that was never there is not waited for";
}

TEST_F(CliTest, WaitingForAResourceIsWaitingForWhatIsDoneToIt) {
    answer(200, R"({"name":"a","state":"deprovisioning","operation":"op_1"})");
    answer(200, operation("cancelled"));
    EXPECT_EQ(run({"wait", "a"}), 1);
    answer(200, R"({"name":"a","state":"ready","operation":null})");
    EXPECT_EQ(run({"wait", "a"}), 0);
    EXPECT_EQ(out.str(), "a is ready\n");
}

TEST_F(CliTest, CancellingIsDoneWhenItIsCancelled) {
    answer(202, operation("running"));
    answer(200, operation("cancelled"));
    EXPECT_EQ(run({"cancel", "op_1", "--reason", "wrong plan"}), 0) << err.str();
    EXPECT_EQ(calls[0].body, R"({"reason":"wrong plan"})");
    answer(409, R"({"error":"it has ended"})");
    EXPECT_EQ(run({"cancel", "op_1"}), 1);
    EXPECT_EQ(err.str(), "slipway: it has ended\n");
}

TEST_F(CliTest, SweepingOnlyLooksUnlessTold) {
    answer(200,
           R"({"dry_run":true,"found":[{"provider":"local","external_name":"oct-1","kind":"lost",)"
           R"("first_seen":"T","removed_at":null,"detail":"a directory"}],"inventory":3,"removed":0,"failed":0})");
    EXPECT_EQ(run({"sweep"}), 0);
    EXPECT_EQ(calls[0].body, R"({"dry_run":true})");
    EXPECT_NE(out.str().find("--remove"), std::string::npos);
    answer(200, R"({"dry_run":false,"found":[],"inventory":3,"removed":0,"failed":2})");
    EXPECT_EQ(run({"sweep", "--remove", "--grace", "0"}), 1) << "two could not be removed";
    EXPECT_EQ(calls[1].body, R"({"dry_run":false,"grace_seconds":0})");
}

TEST_F(CliTest, StatusesTellScriptsWhatHappened) {
    const auto after = [&](int status) {
        answer(status, R"({"error":"said"})");
        return run({"show", "a"});
    };
    EXPECT_EQ(after(404), 3);
    EXPECT_EQ(after(401), 4);
    EXPECT_EQ(after(403), 4);
    EXPECT_EQ(after(500), 1);
    EXPECT_EQ(after(503), 1);
    nobody();
    EXPECT_EQ(run({"show", "a"}), 5);
    EXPECT_NE(err.str().find("fix: start a server with `slipway serve`"), std::string::npos) << err.str();
    answer(200, "<html>");
    EXPECT_EQ(run({"show", "a"}), 1);
    EXPECT_NE(err.str().find("is no Slipway"), std::string::npos) << err.str();
}

TEST_F(CliTest, WrongUsageIsStatus2AndAsksNobody) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{},
                                               {"nothing"},
                                               {"show"},
                                               {"rm"},
                                               {"show", "a", "b"},
                                               {"ls", "--limit", "0"},
                                               {"ls", "--limit", "x"},
                                               {"ls", "--label", "novalue"},
                                               {"wait", "op_1", "--timeout", "-1"},
                                               {"ls", "--key", "secret"},
                                               {"ls", "--server", "ftp://x"},
                                               {"ls", "--server", "http://user:pw@x"},
                                               {"ls", "--server", "x"},
                                               {"ls", "--key-file", "/does/not/exist"}}) {
        EXPECT_EQ(run(arguments), 2) << fmt::format("{}", arguments.size());
        EXPECT_NE(err.str(), "");
        EXPECT_EQ(err.str().find("user:pw"), std::string::npos) << err.str();
    }
    EXPECT_TRUE(calls.empty());
}

TEST_F(CliTest, HelpAndVersionAreNoErrors) {
    EXPECT_EQ(run({"--help"}), 0);
    for (const std::string word :
         {"serve", "agent", "ls", "show", "rm", "ops", "wait", "cancel", "sweep", "doctor"}) {
        EXPECT_NE(out.str().find("  " + word), std::string::npos) << word;
    }
    EXPECT_NE(out.str().find("Exit status"), std::string::npos);
    EXPECT_EQ(run({"rm", "--help"}), 0);
    EXPECT_NE(out.str().find("--no-wait"), std::string::npos);
    EXPECT_EQ(run({"--version"}), 0);
    EXPECT_EQ(out.str().find("slipway "), 0U);
}

TEST_F(CliTest, TheKeyIsFoundInItsPlacesInOrder) {
    const auto key_of = [&](std::vector<std::string> arguments) {
        calls.clear();
        answer(200, R"({"resources":[],"next":null})");
        EXPECT_EQ(run(std::move(arguments)), 0) << err.str();
        return calls.empty() ? std::string() : calls[0].bearer.reveal();
    };
    const auto write = [&](const std::string& name, const std::string& text) {
        fs::create_directories(fs::path(name).parent_path());
        std::ofstream(name) << text;
        return name;
    };
    write(place + "/.local/state/slipway/admin.key", "by-default\n");
    const std::string named = write(place + "/named", "  by-file \n");
    const std::string from_variable = write(place + "/variable", "by-variable");
    write(place + "/other/admin.key", "by-state-dir\n");
    EXPECT_EQ(key_of({"ls"}), "the-key");
    EXPECT_EQ(key_of({"ls", "--key-file", named}), "by-file");
    environment.variables.erase("SLIPWAY_KEY");
    environment.variables["SLIPWAY_KEY_FILE"] = from_variable;
    EXPECT_EQ(key_of({"ls"}), "by-variable");
    environment.variables.erase("SLIPWAY_KEY_FILE");
    EXPECT_EQ(key_of({"ls"}), "by-default");
    EXPECT_EQ(key_of({"ls", "--state-dir", place + "/other"}), "by-state-dir");
    environment.variables["XDG_STATE_HOME"] = place + "/xdg";
    write(place + "/xdg/slipway/admin.key", "by-xdg\n");
    EXPECT_EQ(key_of({"ls"}), "by-xdg");
    environment.variables["XDG_STATE_HOME"] = place + "/nothing";
    EXPECT_EQ(key_of({"ls"}), "") << "none is no error: the server says whether it needs one";
    answer(401, R"({"error":"an API key is needed"})");
    EXPECT_EQ(run({"ls"}), 4);
    EXPECT_NE(err.str().find("no API key was found (looked at " + place), std::string::npos) << err.str();
}

TEST_F(CliTest, TheServerIsFoundInItsPlacesInOrder) {
    const auto server_of = [&](std::vector<std::string> arguments) {
        answer(200, R"({"resources":[],"next":null})");
        EXPECT_EQ(run(std::move(arguments)), 0) << err.str();
        return origins.back().url();
    };
    EXPECT_EQ(server_of({"ls"}), "http://127.0.0.1:3000");
    EXPECT_EQ(err.str(), "");
    environment.variables["SLIPWAY_URL"] = "http://[::1]:4000/";
    EXPECT_EQ(server_of({"ls"}), "http://[::1]:4000");
    EXPECT_EQ(server_of({"ls", "--server", "http://example.org/base/"}), "http://example.org:80/base");
    EXPECT_NE(err.str().find("unencrypted"), std::string::npos) << "a key leaves this machine";
}

// Labels and messages were written by somebody else.
TEST_F(CliTest, NothingThatATerminalWouldObeyIsPrinted) {
    answer(200, "{\"next\":null,\"resources\":[{\"name\":\"a\\u001b[31mb\\u0007\\u009b\",\"state\":\"x\\ny\"}]}");
    EXPECT_EQ(run({"ls"}), 0);
    EXPECT_NE(out.str().find("a?[31mb??"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("x?y"), std::string::npos) << out.str();
    answer(500, "{\"error\":\"\\u001b]0;x\\u0007\"}");
    run({"ls"});
    EXPECT_EQ(err.str().find('\033'), std::string::npos);
}

}  // namespace
}  // namespace slipway::cli
