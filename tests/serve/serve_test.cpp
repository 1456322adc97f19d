// The story of the Redis broker's document with real engines, and of a server that dies and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "program.h"

namespace slipway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr const char* kSmall = R"({"plan":"small","billingcode":"gwp"})";

class Serve : public ::testing::Test {
  protected:
    Site site_;

    RedisUrl create() {
        const Answer made = site_.request("POST", "/v1/redis/instance", kSmall);
        EXPECT_EQ(made.status, 200) << made.body;
        return RedisUrl(made.text("REDIS_URL"));
    }
    std::string state_of(const std::string& name) {
        return site_.as_administrator("GET", "/api/v1/resources/" + name).text("state");
    }
    mode_t mode(const std::string& name) {
        struct stat facts{};
        EXPECT_EQ(::stat((site_.state() + name).c_str(), &facts), 0) << name;
        return facts.st_mode & 07777U;
    }
};

TEST_F(Serve, TellsTheDocumentsStoryWithARealRedis) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.request("GET", "/v1/redis/plans").body,
              R"({"large":"Large","medium":"Medium","small":"Small"})");

    const Answer made = site_.request("POST", "/v1/redis/instance", kSmall);
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_THAT(made.text("REDIS_URL"),
                MatchesRegex("redis://default:[A-Za-z0-9]+@oct-[0-9a-f]+\\.localhost:[0-9]+"));
    const RedisUrl url(made.text("REDIS_URL"));
    EXPECT_EQ(redis(url, {"PING"}), "+PONG");

    EXPECT_EQ(site_.request("GET", "/v1/redis/url/" + url.name).body, made.body);
    const std::string tag = R"({"resource":")" + url.name + R"(","name":"team","value":"web"})";
    EXPECT_EQ(site_.request("POST", "/v1/tag", tag).body, R"({"response":"tag added"})");
    EXPECT_THAT(site_.request("GET", "/v1/redis/instance").body, HasSubstr(R"("tags":{"team":"web"})"));

    const Answer removed = site_.request("DELETE", "/v1/redis/instance/" + url.name);
    EXPECT_EQ(removed.status, 200);
    EXPECT_THAT(removed.body, HasSubstr(R"("CacheClusterStatus":"deleting")"));
    EXPECT_TRUE(eventually(
        [&] { return site_.engines().empty() && !fs::exists(site_.state() + "/instances/" + url.name); }));
    // By its name only what is not gone is found.
    EXPECT_TRUE(
        eventually([&] { return site_.as_administrator("GET", "/api/v1/resources/" + url.name).status == 404; }));
    EXPECT_EQ(site_.request("GET", "/v1/redis/url/" + url.name).status, 404);
    EXPECT_EQ(redis(url, {"PING"}), "") << "nobody may answer on its port";
}

// The real client cuts the name out of the URL wrongly where there is a password: the path must not be logged.
TEST_F(Serve, PasswordsAreInNoLogNoFileAndNoProcessList) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--log-level", "debug"}));
    const RedisUrl url = create();
    ASSERT_EQ(url.password.size(), 32U);
    EXPECT_EQ(site_.request("GET", "/v1/redis/url/default:" + url.password + "@" + url.name).status, 200);
    const std::string key = site_.admin_key();
    EXPECT_EQ(site_.as_administrator("GET", "/api/v1/resources").status, 200);
    for (const agent::Process& each : site_.processes()) {
        const std::string proc = "/proc/" + std::to_string(each.pid);
        EXPECT_THAT(file_text(proc + "/cmdline") + file_text(proc + "/environ"), Not(HasSubstr(url.password)));
    }
    EXPECT_EQ(site_.terminate(), 0);
    EXPECT_THAT(site_.log(), Not(HasSubstr(url.password)));
    EXPECT_THAT(site_.log(), Not(HasSubstr(key)));
    EXPECT_THAT(site_.log(), HasSubstr("redacted"));
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(site_.state())) {
        if (!entry.is_regular_file() || entry.path().filename() == "admin.key") continue;
        EXPECT_THAT(file_text(entry.path()), Not(HasSubstr(url.password))) << entry.path();
        EXPECT_THAT(file_text(entry.path()), Not(HasSubstr(key))) << entry.path();
    }
}

