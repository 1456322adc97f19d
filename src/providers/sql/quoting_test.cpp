#include "providers/sql/quoting.h"

#include <gtest/gtest.h>

namespace slipway::sql {
namespace {

TEST(SqlNames, AQuoteInANameIsDoubledForEachEngine) {
    EXPECT_EQ(postgres_name("cluster-0123456789"), "\"cluster-0123456789\"");
    EXPECT_EQ(postgres_name("a\"b"), "\"a\"\"b\"");
    EXPECT_EQ(postgres_name("\"; DROP ROLE x; --"), "\"\"\"; DROP ROLE x; --\"");
    EXPECT_EQ(mysql_name("a`b"), "`a``b`");
    EXPECT_EQ(mysql_name("a\"b'c"), "`a\"b'c`");
    EXPECT_EQ(mysql_name("a\\b"), "`a\\b`");
}

TEST(SqlNames, TextIsTextWhateverTheServerThinksOfBackslashes) {
    EXPECT_EQ(postgres_text("it's"), "'it''s'");
    EXPECT_EQ(postgres_text("a\\' OR 1"), " E'a\\\\'' OR 1'");
    EXPECT_EQ(postgres_text(""), "''");
}

TEST(SqlNames, WildcardsOfGrantsAreEscaped) {
    EXPECT_EQ(mysql_grant_database("a_b"), "`a\\_b`");
    EXPECT_EQ(mysql_grant_database("a%b\\c`d"), "`a\\%b\\\\c``d`");
    EXPECT_EQ(wrong_grant_database(std::string(32, '_')), "");
    EXPECT_NE(wrong_grant_database(std::string(33, '_')), "");
}

TEST(SqlNames, WhatNoServerTakesIsNamed) {
    EXPECT_EQ(wrong_name("a", kMostPostgresName), "");
    EXPECT_EQ(wrong_name(std::string(63, 'a'), kMostPostgresName), "");
    EXPECT_EQ(wrong_name(std::string(64, 'a'), kMostPostgresName), "a name has 64 bytes, at most 63 are allowed");
    EXPECT_EQ(wrong_name("", kMostPostgresName), "a name is empty");
    EXPECT_EQ(wrong_name(std::string_view("a\0b", 3), kMostPostgresName), "a name holds a NUL");
    EXPECT_EQ(wrong_name("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80", kMostPostgresName), "");
    for (const std::string each : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                   "\xF5\x80\x80\x80", "a\xFFz", "\xE2\x82"}) {
        EXPECT_EQ(wrong_name(each, kMostPostgresName), "a name is not UTF-8");
    }
}

TEST(SqlNames, LongUsersAreShortenedByTheRule) {
    EXPECT_EQ(mysql_user("hephy-cluster-0123456789", kMostMysqlUser), "hephy-cluster-0123456789");
    EXPECT_EQ(mysql_user(std::string(32, 'a'), kMostMysqlUser), std::string(32, 'a'));
    // The digest is that of the whole name: printf 'a%.0s' {1..33} | sha256sum
    EXPECT_EQ(mysql_user(std::string(33, 'a'), kMostMysqlUser), std::string(23, 'a') + "-852785c8");
    EXPECT_NE(mysql_user(std::string(33, 'a'), kMostMysqlUser), mysql_user(std::string(34, 'a'), kMostMysqlUser));
    // Never in the middle of a character.
    std::string umlauts;
    for (int i = 0; i < 20; ++i) umlauts += "\xC3\xBC";
    EXPECT_EQ(wrong_name(mysql_user(umlauts, kMostMysqlUser), kMostMysqlUser), "");
}

}  // namespace
}  // namespace slipway::sql
