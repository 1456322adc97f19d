// The command line against a scripted server: what is asked, what is printed, how it ends.
#include "cli/cli.h"

#include <sys/stat.h>

#include "cli/cli_test_support.h"
#include "cli/output.h"

namespace slipway::cli {
namespace {

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
    own();
    answer(200, R"({"resources":[],"next":null})");
    EXPECT_EQ(run({"ls", "--server", "https://broker.example"}), 0);
    ASSERT_EQ(calls.size(), 2U);
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
    own();
    answer(
        200,
        R"({"next":null,"resources":[{"name":"oct-1","kind":"cache","engine":"redis","plan":"small","state":"ready",)"
        R"("health":{"status":"healthy"},"billing_code":"乳酪","endpoint":{"scheme":"redis","host":"oct-1.localhost",)"
        R"("port":20000},"created_at":"2016-05-20T04:28:03.758Z"},{"name":"oct-22","state":"failed","endpoint":null}]})");
    time = *parse_time("2016-05-20T06:30:00Z");
    EXPECT_EQ(run({"ls", "--plan", "small", "--label", "team=a b", "--gone"}), 0) << err.str();
    EXPECT_EQ(asked().back(),
              "GET /api/v1/resources?plan=small&include_gone=true"
              "&label.team=a%20b&organization=default&limit=1000");
    EXPECT_EQ(out.str(),
              "NAME    KIND   ENGINE  PLAN   STATE   HEALTH   BILLING  ENDPOINT                       AGE\n"
              "oct-1   cache  redis   small  ready   healthy  乳酪     redis://oct-1.localhost:20000  2h\n"
              "oct-22  -      -       -      failed  -        -        -                              -\n");
    EXPECT_EQ(calls[0].bearer.reveal(), "the-key");
}

TEST_F(CliTest, FollowsPagesUpToTheLimit) {
    own();
    answer(200, R"({"next":"a&b","resources":[{"name":"1"},{"name":"2"}]})");
    answer(200, R"({"next":"c","resources":[{"name":"3"}]})");
    EXPECT_EQ(run({"ls", "--limit", "3", "--json"}), 0);
    EXPECT_EQ(asked(),
              (std::vector<std::string>{"GET /api/v1/me", "GET /api/v1/resources?organization=default&limit=3",
                                        "GET /api/v1/resources?organization=default&limit=1&after=a%26b"}));
    EXPECT_EQ(out.str(), "[{\"name\":\"1\"},\n{\"name\":\"2\"},\n{\"name\":\"3\"}]\n");
    EXPECT_EQ(err.str(), "slipway: there are more; raise --limit or filter\n");
}

TEST_F(CliTest, EveryCommandCanPrintJson) {
    const std::string one = operation("succeeded");
    answer(200, R"({"name":"a","state":"ready"})");
    EXPECT_EQ(run({"show", "a", "--json"}), 0);
    EXPECT_EQ(out.str(), "{\"name\":\"a\",\"state\":\"ready\"}\n");
    answer(200, R"({"next":null,"operations":[]})");
    EXPECT_EQ(run({"ops", "--json", "--open"}), 0);
    EXPECT_EQ(out.str(), "[]\n");
    answer(200, one);
    EXPECT_EQ(run({"wait", "op_1", "--json"}), 0);
    EXPECT_TRUE(json::parse(out.str())) << out.str();
    answer(200, R"({"dry_run":true,"found":[],"inventory":3,"removed":0,"failed":0})");
    EXPECT_EQ(run({"sweep", "--json"}), 0);
    EXPECT_EQ(json::get_int(json::parse(out.str())->as_object(), "inventory"), 3);
}

TEST_F(CliTest, CommonOptionsMayStandBeforeTheCommandToo) {
    own();
    answer(200, R"({"resources":[],"next":null})");
    EXPECT_EQ(run({"--json", "ls"}), 0) << err.str();
    EXPECT_EQ(out.str(), "[]\n");
}

TEST_F(CliTest, RemovingWaitsForTheEnd) {
    answer(202, operation("queued"));
    answer(200, operation("running"));
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "oct 1", "--quiet"}), 0) << err.str();
    EXPECT_EQ(asked(),
              (std::vector<std::string>{"DELETE /api/v1/resources/oct%201", "GET /api/v1/operations/op_1?wait=20",
                                        "GET /api/v1/operations/op_1?wait=20"}));
    EXPECT_EQ(out.str(), "oct 1 is removed\n");
    EXPECT_EQ(err.str(), "") << "no progress where nobody wants it";
}

