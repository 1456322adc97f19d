#include "main/settings.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

Environment with(Variables variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}

std::string told(const Error& error) {
    std::string text = error.message;
    for (const FieldProblem& each : error.problems) text += fmt::format("\n{}: {}", each.field, each.problem);
    return text;
}

std::vector<std::string> listeners(Words words, Variables variables) {
    words.insert(words.end(), {"--state-dir", "/x"});
    const auto settings = read_settings(std::move(words), with(std::move(variables)));
    EXPECT_TRUE(settings) << told(settings.error());
    return settings ? settings->config.server.listen : std::vector<std::string>();
}

TEST(Settings, ListensOnLoopbackOnTheTwoPortsThatClientsKnow) {
    EXPECT_EQ(listeners({}, {}), (Words{"127.0.0.1:3000", "127.0.0.1:5000"}));
}

// Platforms that run a program somewhere tell it by HOST and PORT; whoever names listeners means exactly those.
TEST(Settings, HostAndPortChangeTheDefaultListenersOnly) {
    EXPECT_EQ(listeners({}, {{"PORT", "8080"}}), (Words{"127.0.0.1:8080", "127.0.0.1:5000"}));
    EXPECT_EQ(listeners({}, {{"HOST", "0.0.0.0"}}), (Words{"0.0.0.0:3000", "0.0.0.0:5000"}));
    EXPECT_EQ(listeners({}, {{"HOST", "::1"}, {"PORT", "1"}}), (Words{"[::1]:1", "[::1]:5000"}));
    EXPECT_EQ(listeners({}, {{"HOST", "localhost"}}), (Words{"127.0.0.1:3000", "127.0.0.1:5000"}));
    EXPECT_EQ(listeners({}, {{"PORT", "5000"}}), Words{"127.0.0.1:5000"});
    EXPECT_EQ(listeners({"--listen", "127.0.0.1:1"}, {{"HOST", "nonsense"}, {"PORT", "x"}}), Words{"127.0.0.1:1"});
    EXPECT_EQ(listeners({"--listen", "127.0.0.1:1", "--listen=[::1]:2"}, {}), (Words{"127.0.0.1:1", "[::1]:2"}));
}

// Whoever names one file only would otherwise serve in plain, and not know it.
TEST(Settings, ACertificateAndItsKeyComeTogetherFromWhereverTheyCome) {
    const auto both = read_settings({"--state-dir", "/x", "--tls-cert", "/c", "--tls-key", "/k"}, with({}));
    ASSERT_TRUE(both) << told(both.error());
    EXPECT_EQ(both->config.server.tls_cert, "/c");
    EXPECT_EQ(both->config.server.tls_key, "/k");
    const auto one = read_settings({"--state-dir", "/x", "--tls-cert", "/c"}, with({}));
    ASSERT_FALSE(one);
    EXPECT_THAT(told(one.error()), HasSubstr("--tls-key (server.tls_key): is missing"));
    const auto other = read_settings({"--state-dir", "/x", "--tls-key", "/k"}, with({}));
    ASSERT_FALSE(other);
    EXPECT_THAT(told(other.error()), HasSubstr("--tls-cert (server.tls_cert): is missing"));
}

struct Refused {
    Words words;
    Variables variables;
    const char* says;
};

class RefusedSettings : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedSettings, SaysWhatIsWrong) {
    const auto settings = read_settings(GetParam().words, with(GetParam().variables));
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(told(settings.error()), HasSubstr(GetParam().says));
}

