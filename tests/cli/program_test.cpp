// The built command line with a real server and real engines: what only they can show.
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "command.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliProgram : public CliSite {
  protected:
    json::array listing(std::vector<std::string> words) {
        words.emplace_back("--json");
        EXPECT_EQ(slipway(std::move(words)), 0) << err;
        const auto parsed = json::parse(out);
        EXPECT_TRUE(parsed && parsed->is_array()) << out;
        return parsed && parsed->is_array() ? parsed->get_array() : json::array();
    }
    // The helper through which the server starts engines: a child of one of its threads, whose second word says so.
    pid_t helper() {
        const std::string tasks = fmt::format("/proc/{}/task", site.program().pid());
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            std::istringstream children(file_text(task.path() / "children"));
            for (pid_t child = 0; children >> child;) {
                const std::string line = file_text(fmt::format("/proc/{}/cmdline", child));
                if (line.contains(std::string("\0agent\0", 7))) return child;
            }
        }
        return 0;
    }
};

TEST_F(CliProgram, ARealRedisIsMadeUsedAndExplainedAfterItsDeath) {
    ASSERT_NO_FATAL_FAILURE(site.start());
    ASSERT_EQ(slipway({"create", "redis", "small", "--name", "cache1", "--label", "env=prod"}), 0) << err;
    EXPECT_EQ(out, "cache1 is made and ready\nits URL, with the password: slipway url cache1\n");
    ASSERT_EQ(slipway({"url", "cache1"}), 0) << err;
    EXPECT_EQ(err, "");
    const RedisUrl url(out.substr(0, out.find('\n')));
    EXPECT_EQ(redis(url, {"PING"}), "+PONG");

    const auto engines = site.engines();
    ASSERT_EQ(engines.size(), 1U);
    kill_process(engines[0]);
    EXPECT_TRUE(eventually([&] { return redis(url, {"PING"}) == "+PONG"; }, std::chrono::seconds(60)));
    EXPECT_TRUE(eventually(
        [&] {
            return slipway({"why", "cache1"}) == 0 && out.contains("repair") && out.contains(": succeeded after ");
        },
        std::chrono::seconds(60)))
        << out;
    EXPECT_THAT(out, StartsWith("cache1 is ready and healthy, since 20")) << out;
    EXPECT_THAT(out, HasSubstr("it is being brought back"));
    EXPECT_THAT(out, HasSubstr("asked for by reconciler"));
    EXPECT_THAT(out, HasSubstr("earlier events: --all")) << "short first";
    EXPECT_THAT(out, Not(HasSubstr("was requested")));
    ASSERT_EQ(slipway({"why", "cache1", "--all"}), 0);
    EXPECT_THAT(out, HasSubstr("was requested")) << "and everything where it is asked for";

    ASSERT_EQ(slipway({"rm", "cache1"}), 0) << err;
    EXPECT_TRUE(eventually([&] { return site.engines().empty(); }));
    EXPECT_EQ(slipway({"doctor", "--state-dir", site.state()}), 0) << out;
    EXPECT_THAT(out, HasSubstr("server: local redis"));
}

// What the caller's machine, user and a usual configuration would say of another's server was wrong of it, and its
// fix (local.port_first) could never clear the finding.
TEST_F(CliProgram, TheDoctorTellsWhatHoldsForTheServerThatAnswers) {
    site.configure("[local]\nport_first = 24100\nport_last = 24180\n");
    ASSERT_NO_FATAL_FAILURE(site.start());
    slipway({"doctor"});
    EXPECT_THAT(out, HasSubstr("engines get ports 24100 to 24180"));
    for (const char* check : {"isolation", "disk", "fsync", "ports", "clock", "open files", "names"}) {
        EXPECT_THAT(out, HasSubstr(fmt::format("server: {} ", check)));
    }
    for (const char* guess : {"29999", "privileges", "state directory", "scripts/setup"}) {
        EXPECT_THAT(out, Not(HasSubstr(guess)));
    }
    EXPECT_EQ(site.terminate(), 0);
    slipway({"doctor", "--state-dir", site.state()});
    for (const char* check : {"20000 to 29999", "privileges", "state directory", "fsync"}) {
        EXPECT_THAT(out, HasSubstr(check)) << "nobody else is there to ask";
    }
}

