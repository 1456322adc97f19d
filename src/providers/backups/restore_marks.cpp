#include "providers/backups/restore_marks.h"

#include <fmt/format.h>

#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"
#include "providers/sql/quoting.h"

namespace slipway::backups {
namespace {

constexpr int kDropByForce = 130'000;  // the first version that has DROP DATABASE … WITH (FORCE)

RestoreMark mark_of(const sql::Rows& rows, std::string_view yes) {
    if (rows.empty()) return RestoreMark::none;
    return sql::text_of(rows.front(), 0) == yes ? RestoreMark::done : RestoreMark::begun;
}

class PostgresMarks final : public RestoreMarks {
  public:
    explicit PostgresMarks(sql::PostgresSession session) : session_(std::move(session)) {}

    Task<sql::Answer<RestoreMark>> look(Restored of, Deadline deadline) override {
        const auto there =
            co_await session_.query("SELECT to_regclass('slipway.restores') IS NOT NULL", {}, deadline);
        if (!there) co_return std::unexpected(there.error());
        if (sql::text_of(there->front(), 0) != "t") co_return RestoreMark::none;
        const auto rows = co_await session_.query(
            "SELECT done FROM slipway.restores WHERE external_name = $1 AND generation = $2::bigint",
            {of.external_name, std::to_string(of.generation)}, deadline);
        if (!rows) co_return std::unexpected(rows.error());
        co_return mark_of(*rows, "t");
    }

    Task<sql::Answer<void>> put(Restored of, RestoreMark mark, Deadline deadline) override {
        const auto made = co_await session_.run(
            "SELECT pg_advisory_xact_lock(hashtextextended('slipway.restores', 0));"
            " CREATE SCHEMA IF NOT EXISTS slipway; CREATE TABLE IF NOT EXISTS slipway.restores"
            " (external_name text PRIMARY KEY, generation bigint NOT NULL, done boolean NOT NULL,"
            " at timestamptz NOT NULL DEFAULT now());"
            " DELETE FROM slipway.restores WHERE at < now() - interval '30 days'",
            deadline);
        if (!made) co_return made;
        const auto put = co_await session_.query(
            "INSERT INTO slipway.restores (external_name, generation, done) VALUES ($1, $2::bigint, $3::boolean)"
            " ON CONFLICT (external_name) DO UPDATE"
            " SET generation = excluded.generation, done = excluded.done, at = now()",
            {of.external_name, std::to_string(of.generation), mark == RestoreMark::done ? "t" : "f"}, deadline);
        if (!put) co_return std::unexpected(put.error());
        co_return sql::Answer<void>{};
    }

    Task<sql::Answer<void>> empty(Restored of, Deadline deadline) override {
        const auto rows = co_await session_.query(
            "SELECT d.datistemplate FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba"
            " WHERE d.datname = $1 AND r.rolname = $2",
            {of.database, of.user}, deadline);
        if (!rows) co_return std::unexpected(rows.error());
        if (rows->empty()) co_return sql::Answer<void>{};
        const auto ended = co_await session_.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
            {of.database}, deadline);
        if (!ended) co_return std::unexpected(ended.error());
        const std::string name = sql::postgres_name(of.database);
        if (sql::text_of(rows->front(), 0) == "t") {
            const auto plain =
                co_await session_.run(fmt::format("ALTER DATABASE {} IS_TEMPLATE false", name), deadline);
            if (!plain) co_return plain;
        }
        co_return co_await session_.run(fmt::format("DROP DATABASE IF EXISTS {}{}", name,
                                                    session_.version() >= kDropByForce ? " WITH (FORCE)" : ""),
                                        deadline);
    }

  private:
    sql::PostgresSession session_;
};

class MysqlMarks final : public RestoreMarks {
  public:
    explicit MysqlMarks(sql::MysqlSession session) : session_(std::move(session)) {}

    Task<sql::Answer<RestoreMark>> look(Restored of, Deadline deadline) override {
        const auto rows = co_await session_.query(
            "SELECT done FROM slipway.restores WHERE external_name = ? AND generation = CAST(? AS UNSIGNED)",
            {of.external_name, std::to_string(of.generation)}, deadline);
        // No such database, no such table: nothing was ever restored there.
        if (!rows && (rows.error().code == "1049" || rows.error().code == "1146")) co_return RestoreMark::none;
        if (!rows) co_return std::unexpected(rows.error());
        co_return mark_of(*rows, "1");
    }

    Task<sql::Answer<void>> put(Restored of, RestoreMark mark, Deadline deadline) override {
        for (const char* each :
             {"CREATE DATABASE IF NOT EXISTS slipway",
              "CREATE TABLE IF NOT EXISTS slipway.restores (external_name VARCHAR(190) CHARACTER SET utf8mb4"
              " COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, generation BIGINT UNSIGNED NOT NULL,"
              " done TINYINT NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB",
              "DELETE FROM slipway.restores WHERE at < NOW() - INTERVAL 30 DAY"}) {
            const auto done = co_await session_.run(each, deadline);
            if (!done) co_return done;
        }
        const auto put = co_await session_.query(
            "INSERT INTO slipway.restores (external_name, generation, done)"
            " VALUES (?, CAST(? AS UNSIGNED), CAST(? AS UNSIGNED))"
            " ON DUPLICATE KEY UPDATE generation = VALUES(generation), done = VALUES(done), at = NOW()",
            {of.external_name, std::to_string(of.generation), mark == RestoreMark::done ? "1" : "0"}, deadline);
        if (!put) co_return std::unexpected(put.error());
        co_return sql::Answer<void>{};
    }

    // Whoever restored into it before is ended first: its statements would be those of the new one.
    Task<sql::Answer<void>> empty(Restored of, Deadline deadline) override {
        const auto open = co_await session_.query(
            "SELECT CAST(ID AS CHAR) FROM information_schema.PROCESSLIST WHERE BINARY USER = ?", {of.user},
            deadline);
        if (!open) co_return std::unexpected(open.error());
        for (const sql::Values& each : *open) {
            const auto ended = co_await session_.run("KILL " + sql::text_of(each, 0), deadline);
            if (!ended && ended.error().code != "1094") co_return ended;  // it ended by itself
        }
        co_return co_await session_.run("DROP DATABASE IF EXISTS " + sql::mysql_name(of.database), deadline);
    }

  private:
    sql::MysqlSession session_;
};

}  // namespace

Task<sql::Answer<std::unique_ptr<RestoreMarks>>> open_marks(ServerAccess access, std::optional<sql::Pin> pin,
                                                            Deadline deadline) {
    if (access.engine == "mysql") {
        auto session = co_await sql::MysqlSession::open({.address = access.address,
                                                         .port = access.port,
                                                         .user = access.user,
                                                         .password = access.password,
                                                         .database = "",
                                                         .pin = std::move(pin)},
                                                        deadline);
        if (!session) co_return std::unexpected(session.error());
        co_return std::make_unique<MysqlMarks>(std::move(*session));
    }
    auto session = co_await sql::PostgresSession::open({.address = access.address,
                                                        .port = access.port,
                                                        .user = access.user,
                                                        .password = access.password,
                                                        .database = "postgres",
                                                        .pin = std::move(pin)},
                                                       deadline);
    if (!session) co_return std::unexpected(session.error());
    co_return std::make_unique<PostgresMarks>(std::move(*session));
}

}  // namespace slipway::backups