const Variables kHome{{"HOME", "/home/x"}};
INSTANTIATE_TEST_SUITE_P(
    Table, RefusedSettings,
    ::testing::Values(
        Refused{{"--bogus"}, kHome, "--bogus"}, Refused{{"stray"}, kHome, "stray"},
        Refused{{"--log-level", "loud"}, kHome, "--log-level"},
        Refused{{"--listen", "localhost:1"}, kHome, "--listen: localhost:1 is not ADDR:PORT"},
        Refused{{"--listen", "127.0.0.1:20000"}, kHome, "lies in the range that instances get their ports from"},
        Refused{{"--provider", "aws"},
                kHome,
                "--provider: aws is not in this version; the providers that there are: local, dummy"},
        Refused{{"--provider", "x"}, kHome, "x is unknown"},
        Refused{{"--allow-anonymous", "redis,native"}, kHome, "native is not a face that may be open"},
        // A face that does not exist would be taken for open.
        Refused{{"--allow-anonymous", "redis,bigdata"},
                kHome,
                "--allow-anonymous: bigdata is not in this version, so that it cannot be among the faces that are "
                "open; "
                "those are: redis, memcached, ec2, metrics"},
        Refused{{"--config", "/nonexistent"}, kHome, "--config: /nonexistent cannot be opened"},
        Refused{{}, {{"HOME", "/x"}, {"HOST", "example.org"}}, "HOST: must be a numeric address"},
        Refused{{}, {{"HOME", "/x"}, {"PORT", "80a"}}, "PORT: must be a number"},
        Refused{{"--database-url", "postgres://u:hunter2@h/d"}, kHome, "--database-url: names a PostgreSQL store"},
        Refused{
            {}, {{"HOME", "/x"}, {"BROKERDB", "postgres://u:hunter2@h/d"}}, "BROKERDB: names a PostgreSQL store"}));

// Nobody who has real plans gets a dummy by accident, and who wants only dummies need not rewrite any plan.
TEST(Settings, AProviderNamedOnTheCommandLineMakesEverything) {
    const auto settings = read_settings({"--state-dir", "/x", "--provider", "dummy"}, with({}));
    ASSERT_TRUE(settings) << told(settings.error());
    for (const Plan& plan : settings->config.plans) EXPECT_EQ(plan.provider, "dummy") << plan.name;
    const auto plain = read_settings({"--state-dir", "/x"}, with({}));
    ASSERT_TRUE(plain);
    const auto local = read_settings({"--state-dir", "/x", "--provider", "local"}, with({}));
    ASSERT_TRUE(local);
    for (const auto& each : {plain->config, local->config}) {
        for (const Plan& plan : each.plans) {
            const std::map<Kind, std::string> own{{Kind::database, "databases"},
                                                  {Kind::backup, "backups"},
                                                  {Kind::machine, plan.engine == "vm" ? "libvirt" : "lxc"}};
            const auto found = own.find(plan.kind);
            EXPECT_EQ(plan.provider, found != own.end() ? found->second : "local") << plan.name;
        }
    }
}

// The URL of a database holds its password, and standard error is often a log.
TEST(Settings, ADatabaseUrlIsNeverRepeated) {
    const Words words{"--database-url", "postgres://u:hunter2@h/d"};
    const auto settings = read_settings(words, with({{"BROKERDB", "postgres://u:hunter2@h/d"}, {"HOME", "/x"}}));
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().problems.size(), 2U) << "everything that is wrong is told at once";
    EXPECT_THAT(told(settings.error()), Not(HasSubstr("hunter2")));
}

TEST(Settings, TheCommandLineWinsOverTheDefaults) {
    const auto settings =
        read_settings({"--state-dir", "/x", "--provider", "local", "--allow-anonymous", "redis,ec2", "--log-format",
                       "json", "--log-level", "error", "--no-access-log", "--check-config"},
                      with({}));
    ASSERT_TRUE(settings) << told(settings.error());
    EXPECT_EQ(settings->state_dir, "/x");
    EXPECT_EQ(settings->config.server.allow_anonymous.size(), 2U);
    EXPECT_EQ(settings->config.log.format, log::Format::json);
    EXPECT_EQ(settings->config.log.level, log::Level::error);
    EXPECT_FALSE(settings->config.server.access_log);
    EXPECT_TRUE(settings->check_only);
}

TEST(Settings, HelpIsAnAnswerAndNoMistake) {
    const auto settings = read_settings({"--help"}, with({}));
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().code, ErrorCode::cancelled);
    EXPECT_THAT(settings.error().message, HasSubstr("--state-dir"));
}

TEST(Settings, StateIsKeptWhereTheSystemKeepsIt) {
    EXPECT_EQ(default_state_dir(with({{"HOME", "/home/x"}}), true), "/var/lib/slipway");
    EXPECT_EQ(default_state_dir(with({{"HOME", "/home/x"}}), false), "/home/x/.local/state/slipway");
    EXPECT_EQ(default_state_dir(with({{"HOME", "/home/x"}, {"XDG_STATE_HOME", "/s"}}), false), "/s/slipway");
    EXPECT_EQ(default_state_dir(with({}), false), "");
}

}  // namespace
}  // namespace slipway