// Whoever follows sees every event once, whatever happens to the server meanwhile.
TEST_F(CliProgram, FollowingOutlivesTheServerAndLosesNothing) {
    ASSERT_NO_FATAL_FAILURE(site.start());
    const auto follower = begin({"events", "--follow", "--since-start", "--json"});
    ASSERT_EQ(slipway({"create", "redis", "small", "--name", "one"}), 0) << err;
    ASSERT_TRUE(follower->says("one is ready")) << follower->err();
    const std::string listener = fmt::format("127.0.0.1:{}", site.port());
    ASSERT_NO_FATAL_FAILURE(site.kill());
    EXPECT_TRUE(follower->complains("trying again")) << follower->err();
    ASSERT_NO_FATAL_FAILURE(site.start({"--listen", listener}));
    ASSERT_EQ(slipway({"create", "redis", "small", "--name", "two"}), 0) << err;
    ASSERT_TRUE(follower->says("two is ready")) << follower->err();
    EXPECT_EQ(site.terminate(), 0) << "a follower does not hold the server up";
    ASSERT_NO_FATAL_FAILURE(site.start({"--listen", listener}));
    ASSERT_EQ(slipway({"rm", "one"}), 0) << err;
    ASSERT_TRUE(follower->says("one is gone")) << follower->err();
    follower->signal(SIGINT);
    EXPECT_EQ(follower->wait(), 130) << follower->err();

    const json::array all = listing({"events"});
    std::istringstream lines(follower->out());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        ASSERT_LT(count, all.size());
        EXPECT_EQ(line, json::dump(all[count])) << "none twice, none lost";
    }
    EXPECT_GE(count, 10U);
    ASSERT_EQ(slipway({"rm", "two"}), 0) << err;
}

// What the server was asked to do is its business: whoever asked may go.
TEST_F(CliProgram, AnInterruptedCreationGoesOn) {
    ASSERT_NO_FATAL_FAILURE(site.start());
    const pid_t stopped = helper();
    ASSERT_NE(stopped, 0);
    ::kill(stopped, SIGSTOP);
    const auto creation = begin({"create", "redis", "small", "--name", "cache1"});
    EXPECT_TRUE(creation->complains("cache1: step 1 of ")) << creation->err();
    creation->signal(SIGINT);
    EXPECT_EQ(creation->wait(), 130);
    EXPECT_THAT(creation->err(), HasSubstr("the request is kept, and cache1 goes on being worked on"));
    EXPECT_THAT(creation->err(), HasSubstr("slipway wait cache1"));
    EXPECT_EQ(creation->out(), "");
    const auto waiting = begin({"wait", "cache1", "--quiet"});
    ::kill(stopped, SIGCONT);
    EXPECT_EQ(waiting->wait(std::chrono::seconds(60)), 0) << waiting->err();
    ASSERT_EQ(slipway({"show", "cache1"}), 0) << err;
    EXPECT_THAT(out, HasSubstr("state          ready"));
    ASSERT_EQ(slipway({"rm", "cache1"}), 0) << err;
}

// What the command line takes no part in explains itself as all commands do.
TEST_F(CliProgram, EachCommandHasHelp) {
    for (const std::string command : {"agent", "serve", "ls"}) {
        EXPECT_EQ(slipway({command, "--help"}), 0) << command;
        EXPECT_THAT(out, HasSubstr("slipway " + command));
        EXPECT_EQ(err, "") << command;
    }
    EXPECT_EQ(slipway({"agent"}), 2);
    EXPECT_THAT(err, HasSubstr("usage: agent --root DIR"));
    EXPECT_EQ(slipway({"--help"}), 0);
    EXPECT_THAT(out, HasSubstr("141")) << "what the next test sees is told";
    ASSERT_EQ(slipway({"webhooks", "--help"}), 0);
    EXPECT_THAT(out, HasSubstr(" whk_")) << "an example's id is one that the server could have given";
}

TEST_F(CliProgram, AReaderThatLeavesEndsTheCommandWithoutAWord) {
    ASSERT_NO_FATAL_FAILURE(site.start());
    ASSERT_EQ(slipway({"create", "redis", "small", "--name", "cache1"}), 0) << err;
    // Events come seldom: it must not take the next one to see that nobody reads.
    EXPECT_EQ(shell("bash", {"-c", "slipway events --follow --since-start | head -n 1; echo ${PIPESTATUS[0]}"}), 0);
    EXPECT_THAT(out, HasSubstr("resource.requested"));
    EXPECT_TRUE(out.ends_with("\n141\n")) << out;
    EXPECT_EQ(err, "");
    EXPECT_EQ(shell("bash", {"-c", "slipway ls > /dev/full"}), 1);
    EXPECT_THAT(err, HasSubstr("could not be written"));
    ASSERT_EQ(slipway({"rm", "cache1"}), 0) << err;
}

