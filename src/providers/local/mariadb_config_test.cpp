#include "providers/local/mariadb_config.h"

#include <gtest/gtest.h>

#include "providers/local/config_test_support.h"
#include "providers/sql/verifier.h"

namespace slipway::local {
namespace {

Spec mysql() { return spec_of("mysql", Kind::database_server); }

TEST(MariadbConfig, HoldsHashesAndNeverAPassword) {
    const auto setup = mariadb_setup(target(), mysql(), kLoopback);
    ASSERT_TRUE(setup) << setup.error().message;
    std::string everything = fmt::format("{}{}", fmt::join(setup->args, " "), setup->tag);
    for (const agent::FileContent& each : setup->files) {
        everything += each.content;
        EXPECT_TRUE(agent::valid_file(each.file)) << each.file;
    }
    EXPECT_FALSE(everything.contains("canary"));
    const std::string logins = file(*setup, kMariadbLoginsFile);
    EXPECT_TRUE(logins.contains(sql::mysql_native_hash(Secret("tenant-canary"))));
    EXPECT_TRUE(logins.contains(sql::mysql_native_hash(Secret("manager-canary"))));
    EXPECT_EQ(setup->seed.name, "mariadb");
    EXPECT_TRUE(setup->seed.user.empty());
}

TEST(MariadbConfig, ListensWhereItIsToldAndKeepsItsSocketToItself) {
    const auto setup = mariadb_setup(target(), mysql(), kLoopback);
    const std::string text = file(*setup, kMariadbConfigFile);
    for (const std::string line :
         {"port=20001", "bind-address=127.0.0.1,::1", "socket=/proc/self/fd/5/socket", "skip-name-resolve",
          "local-infile=0", "symbolic-links=0", "performance-schema=0", "general-log=0", "slow-query-log=0",
          "init-file=/proc/self/fd/6/users.sql", "innodb-flush-log-at-trx-commit=1"}) {
        EXPECT_TRUE(text.contains(line + "\n")) << line;
    }
    EXPECT_EQ(setup->args, std::vector<std::string>{"--defaults-file=/proc/self/fd/6/my.cnf"});
}

TEST(MariadbConfig, TheAdministratorComesFromThisMachineAndTheTenantHasNoRightsOverTheServer) {
    const std::string logins =
        file(*mariadb_setup(target(), mysql(), {"127.0.0.1", "10.0.0.5"}), kMariadbLoginsFile);
    for (const std::string host : {"127.0.0.1", "::1", "10.0.0.5"}) {
        EXPECT_TRUE(logins.contains(fmt::format("GRANT ALL PRIVILEGES ON *.* TO 'slipway'@'{}'", host))) << logins;
    }
    EXPECT_FALSE(logins.contains("'slipway'@'%'"));
    const std::string rights = logins.substr(logins.find("GRANT SELECT"));
    EXPECT_TRUE(rights.contains("TO 'admin'@'%' WITH GRANT OPTION;\n")) << rights;
    for (const std::string right : {"SUPER", "FILE", "SHUTDOWN", "ADMIN", "ALL", "SET USER", "REPLICATION"}) {
        EXPECT_FALSE(rights.contains(right)) << right;
    }
}

TEST(MariadbConfig, TheTagChangesWithWhatNeedsARestartAndNotWithAPassword) {
    const std::string before = mariadb_setup(target(), mysql(), kLoopback)->tag;
    Spec other = mysql();
    other.secrets["password"] = Secret("another");
    EXPECT_EQ(mariadb_setup(target(), other, kLoopback)->tag, before);
    EXPECT_NE(file(*mariadb_setup(target(), other, kLoopback), kMariadbLoginsFile),
              file(*mariadb_setup(target(), mysql(), kLoopback), kMariadbLoginsFile));
    other = mysql();
    other.allocations["port"] = 20'002;
    EXPECT_NE(mariadb_setup(target(), other, kLoopback)->tag, before);
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::int64_t>>{{"max_connections", 17}, {"buffer_pool", 64 << 20}}) {
        other = mysql();
        other.parameters[key] = value;
        EXPECT_NE(mariadb_setup(target(), other, kLoopback)->tag, before) << key;
    }
}

TEST(MariadbConfig, AWrongParameterIsPermanentAndNamesItself) {
    const std::vector<std::pair<std::string, json::value>> wrong{
        {"max_connections", 9}, {"max_connections", "100"}, {"max_connections", 5001}, {"buffer_pool", 1},
        {"buffer_pool", "32M"}, {"user", "slipway"},        {"user", "a'b"},           {"user", "%"}};
    for (const auto& [key, value] : wrong) {
        Spec broken = mysql();
        broken.parameters[key] = value;
        const auto setup = mariadb_setup(target(), broken, kLoopback);
        ASSERT_FALSE(setup) << key;
        EXPECT_EQ(setup.error().error_class, ErrorClass::permanent);
        EXPECT_TRUE(setup.error().message.contains(key)) << setup.error().message;
    }
    Spec without = mysql();
    without.secrets.erase("management_password");
    EXPECT_TRUE(mariadb_setup(target(), without, kLoopback).error().message.contains("management_password"));
}

}  // namespace
}  // namespace slipway::local