TEST_F(CliTest, ProgressIsOneLineOnATerminalAndIsWiped) {
    environment.err_terminal.width = 40;
    answer(202, operation("queued"));
    answer(200, operation("running"));
    answer(200, operation("running"));
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "a"}), 0);
    EXPECT_EQ(asked().at(1), "GET /api/v1/operations/op_1?wait=0") << "there is something to show at once";
    EXPECT_EQ(asked().at(2), "GET /api/v1/operations/op_1?wait=2");
    EXPECT_NE(err.str().find("\r\033[Ka: step 2 of 2: removing it (1s)"), std::string::npos) << err.str();
    EXPECT_NE(err.str().find("(2s)"), std::string::npos) << "time passes between answers, too";
    EXPECT_TRUE(err.str().ends_with("\r\033[K")) << err.str();
    EXPECT_EQ(err.str().find('\n'), std::string::npos);
    EXPECT_EQ(out.str(), "a is removed\n");
    environment.err_terminal.width = 20;
    answer(202, operation("queued"));
    answer(200, operation("running"));
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "a"}), 0);
    EXPECT_NE(err.str().find("\r\033[Ka: step 2 of … (1s)\r"), std::string::npos) << "a longer one would wrap";
}

TEST_F(CliTest, ProgressElsewhereIsALineForEachChange) {
    answer(202, operation("queued"));
    answer(200, operation("running"));
    answer(200, operation("running"));
    answer(200, operation("succeeded"));
    EXPECT_EQ(run({"rm", "a"}), 0);
    EXPECT_EQ(err.str(), "a: step 2 of 2: removing it\n");
}

// What was asked for does not depend on whoever asked.
TEST_F(CliTest, WhoeverInterruptsAWaitIsToldThatItGoesOn) {
    interrupt_at = 3;
    answer(202, operation("queued"));
    answer(200, operation("running"));
    EXPECT_EQ(run({"rm", "a"}), 130);
    EXPECT_NE(err.str().find("the request is kept, and op_1 goes on"), std::string::npos) << err.str();
    EXPECT_NE(err.str().find("slipway wait op_1"), std::string::npos) << err.str();
    EXPECT_EQ(err.str().find("cancel"), std::string::npos) << "a removal is not cancelled";
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
    answers.clear();
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
                                               {"ls", "--key-file", "/does/not/exist"},
                                               {"ls", "-o", "yaml"},
                                               {"create", "redis"},
                                               {"create", "redis", "small", "--label", "=x"},
                                               {"update", "a"},
                                               {"update", "a", "--label", "x=1", "--unlabel", "x"},
                                               {"update", "a", "--if-version", "-1"},
                                               {"rm", "a", "--selector", "x"},
                                               {"ls", "-A", "--organization", "acme"},
                                               {"events", "--since-start", "--after", "3"},
                                               {"events", "--after", "now"},
                                               {"keys"},
                                               {"keys", "nothing"},
                                               {"keys", "create", "--role", "king"},
                                               {"keys", "create", "--expires-in", "soon"},
                                               {"orgs", "quota", "acme", "all"},
                                               {"orgs", "quota", "acme", "all=1", "--none"},
                                               {"webhooks", "update", "wh_1"},
                                               {"webhooks", "update", "wh_1", "--enable", "--disable"},
                                               {"webhooks", "update", "wh_1", "--type", "x", "--all-types"},
                                               {"orphans", "adopt", "local", "oct-1"},
                                               {"orphans", "rm", "local", "oct-1"},
                                               {"usage", "--from", "yesterday"},
                                               {"completion", "tcsh"}}) {
        EXPECT_EQ(run(arguments), 2) << fmt::format("{}", fmt::join(arguments, " "));
        EXPECT_NE(err.str().find("slipway: "), std::string::npos) << fmt::format("{}", fmt::join(arguments, " "));
        EXPECT_EQ(err.str().find("user:pw"), std::string::npos) << err.str();
    }
    EXPECT_TRUE(calls.empty());
}

