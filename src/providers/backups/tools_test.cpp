#include "providers/backups/tools.h"

#include <gtest/gtest.h>

namespace slipway::backups {
namespace {

TEST(Tools, NoPasswordIsAnArgument) {
    const Tools tools{"/bin/pg_dump", "/bin/pg_restore", "/bin/mariadb-dump", "/bin/mariadb"};
    for (const char* engine : {"postgres", "mysql"}) {
        const DatabaseLogin login{ResourceId("res_1"), engine,    "127.0.0.1",     5432, "user",
                                  "da'ta=b",           "disable", Secret("canary")};
        for (const Invocation& what : {dump_of(tools, login), restore_into(tools, login, "/list")}) {
            for (const std::string& word : what.words) EXPECT_EQ(word.find("canary"), std::string::npos) << word;
            for (const std::string& word : what.environment) EXPECT_EQ(word.find("canary"), std::string::npos);
            EXPECT_EQ(what.password.reveal(), "canary");
            EXPECT_FALSE(what.password_name.empty());
        }
    }
}

TEST(Tools, OfAnArchiveEverythingIsRestoredButWhatOnlyAnAdministratorMay) {
    const std::string contents =
        ";\n; Archive created at 2026\n"
        "3; 2615 16384 SCHEMA - public tenant\n"
        "3450; 0 0 COMMENT - SCHEMA public tenant\n"
        "2; 3079 16385 EXTENSION - hstore \n"
        "3451; 0 0 COMMENT - EXTENSION hstore \n"
        "215; 1259 16400 TABLE public  COMMENT - EXTENSION tenant\n"
        "3452; 0 0 COMMENT public TABLE words tenant\n";
    EXPECT_EQ(restorable(contents),
              ";\n; Archive created at 2026\n"
              "2; 3079 16385 EXTENSION - hstore \n"
              "215; 1259 16400 TABLE public  COMMENT - EXTENSION tenant\n"
              "3452; 0 0 COMMENT public TABLE words tenant\n");
}

TEST(Tools, AComplaintIsToldWithoutWhatItQuotes) {
    Ended ended;
    ended.status = 1;
    ended.complaints = "pg_dump: error: FATAL: password authentication failed for user \"tenant\"";
    EXPECT_EQ(reason_of(ended, "the dump").words, "the dump failed: the login was refused");
    ended.complaints = "pg_restore: error: Key (mail)=(a@b.example) already exists";
    EXPECT_EQ(reason_of(ended, "the restore").words, "the restore failed (status 1)");
    ended.complaints = "server closed the connection unexpectedly";
    EXPECT_TRUE(reason_of(ended, "the dump").later);
}

TEST(Tools, WhatIsMissingIsNamedWithItsPackage) {
    EXPECT_NE(usable(Tools{}, "mysql").error().message.find("mariadb-client"), std::string::npos);
    EXPECT_NE(usable(Tools{}, "postgres").error().message.find("postgresql-client"), std::string::npos);
}

}  // namespace
}  // namespace slipway::backups