TEST_F(Serve, AKilledServerAdoptsItsEngineWithoutTouchingIt) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const RedisUrl url = create();
    ASSERT_EQ(redis(url, {"SET", "k", "v"}), "+OK");
    const auto before = site_.engines(url.name);
    ASSERT_EQ(before.size(), 1U);
    site_.kill();
    EXPECT_EQ(redis(url, {"GET", "k"}), "v") << "an engine does not need its server";
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(RedisUrl(site_.request("GET", "/v1/redis/url/" + url.name).text("REDIS_URL")).password, url.password);
    EXPECT_EQ(state_of(url.name), "ready");
    EXPECT_EQ(site_.engines(url.name), before) << "the same process";
    EXPECT_EQ(redis(url, {"GET", "k"}), "v");
}

// The dead server's lease is not waited for: the next one goes on within a second, whatever was under way.
TEST_F(Serve, ACreationUnderWayIsFinishedByTheNextServer) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Connection client(site_.port());
    ASSERT_TRUE(
        client.send(fmt::format("POST /v1/redis/instance HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                                std::string_view(kSmall).size(), kSmall)));
    const auto count = [&](const std::string& target, std::string_view items) {
        return site_.as_administrator("GET", target).object().at(items).as_array().size();
    };
    ASSERT_TRUE(eventually([&] { return count("/api/v1/operations", "operations") == 1; }));
    site_.kill();
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_TRUE(eventually([&] { return count("/api/v1/resources?state=ready", "resources") == 1; },
                           std::chrono::seconds(5)));
    EXPECT_EQ(count("/api/v1/resources", "resources"), 1U);
    EXPECT_EQ(site_.engines().size(), 1U);
}

// Nobody asks for it: the engine's death is seen, and it comes back from its data under the same URL.
TEST_F(Serve, ADeadEngineComesBackFromItsData) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const RedisUrl url = create();
    ASSERT_EQ(redis(url, {"SET", "k", "v"}), "+OK");
    // What the engine writes in the background once a second is then in the hands of the system.
    ASSERT_TRUE(eventually([&] {
        for (const auto& each : fs::recursive_directory_iterator(site_.state() + "/instances/" + url.name)) {
            if (each.is_regular_file() && each.path().string().contains("incr") && each.file_size() > 0)
                return true;
        }
        return false;
    }));
    const auto before = site_.engines(url.name);
    ASSERT_EQ(before.size(), 1U);
    kill_process(before.front());
    EXPECT_TRUE(eventually([&] { return redis(url, {"GET", "k"}) == "v"; }));
    EXPECT_NE(site_.engines(url.name), before);
}

TEST_F(Serve, AnEngineThatDiedWhileNoServerRanComesBackToo) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const RedisUrl url = create();
    site_.kill();
    for (const agent::Process& each : site_.engines(url.name)) kill_process(each);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_TRUE(eventually([&] { return redis(url, {"PING"}) == "+PONG"; }));
}

TEST_F(Serve, SigtermEndsItWithZeroAndLeavesTheEngines) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const RedisUrl url = create();
    const pid_t server = site_.program().pid();
    EXPECT_EQ(site_.terminate(), 0);
    EXPECT_EQ(site_.program().rest(), "") << "nothing but addresses belongs on standard output";
    EXPECT_EQ(redis(url, {"PING"}), "+PONG");
    const auto left = site_.processes();
    EXPECT_EQ(left, site_.engines(url.name)) << "the helper has ended with its server";
    EXPECT_TRUE(std::ranges::none_of(left, [&](const agent::Process& each) { return each.pid == server; }));
    EXPECT_EQ(site_.log_lines_with(" error ").size(), 0U) << site_.log();
}

