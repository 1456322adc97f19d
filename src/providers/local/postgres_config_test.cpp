#include "providers/local/postgres_config.h"

#include <gtest/gtest.h>

#include "providers/local/config_test_support.h"
#include "providers/local/parameters.h"
#include "providers/sql/verifier.h"

namespace slipway::local {
namespace {

Spec postgres() { return spec_of("postgres", Kind::database_server); }

TEST(PostgresConfig, HoldsVerifiersAndNeverAPassword) {
    const auto setup = postgres_setup(target(), postgres(), kLoopback);
    ASSERT_TRUE(setup) << setup.error().message;
    std::string everything = fmt::format("{}{}{}", fmt::join(setup->args, " "), setup->tag, setup->seed.user);
    for (const agent::FileContent& each : setup->files) everything += each.content;
    everything += setup->seed.management_verifier + setup->seed.user_verifier;
    EXPECT_FALSE(everything.contains("canary"));
    EXPECT_EQ(setup->seed.name, "postgres");
    EXPECT_EQ(setup->seed.user, "admin");
    EXPECT_TRUE(sql::scram_matches(setup->seed.user_verifier, Secret("tenant-canary")));
    EXPECT_TRUE(sql::scram_matches(setup->seed.management_verifier, Secret("manager-canary")));
    EXPECT_TRUE(agent::valid_verifier(setup->seed.user_verifier)) << setup->seed.user_verifier;
    EXPECT_TRUE(agent::valid_verifier(setup->seed.management_verifier));
}

// It is compared with what the engine keeps: the same every time, another in every other engine and for every role.
TEST(PostgresConfig, AVerifierIsTheSameForTheSameEngineAndRoleOnly) {
    const Secret password("p");
    const std::string salt = salt_of(target());
    EXPECT_EQ(postgres_verifier(password, salt, "a"), postgres_verifier(password, salt, "a"));
    EXPECT_NE(postgres_verifier(password, salt, "a"), postgres_verifier(password, salt, "b"));
    Target later = target();
    later.generation = 4;
    EXPECT_NE(postgres_verifier(password, salt, "a"), postgres_verifier(password, salt_of(later), "a"));
}

TEST(PostgresConfig, ListensWhereItIsToldAndNowhereElse) {
    const auto setup = postgres_setup(target(), postgres(), kLoopback);
    const std::string text = file(*setup, kPostgresConfigFile);
    EXPECT_TRUE(text.contains("port = 20001\nlisten_addresses = '127.0.0.1,::1'\n")) << text;
    EXPECT_TRUE(text.contains("unix_socket_directories = ''\n"));
    EXPECT_EQ(setup->args, (std::vector<std::string>{"-D", "/proc/self/fd/5", "-c",
                                                     "config_file=/proc/self/fd/6/postgresql.conf"}));
}

TEST(PostgresConfig, OnlyPasswordsOpenItAndTheAdministratorComesFromThisMachine) {
    EXPECT_EQ(file(*postgres_setup(target(), postgres(), kLoopback), kPostgresAccessFile),
              "host all slipway 127.0.0.0/8 scram-sha-256\n"
              "host all slipway ::1/128 scram-sha-256\n"
              "host all slipway all reject\n"
              "host all all all scram-sha-256\n");
    // A connection from this machine to another of its addresses comes from that one.
    const std::string access =
        file(*postgres_setup(target(), postgres(), {"10.0.0.5", "0.0.0.0", "fd00::5"}), kPostgresAccessFile);
    EXPECT_TRUE(access.contains("host all slipway 10.0.0.5/32 scram-sha-256\n")) << access;
    EXPECT_TRUE(access.contains("host all slipway fd00::5/128 scram-sha-256\n")) << access;
    EXPECT_FALSE(access.contains("0.0.0.0")) << access;
}

TEST(PostgresConfig, NothingThatClientsSendIsLogged) {
    const std::string text = file(*postgres_setup(target(), postgres(), kLoopback), kPostgresConfigFile);
    for (const std::string line :
         {"log_statement = none", "log_min_error_statement = panic", "log_min_messages = log",
          "log_min_duration_statement = -1", "log_parameter_max_length_on_error = 0", "fsync = on"}) {
        EXPECT_TRUE(text.contains(line + "\n")) << line;
    }
}

TEST(PostgresConfig, TheTagChangesWithWhatNeedsARestartAndNotWithAPassword) {
    const std::string before = postgres_setup(target(), postgres(), kLoopback)->tag;
    EXPECT_TRUE(agent::valid_tag(before));
    Spec other = postgres();
    other.secrets["password"] = Secret("another");
    EXPECT_EQ(postgres_setup(target(), other, kLoopback)->tag, before);
    other = postgres();
    other.parameters["engine_version"] = "9.6";
    EXPECT_EQ(postgres_setup(target(), other, kLoopback)->tag, before);
    other = postgres();
    other.allocations["port"] = 20'002;
    EXPECT_NE(postgres_setup(target(), other, kLoopback)->tag, before);
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::int64_t>>{{"max_connections", 17}, {"shared_buffers", 16 << 20}}) {
        other = postgres();
        other.parameters[key] = value;
        EXPECT_NE(postgres_setup(target(), other, kLoopback)->tag, before) << key;
    }
}

TEST(PostgresConfig, ConnectionsOfOurOwnAreAddedToThoseOfThePlan) {
    Spec with = postgres();
    with.parameters = {{"max_connections", 40}, {"shared_buffers", 64 << 20}};
    const std::string text = file(*postgres_setup(target(), with, kLoopback), kPostgresConfigFile);
    EXPECT_TRUE(
        text.contains("max_connections = 45\nsuperuser_reserved_connections = 5\nshared_buffers = 65536kB\n"))
        << text;
}

TEST(PostgresConfig, AWrongParameterIsPermanentAndNamesItself) {
    const std::vector<std::pair<std::string, json::value>> wrong{{"max_connections", 9},
                                                                 {"max_connections", "100"},
                                                                 {"max_connections", 5001},
                                                                 {"shared_buffers", 1},
                                                                 {"shared_buffers", -1},
                                                                 {"shared_buffers", "32MB"},
                                                                 {"user", ""},
                                                                 {"user", "slipway"},
                                                                 {"user", "pg_x"},
                                                                 {"user", "a\nb"},
                                                                 {"user", 5},
                                                                 {"user", json::value(std::string(33, 'a'))}};
    for (const auto& [key, value] : wrong) {
        Spec broken = postgres();
        broken.parameters[key] = value;
        const auto setup = postgres_setup(target(), broken, kLoopback);
        ASSERT_FALSE(setup) << key;
        EXPECT_EQ(setup.error().error_class, ErrorClass::permanent);
        EXPECT_TRUE(setup.error().message.contains(key)) << setup.error().message;
    }
    for (const std::string key : {"password", "management_password"}) {
        Spec broken = postgres();
        broken.secrets[key] = Secret("ä");
        EXPECT_TRUE(postgres_setup(target(), broken, kLoopback).error().message.contains(key));
        broken.secrets.erase(key);
        EXPECT_TRUE(postgres_setup(target(), broken, kLoopback).error().message.contains(key));
    }
    Spec nowhere = postgres();
    nowhere.allocations.clear();
    EXPECT_FALSE(postgres_setup(target(), nowhere, kLoopback));
}

}  // namespace
}  // namespace slipway::local