TEST_F(CliTest, HelpAndVersionAreNoErrors) {
    EXPECT_EQ(run({"--help"}), 0);
    for (const std::string word :
         {"serve", "agent",    "plans",   "create", "url",    "update",     "ls",     "show",  "rotate",
          "rm",    "why",      "plan",    "ops",    "wait",   "cancel",     "events", "usage", "keys",
          "orgs",  "webhooks", "orphans", "sweep",  "doctor", "completion", "version"}) {
        EXPECT_NE(out.str().find("\n  " + word + " "), std::string::npos) << word;
    }
    EXPECT_LT(out.str().find("Resources:"), out.str().find("Administration:"));
    EXPECT_NE(out.str().find("Exit status"), std::string::npos);
    EXPECT_EQ(run({"rm", "--help"}), 0);
    EXPECT_NE(out.str().find("--no-wait"), std::string::npos);
    EXPECT_NE(out.str().find("Examples:\n  slipway rm"), std::string::npos) << out.str();
    EXPECT_EQ(run({"keys", "--help"}), 0);
    EXPECT_NE(out.str().find("\n  revoke "), std::string::npos) << out.str();
    EXPECT_EQ(run({"version", "--json"}), 0);
    EXPECT_EQ(out.str().find("{\"version\":"), 0U);
    EXPECT_EQ(run({"--version"}), 0);
    EXPECT_EQ(out.str().find("slipway "), 0U);
}

TEST_F(CliTest, AWrongWordIsNamedWithWhereTheRightOnesStand) {
    EXPECT_EQ(run({"lst"}), 2);
    EXPECT_EQ(err.str(),
              "slipway: `slipway` knows no command \"lst\"\n  fix: `slipway --help` shows what may stand there\n");
    EXPECT_EQ(run({"keys", "--state-dir", "/x"}), 2);
    EXPECT_NE(err.str().find("`slipway keys` needs a command: ls, create, revoke"), std::string::npos) << err.str();
    EXPECT_EQ(run({"create", "redis"}), 2);
    EXPECT_NE(err.str().find("PLAN is required\n  fix: `slipway create --help`"), std::string::npos) << err.str();
    EXPECT_EQ(run({"ls", "--limit", "0"}), 2);
    EXPECT_NE(err.str().find("--limit"), std::string::npos) << err.str();
    EXPECT_EQ(run({"url", "a", "b"}), 2);
    EXPECT_NE(err.str().find("not expected here: b\n"), std::string::npos) << err.str();
    EXPECT_EQ(run({"keys", "--server", "http://h", "lst"}), 2);
    EXPECT_NE(err.str().find("`slipway keys` knows no command \"lst\""), std::string::npos) << err.str();
}

// People try --key KEY, and what a program says ends up in logs of others.
TEST_F(CliTest, AWrongOptionIsNamedWithoutItsValue) {
    const std::vector<std::vector<std::string>> all{
        {"ls", "--key", "secret"},         {"ls", "--key=secret"},    {"--key", "secret", "ls"},
        {"keys", "--key", "secret", "ls"}, {"ls", "secret", "--key"}, {"--server=http://h", "--key", "secret"}};
    for (const auto& words : all) {
        EXPECT_EQ(run(words), 2);
        EXPECT_NE(err.str().find("there is no option --key\n"), std::string::npos) << err.str();
        EXPECT_EQ(err.str().find("secret"), std::string::npos) << err.str();
    }
    EXPECT_EQ(run({"ls", "-ksecret"}), 2);
    EXPECT_NE(err.str().find("there is no option -k\n"), std::string::npos) << err.str();
}

// A reader that went away, or a full disk: what was not written was not said.
TEST_F(CliTest, OutputThatCannotBeWrittenIsAFailure) {
    own();
    answer(200, R"({"next":"x","resources":[{"name":"a"}]})");
    out.setstate(std::ios::badbit);
    const auto ls = [&] { return cli::run({"ls"}, environment); };
    EXPECT_EQ(ls(), 1);
    EXPECT_EQ(calls.size(), 2U) << "no page is asked for that nobody reads";
    EXPECT_NE(err.str().find("could not be written"), std::string::npos) << err.str();
}

TEST_F(CliTest, TheKeyIsFoundInItsPlacesInOrder) {
    const auto key_of = [&](std::vector<std::string> arguments) {
        calls.clear();
        own();
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
        own();
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
    own();
    answer(200, "{\"next\":null,\"resources\":[{\"name\":\"a\\u001b[31mb\\u0007\\u009b\",\"state\":\"x\\ny\"}]}");
    EXPECT_EQ(run({"ls"}), 0);
    EXPECT_NE(out.str().find("a?[31mb??"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("x?y"), std::string::npos) << out.str();
    own();
    answer(500, "{\"error\":\"\\u001b]0;x\\u0007\"}");
    run({"ls"});
    EXPECT_EQ(err.str().find('\033'), std::string::npos);
}

}  // namespace
}  // namespace slipway::cli