TEST_F(Serve, ASecondSignalEndsItAtOnce) {
    site_.configure("[server]\nstop_grace = \"10m\"\n");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    // A request that never ends keeps the first stop waiting.
    const Connection slow(site_.port());
    ASSERT_TRUE(slow.send("POST /v1/redis/instance HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"));
    ASSERT_EQ(site_.request("GET", "/healthz").status, 200);
    site_.program().signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return !site_.log_lines_with("stopping").empty(); }));
    ASSERT_EQ(site_.program().wait(std::chrono::milliseconds(100)), std::nullopt);
    site_.program().signal(SIGTERM);
    EXPECT_EQ(site_.program().wait(), 128 + SIGTERM);
}

TEST_F(Serve, ASecondServerOnTheSameStateIsRefused) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.run_to_end({"--listen", "127.0.0.1:0"}), 1);
    EXPECT_THAT(site_.log(), HasSubstr("is in use by process " + std::to_string(site_.program().pid())));
    EXPECT_EQ(site_.request("GET", "/healthz").status, 200);
}

TEST_F(Serve, AnAddressInUseIsNamed) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    Site other;
    EXPECT_EQ(other.run_to_end({"--listen", "127.0.0.1:" + std::to_string(site_.port())}), 1);
    EXPECT_THAT(other.log(), HasSubstr("127.0.0.1:" + std::to_string(site_.port())));
}

TEST_F(Serve, FilesAreForTheirOwnerAlone) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(mode(""), 0700U);
    EXPECT_EQ(mode("/admin.key"), 0600U);
    EXPECT_EQ(mode("/master.key"), 0600U);
    EXPECT_EQ(mode("/store"), 0700U);
    EXPECT_EQ(mode("/store/slipway.db"), 0600U);
    EXPECT_EQ(mode("/instances"), 0711U) << "engines of other uids pass through, but cannot look";
    // Memory holds keys and passwords.
    EXPECT_THAT(file_text("/proc/" + std::to_string(site_.program().pid()) + "/limits"),
                HasSubstr("Max core file size        0                    0"));
}

TEST_F(Serve, RemovingTheAdministratorsKeyMakesANewOneAndRevokesTheOld) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const std::string old = site_.admin_key();
    EXPECT_EQ(site_.request("GET", "/api/v1/resources", "", "Authorization: " + old + "\r\n").status, 200);
    EXPECT_EQ(site_.request("GET", "/api/v1/resources").status, 401);
    EXPECT_EQ(site_.terminate(), 0);
    fs::remove(site_.state() + "/admin.key");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_NE(site_.admin_key(), old);
    EXPECT_EQ(site_.as_administrator("GET", "/api/v1/resources").status, 200);
    EXPECT_EQ(site_.request("GET", "/api/v1/resources", "", "Authorization: " + old + "\r\n").status, 401);
}

// A wrong master key would seal new secrets that nobody can open beside old ones that cannot be opened.
TEST_F(Serve, AnotherMasterKeyIsRefused) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.terminate(), 0);
    fs::remove(site_.state() + "/master.key");
    EXPECT_EQ(site_.run_to_end({"--listen", "127.0.0.1:0"}), 1);
    EXPECT_THAT(site_.log(), HasSubstr("master key"));
}

TEST_F(Serve, APoolIsFilledAndAClaimIsAnsweredFromIt) {
    site_.configure("[pool]\nsmall = 2\n");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    ASSERT_TRUE(eventually([&] { return site_.engines().size() == 2; })) << site_.log();
    ASSERT_TRUE(eventually([&] {
        return site_.as_administrator("GET", "/api/v1/resources?state=ready")
                   .object()
                   .at("resources")
                   .as_array()
                   .size() == 2;
    }));
    EXPECT_EQ(site_.request("GET", "/v1/redis/instance").object().at("instances").as_array().size(), 0U)
        << "what nobody claimed is nobody's";
    const auto pooled = site_.engines();
    const RedisUrl url = create();
    EXPECT_EQ(redis(url, {"PING"}), "+PONG");
    const auto claimed = site_.engines(url.name);
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_NE(std::ranges::find(pooled, claimed.front()), pooled.end()) << "it was running before it was asked for";
    EXPECT_TRUE(eventually([&] { return site_.engines().size() == 3; })) << "and it is made up for";
}