TEST_F(CliProgram, NoSecretIsAnArgumentOrInWhatIsSaidAside) {
    ASSERT_NO_FATAL_FAILURE(site.start());
    ASSERT_EQ(slipway({"keys", "create", "--role", "reader", "--description", "for a test"}), 0);
    const std::string key = out.substr(0, out.find('\n'));
    EXPECT_THAT(key, StartsWith("slk_"));
    EXPECT_THAT(err, Not(HasSubstr(key)));
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"keys", "ls", "-o", "wide"}, {"keys", "ls", "--json"}, {"events"}}) {
        ASSERT_EQ(slipway(words), 0) << err;
        EXPECT_THAT(out + err, Not(HasSubstr(key)));
    }
    EXPECT_TRUE(site.log_lines_with(key).empty());
}

// The port is one that was free a moment ago: nobody listens there, and the test says so.
TEST_F(CliProgram, AWebhookIsTriedAndItsSecretShownOnce) {
    site.configure("[webhooks]\nallow_private = true\n");
    ASSERT_NO_FATAL_FAILURE(site.start());
    const std::uint16_t closed = site.port();
    ASSERT_EQ(site.terminate(), 0);
    ASSERT_NO_FATAL_FAILURE(site.start());
    ASSERT_NE(site.port(), closed);
    ASSERT_EQ(slipway({"webhooks", "create", fmt::format("http://127.0.0.1:{}/hook", closed)}), 0) << err;
    const std::string secret = out.substr(0, out.find('\n'));
    EXPECT_THAT(secret, StartsWith("whsec_"));
    EXPECT_THAT(err, Not(HasSubstr(secret)));
    ASSERT_EQ(slipway({"webhooks", "ls", "-o", "name"}), 0) << err;
    const std::string id = out.substr(0, out.find('\n'));
    EXPECT_EQ(slipway({"webhooks", "test", id}), 1);
    EXPECT_THAT(err, HasSubstr("not delivered: "));
    EXPECT_THAT(err, HasSubstr("fix: "));
    ASSERT_EQ(slipway({"webhooks", "show", id, "--json"}), 0) << err;
    EXPECT_THAT(out, Not(HasSubstr(secret)));
    ASSERT_EQ(slipway({"webhooks", "rm", id}), 0) << err;
}

// Restored from a backup that is older than two instances: one is taken over with its data, the other removed.
TEST_F(CliProgram, WhatABackupDoesNotKnowIsAdoptedOrRemoved) {
    namespace fs = std::filesystem;
    ASSERT_NO_FATAL_FAILURE(site.start());
    ASSERT_EQ(site.terminate(), 0);
    fs::copy(site.state() + "/store", site.state() + "/backup", fs::copy_options::recursive);
    ASSERT_NO_FATAL_FAILURE(site.start());
    std::vector<std::string> lost;
    for (const std::string name : {"kept", "dropped"}) {
        ASSERT_EQ(slipway({"create", "redis", "small", "--name", name, "-q"}), 0) << err;
        ASSERT_EQ(slipway({"show", name, "--json"}), 0) << err;
        lost.push_back(json::get_string(json::parse(out)->as_object(), "external_name"));
        ASSERT_EQ(slipway({"url", name}), 0);
        EXPECT_EQ(redis(RedisUrl(out.substr(0, out.find('\n'))), {"SET", "name", name}), "+OK");
    }
    ASSERT_EQ(site.terminate(), 0);
    fs::remove_all(site.state() + "/store");
    fs::rename(site.state() + "/backup", site.state() + "/store");
    ASSERT_NO_FATAL_FAILURE(site.start());

    ASSERT_EQ(slipway({"sweep"}), 0) << err;
    EXPECT_THAT(out, HasSubstr("2 unaccounted for, 0 removed"));
    ASSERT_EQ(slipway({"orphans", "ls"}), 0) << err;
    for (const std::string& name : lost) EXPECT_THAT(out, HasSubstr(name));
    ASSERT_EQ(
        slipway({"orphans", "adopt", "local", lost[0], "--plan", "small", "--engine", "redis", "--name", "kept"}),
        0)
        << err;
    EXPECT_THAT(out, StartsWith("kept is taken over and ready"));
    ASSERT_EQ(slipway({"url", "kept"}), 0) << err;
    EXPECT_EQ(redis(RedisUrl(out.substr(0, out.find('\n'))), {"GET", "name"}), "kept") << "with its data";
    ASSERT_EQ(slipway({"orphans", "rm", "local", lost[1], "--yes"}), 0) << err;
    EXPECT_TRUE(eventually([&] { return site.engines(lost[1]).empty(); }));
    ASSERT_EQ(slipway({"sweep"}), 0) << err;
    EXPECT_THAT(out, HasSubstr("0 unaccounted for"));
    ASSERT_EQ(slipway({"rm", "kept"}), 0) << err;
}

}  // namespace
}  // namespace slipway::testing
