#include "store/sqlite/migrations.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace slipway::sqlite {
namespace {

const TimePoint kNow = from_micros(1'700'000'000'000'000);

Database in_memory() { return Database({":memory:", "", false}); }

// Every object of the schema with its text, one a line.
std::string schema_of(Database& database) {
    std::string out;
    Cursor row = database
                     .statement(
                         "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema "
                         "WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
                     .run();
    while (row.next()) {
        out += fmt::format("{} {} on {}: {}\n", row.text(0), row.text(1), row.text(2), row.text(3));
    }
    return out;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    EXPECT_TRUE(in) << path;
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

TEST(Migrations, ProduceExactlyTheSchemaThatIsWrittenDown) {
    Database migrated = in_memory();
    ASSERT_TRUE(migrate(migrated, embedded_migrations(), kNow));
    Database written = in_memory();
    written.execute(read_file(SLIPWAY_SCHEMA_DIR "/schema.sql"));
    EXPECT_EQ(schema_of(migrated), schema_of(written));
}

TEST(Migrations, AreNumberedFromOneWithoutGaps) {
    int expected = 0;
    for (const Migration& migration : embedded_migrations()) EXPECT_EQ(migration.number, ++expected);
    EXPECT_GE(expected, 1);
}

const Migration kFirst{1, "one", "CREATE TABLE a (x); INSERT INTO a VALUES (1);"};
const Migration kSecond{2, "two", "ALTER TABLE a ADD COLUMN y;"};

std::int64_t count(Database& database, std::string_view sql) {
    Cursor row = database.statement(sql).run();
    return row.next() ? row.integer(0) : -1;
}

TEST(Migrations, RunOnceEachInTheirOrder) {
    Database database = in_memory();
    ASSERT_TRUE(migrate(database, std::array{kFirst}, kNow));
    ASSERT_TRUE(migrate(database, std::array{kFirst, kSecond}, kNow));
    ASSERT_TRUE(migrate(database, std::array{kFirst, kSecond}, kNow));
    EXPECT_EQ(count(database, "SELECT count(*) FROM a"), 1);
    EXPECT_EQ(count(database, "SELECT count(y) FROM a"), 0);
    EXPECT_EQ(count(database, "SELECT count(*) FROM migrations"), 2);
}

TEST(Migrations, ADatabaseOfANewerVersionIsRefusedAndLeftAlone) {
    Database database = in_memory();
    ASSERT_TRUE(migrate(database, std::array{kFirst, kSecond}, kNow));
    const std::string before = schema_of(database);
    const auto status = migrate(database, std::array{kFirst}, kNow);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::unavailable);
    EXPECT_NE(status.error().message.find("newer version"), std::string::npos) << status.error().message;
    EXPECT_EQ(schema_of(database), before);
}

TEST(Migrations, AMigrationThatWasChangedAfterwardsIsRefused) {
    Database database = in_memory();
    ASSERT_TRUE(migrate(database, std::array{kFirst}, kNow));
    Migration changed = kFirst;
    changed.sql = "CREATE TABLE a (x, z);";
    EXPECT_EQ(migrate(database, std::array{changed}, kNow).error().code, ErrorCode::unavailable);
}

TEST(Migrations, OneThatFailsHalfwayLeavesNothingAndCanBeRunAgain) {
    Database database = in_memory();
    ASSERT_TRUE(migrate(database, std::array{kFirst}, kNow));
    const std::string before = schema_of(database);
    const Migration broken{2, "broken", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);"};
    const auto status = migrate(database, std::array{kFirst, broken}, kNow);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("migration 2"), std::string::npos);
    EXPECT_EQ(schema_of(database), before);
    EXPECT_TRUE(migrate(database, std::array{kFirst, kSecond}, kNow));
}

TEST(Migrations, AFileOfAnotherProgramIsRefused) {
    Database database = in_memory();
    database.execute("CREATE TABLE theirs (x)");
    EXPECT_EQ(migrate(database, embedded_migrations(), kNow).error().code, ErrorCode::unavailable);
    EXPECT_EQ(count(database, "SELECT count(*) FROM sqlite_schema"), 1);
}

// What the domain never does, the database refuses as well.
TEST(Schema, ChecksWhatARowMayBe) {
    Database database = in_memory();
    ASSERT_TRUE(migrate(database, embedded_migrations(), kNow));
    database.execute("PRAGMA foreign_keys = ON");
    database.execute(
        "INSERT INTO resources VALUES ('r', 1, 'o', 'cache', 'redis', 'small', 'local', 'x', 'n', '', 0, 'ready', "
        "NULL, '{}', NULL, NULL)");
    database.execute("INSERT INTO clusters VALUES ('o', 'blue', 1, 'cluster-1', '', 0)");
    database.execute(
        "INSERT INTO operations VALUES ('op', 1, 0, 'r', 'o', 'provision', 'local', '', 'queued', 1, 5, NULL, "
        "NULL, '{}')");
    for (const std::string_view bad : {
             "UPDATE resources SET state = 'strange'",
             "UPDATE resources SET version = 0",
             "UPDATE resources SET kind = 'toaster'",
             "UPDATE resources SET pooled = 2",
             "UPDATE resources SET organization = ''",
             "UPDATE resources SET version = 'one'",
             "UPDATE resources SET placed_on = ''",
             "UPDATE resources SET address = ''",
             "UPDATE resources SET expiry_due = 'soon'",
             "INSERT INTO clusters VALUES ('o', 'green', 1, 'cluster-1', '', 0)",
             "INSERT INTO clusters VALUES ('o', 'blue', 1, 'cluster-2', '', 0)",
             "UPDATE clusters SET version = 0",
             "UPDATE operations SET state = 'running'",
             "UPDATE operations SET lease_token = 't'",
             "UPDATE operations SET fence = -1",
             "UPDATE operations SET open = 0",
             "UPDATE operations SET due_at = NULL",
             "UPDATE operations SET state = 'succeeded'",
             "UPDATE operations SET state = 'strange'",
             "UPDATE operations SET state = 'strange', open = 0, due_at = NULL",
             "UPDATE operations SET open = 2",
             "UPDATE operations SET blocked_by = 'op'",
             "UPDATE operations SET kind = 'dance'",
             "UPDATE operations SET resource = 'nobody'",
             "INSERT INTO allocations VALUES ('r', 1, 'r', NULL, NULL)",
             "INSERT INTO allocations VALUES ('r', 1, NULL, NULL, NULL)",
             "INSERT INTO allocations VALUES ('r', 1, 'nobody', 'k', NULL)",
             "INSERT INTO api_keys VALUES ('k', 'h', 'o', 'king', '', 0, NULL)",
             "INSERT INTO orphans VALUES ('p', 'x', 'odd', '', '', 0, 0, 0, NULL)",
             "INSERT INTO live_counts VALUES ('o', 'cache', 'redis', 'small', 0)",
             "INSERT INTO events (sequence, at, body) VALUES (0, 0, '{}')",
         }) {
        EXPECT_THROW(database.execute(bad), SqlFailure) << bad;
    }
    EXPECT_NO_THROW(database.execute("UPDATE operations SET state = 'running', lease_token = 't'"));
}

}  // namespace
}  // namespace slipway::sqlite