// Each listener has its own rule: one server is open on loopback and closed on every other address.
TEST_F(Serve, OnOtherAddressesAKeyIsNeeded) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"}));
    EXPECT_EQ(site_.request("GET", "/v1/redis/plans").status, 200);
    EXPECT_EQ(site_.request("GET", "/api/v1/resources").status, 401) << "the native face always needs one";
    EXPECT_EQ(site_.log_lines_with("need").size(), 1U) << "said for the address where it is so";
    site_.use_listener(1);
    EXPECT_EQ(site_.request("GET", "/v1/redis/plans").status, 401);
    EXPECT_EQ(site_.as_administrator("GET", "/v1/redis/plans").status, 200);
    EXPECT_EQ(site_.request("GET", "/readyz").status, 200);
}

TEST_F(Serve, OtherAddressesAreOpenedByFaceAndWithAWarning) {
    ASSERT_NO_FATAL_FAILURE(site_.start({"--listen", "0.0.0.0:0", "--allow-anonymous", "redis"}));
    EXPECT_EQ(site_.request("GET", "/v1/redis/plans").status, 200);
    EXPECT_EQ(site_.request("GET", "/api/v1/resources").status, 401);
    const auto lines = site_.log_lines_with("everybody who can reach it");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines.front(), HasSubstr("warning"));
}

// What cannot be made is refused with the reason; everything else of the server works.
TEST_F(Serve, StartsWithoutItsHelperAndSaysSo) {
    site_.configure("[local]\nhelper_socket = \"/nonexistent/helper\"\n");
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const Answer ready = site_.request("GET", "/readyz");
    EXPECT_EQ(ready.status, 503);
    EXPECT_THAT(ready.body, HasSubstr("the helper process that starts engines is not running"));
    EXPECT_EQ(site_.request("GET", "/healthz").status, 200);
    const Answer made = site_.request("POST", "/v1/redis/instance", kSmall);
    EXPECT_EQ(made.status, 503) << made.body;
    EXPECT_THAT(site_.as_administrator("GET", "/api/v1/doctor").body, HasSubstr(R"("severity":"problem")"));
    EXPECT_GE(site_.log_lines_with("a provider is unavailable").size(), 1U);
    EXPECT_EQ(site_.terminate(), 0);
}

TEST_F(Serve, StartsInMuchLessThanASecond) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    const auto first = site_.start_time();
    EXPECT_EQ(site_.terminate(), 0);
    ASSERT_NO_FATAL_FAILURE(site_.start());
    RecordProperty("first_start_us", static_cast<int>(first.count()));
    RecordProperty("next_start_us", static_cast<int>(site_.start_time().count()));
    fmt::print("start to listening: first {:.1f} ms, next {:.1f} ms\n", static_cast<double>(first.count()) / 1000.0,
               static_cast<double>(site_.start_time().count()) / 1000.0);
    EXPECT_LT(first, std::chrono::seconds(1));
    EXPECT_LT(site_.start_time(), std::chrono::seconds(1));
}

TEST_F(Serve, WhatItCannotDoIsRefusedWithTwoAndASentence) {
    EXPECT_EQ(site_.run_to_end({}, {{"BROKERDB", "postgres://u:hunter2@h/d"}}), 2);
    EXPECT_THAT(site_.log(), HasSubstr("BROKERDB: names a PostgreSQL store, which is not in this version"));
    EXPECT_THAT(site_.log(), Not(HasSubstr("hunter2")));
    EXPECT_EQ(site_.run_to_end({"--provider", "aws"}), 2);
    EXPECT_THAT(site_.log(), HasSubstr("the providers that there are: local, dummy"));
    EXPECT_EQ(site_.run_to_end({"--bogus"}), 2);
    site_.configure("[server]\nbogus = 1\n[pool]\nsmall = -1\n");
    EXPECT_EQ(site_.run_to_end({}), 2);
    EXPECT_THAT(site_.log(), HasSubstr("slipway.toml:2: server.bogus: is not a setting"));
    EXPECT_THAT(site_.log(), HasSubstr("slipway.toml:4: pool.small: must be an integer from 0 to 1000"));
    EXPECT_FALSE(fs::exists(site_.state())) << "nothing is made before everything is known to be good";
}

}  // namespace
}  // namespace slipway::testing
