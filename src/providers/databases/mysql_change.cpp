// How tenants of a MySQL or MariaDB server are made, changed and removed. Its statements are no transactions: the
// row that says whose everything is comes first and goes last, so that whatever an interrupted call left is known.
#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "providers/databases/errors.h"
#include "providers/databases/mysql_host.h"
#include "providers/sql/quoting.h"
#include "providers/sql/verifier.h"

namespace slipway::databases {

using sql::mysql_name;

namespace {

constexpr std::string_view kNoSuchThread = "1094";
constexpr Duration kLookAgain = std::chrono::milliseconds(2);

std::string account(const std::string& user) { return mysql_name(user) + "@`%`"; }

// While its password is rotated, whoever logs in is tried by both.
std::string login_of(const Tenant& tenant) {
    const std::string current = sql::mysql_native_hash(tenant.password);
    const std::string by =
        tenant.former_password.empty()
            ? fmt::format("IDENTIFIED WITH mysql_native_password AS '{}'", current)
            : fmt::format("IDENTIFIED VIA mysql_native_password USING '{}' OR mysql_native_password USING '{}'",
                          current, sql::mysql_native_hash(tenant.former_password));
    return fmt::format("{} WITH MAX_USER_CONNECTIONS {}", by, tenant.connections);
}

// Locks of servers have names of at most 64 bytes.
std::string lock_name(const Tenant& tenant) { return sql::mysql_user("slipway:" + tenant.name(), 64); }

}  // namespace

Task<sql::Answer<void>> MysqlHost::prepare(Lease& session, Deadline deadline) {
    if (prepared_) co_return sql::Answer<void>{};
    const sql::Answer<sql::Rows> rows = co_await session->query(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'slipway'"
        " AND TABLE_NAME IN ('tenants', 'removed')",
        {}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    if (sql::text_of(rows->front(), 0) != "2") {
        const std::string text = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";
        for (const std::string& each :
             {std::string("CREATE DATABASE IF NOT EXISTS slipway"),
              fmt::format("CREATE TABLE IF NOT EXISTS slipway.tenants (external_name VARCHAR(190) {0} PRIMARY KEY,"
                          " installation VARCHAR(190) {0}, resource VARCHAR(190) {0},"
                          " generation BIGINT UNSIGNED NOT NULL, db VARCHAR(64) {0} UNIQUE,"
                          " user VARCHAR(80) {0} UNIQUE) ENGINE=InnoDB",
                          text),
              fmt::format("CREATE TABLE IF NOT EXISTS slipway.removed (external_name VARCHAR(190) {0} PRIMARY KEY,"
                          " generation BIGINT UNSIGNED NOT NULL,"
                          " removed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB",
                          text)}) {
            const sql::Answer<void> done = co_await session->run(each, deadline);
            if (!done) co_return done;
        }
    }
    prepared_ = true;
    co_return sql::Answer<void>{};
}

// Creates and removals of one name exclude each other, whoever asks for them. The lock dies with the connection.
Task<sql::Answer<void>> MysqlHost::lock(const Change& change) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(change.deadline.left()).count();
    const sql::Answer<sql::Rows> rows = co_await change.session->query(
        "SELECT GET_LOCK(?, ?)", {lock_name(change.tenant), std::to_string(std::clamp<std::int64_t>(left, 0, 5))},
        change.deadline);
    if (!rows) co_return std::unexpected(rows.error());
    if (sql::text_of(rows->front(), 0) == "1") co_return sql::Answer<void>{};
    co_return sql::refuse(sql::Failure::refused_by_server, "another call for the same name is still under way",
                          "1205");
}

Task<sql::Answer<void>> MysqlHost::unlock(const Change& change) {
    const sql::Answer<sql::Rows> rows =
        co_await change.session->query("SELECT RELEASE_LOCK(?)", {lock_name(change.tenant)}, change.deadline);
    if (!rows) change.session.discard();
    co_return sql::Answer<void>{};
}

Task<sql::Answer<bool>> MysqlHost::removed_before(const Change& change) {
    const sql::Answer<sql::Rows> rows = co_await change.session->query(
        "SELECT 1 FROM slipway.removed WHERE external_name = ? AND generation >= CAST(? AS UNSIGNED)",
        {change.tenant.name(), std::to_string(change.tenant.owner.generation)}, change.deadline);
    if (!rows) co_return std::unexpected(rows.error());
    co_return !rows->empty();
}

Task<sql::Answer<void>> MysqlHost::bring_up(Change change, const Seen& seen) {
    const Tenant& tenant = change.tenant;
    Lease& session = change.session;
    change.touched = true;
    if (!seen.ours) {
        const sql::Answer<sql::Rows> row = co_await session->query(
            "INSERT INTO slipway.tenants (external_name, installation, resource, generation, db, user)"
            " VALUES (?, ?, ?, CAST(? AS UNSIGNED), ?, ?)",
            {tenant.name(), tenant.owner.installation.str(), tenant.owner.resource.str(),
             std::to_string(tenant.owner.generation), tenant.database(), tenant.user},
            change.deadline);
        if (!row) co_return std::unexpected(row.error());
    }
    const std::string user = account(tenant.user);
    for (const std::string& each :
         {fmt::format("CREATE USER IF NOT EXISTS {} {}", user, login_of(tenant)),
          // What was there already, or was locked.
          seen.has_user ? fmt::format("ALTER USER {} {} ACCOUNT UNLOCK", user, login_of(tenant)) : std::string(),
          fmt::format("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", mysql_name(tenant.database())),
          fmt::format("GRANT ALL PRIVILEGES ON {}.* TO {}", sql::mysql_grant_database(tenant.database()), user)}) {
        if (each.empty()) continue;
        const sql::Answer<void> done = co_await session->run(each, change.deadline);
        if (!done) co_return done;
    }
    co_return sql::Answer<void>{};
}

// `settled`: nothing is left but to log in.
Task<ProviderAnswer> MysqlHost::converge_locked(Change change, bool make, bool& settled) {
    const sql::Answer<Seen> seen = co_await look(change.session, change.tenant, change.deadline);
    if (!seen) co_return std::unexpected(error_of(seen.error(), change.touched));
    if (seen->foreign()) co_return not_ours(*seen);
    if (!seen->ours && !make) co_return Observation{};
    if (seen->ours && (seen->database != change.tenant.database() || seen->user != change.tenant.user)) {
        co_return foreign("it was made with a database or user of another name");
    }
    // Nor is brought back what a removal that was interrupted has left.
    const sql::Answer<bool> gone = co_await removed_before(change);
    if (!gone) co_return std::unexpected(error_of(gone.error(), change.touched));
    if (*gone) co_return std::unexpected(permanent("it was removed before"));
    const sql::Answer<void> done = co_await bring_up(change, *seen);
    if (!done) co_return std::unexpected(error_of(done.error(), change.touched));
    settled = true;
    Observation well = running(access_, change.tenant, change.tenant.user, version_number(version_), "");
    if (!make && !seen->has_database) well.detail = "its database was not there and was made again, empty";
    co_return well;
}

Task<ProviderAnswer> MysqlHost::converge(Tenant tenant, bool make, Deadline deadline) {
    bool touched = false;
    bool settled = false;
    ProviderAnswer answer;
    {
        sql::Answer<Lease> lease = co_await session(deadline);
        if (!lease) co_return std::unexpected(error_of(lease.error(), false));
        tenant.user = sql::mysql_user(tenant.user, most_user(**lease));
        std::string wrong = sql::wrong_name(tenant.database(), sql::kMostMysqlName);
        if (wrong.empty()) wrong = sql::wrong_grant_database(tenant.database());
        if (wrong.empty()) wrong = sql::wrong_name(tenant.user, most_user(**lease));
        if (wrong.empty() && tenant.password.empty()) wrong = "its password is empty";
        if (wrong.empty() && !tenant.former_password.empty() && !(*lease)->is_mariadb()) {
            wrong = "a user has two passwords in MariaDB only: this server cannot rotate them";
        }
        if (!wrong.empty()) co_return std::unexpected(permanent(wrong));
        const Change change{*lease, tenant, deadline, touched};
        sql::Answer<void> done = co_await prepare(*lease, deadline);
        if (done) done = co_await lock(change);
        if (!done) co_return std::unexpected(error_of(done.error(), touched));
        answer = co_await converge_locked(change, make, settled);
        co_await unlock(change);
    }
    if (!settled) co_return answer;
    const sql::Answer<void> login = co_await log_in(tenant, deadline);
    // What was never seen working is not said to work.
    if (make && !login) co_return std::unexpected(error_of(login.error(), touched));
    answer->proven = login.has_value();
    co_return after_login(login, std::move(*answer));
}

// It cannot log in any more; what is connected is ended, in the middle of a transaction or not.
Task<sql::Answer<void>> MysqlHost::end_connections(Change change, const std::string& user) {
    while (true) {
        const sql::Answer<sql::Rows> open = co_await change.session->query(
            "SELECT CAST(ID AS CHAR) FROM information_schema.PROCESSLIST WHERE BINARY USER = ?", {user},
            change.deadline);
        if (!open) co_return std::unexpected(open.error());
        if (open->empty()) co_return sql::Answer<void>{};
        for (const sql::Values& each : *open) {
            const sql::Answer<void> ended =
                co_await change.session->run("KILL " + sql::text_of(each, 0), change.deadline);
            if (!ended && ended.error().code != kNoSuchThread) co_return ended;
        }
        if (change.deadline.over()) co_return sql::refuse(sql::Failure::timeout, "its connections do not end");
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, kLookAgain);
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
}

Task<sql::Answer<void>> MysqlHost::tear_down(Change change, const Seen& seen) {
    Lease& session = change.session;
    change.touched = true;
    // The mark comes first: from here on nothing can bring this name and generation back.
    const sql::Answer<sql::Rows> marked = co_await session->query(
        "INSERT INTO slipway.removed (external_name, generation) VALUES (?, CAST(? AS UNSIGNED))"
        " ON DUPLICATE KEY UPDATE generation = GREATEST(generation, VALUES(generation)), removed_at = NOW()",
        {change.tenant.name(), std::to_string(change.tenant.owner.generation)}, change.deadline);
    if (!marked) co_return std::unexpected(marked.error());
    sql::Answer<void> done = co_await session->run(
        "DELETE FROM slipway.removed WHERE removed_at < NOW() - INTERVAL 30 DAY", change.deadline);
    if (!done || !seen.ours) co_return done;
    const std::string user = account(seen.user);
    if (seen.has_user) {
        done = co_await session->run(fmt::format("ALTER USER IF EXISTS {} ACCOUNT LOCK", user), change.deadline);
        if (done) done = co_await end_connections(change, seen.user);
        if (!done) co_return done;
    }
    for (const std::string& each : {fmt::format("DROP DATABASE IF EXISTS {}", mysql_name(seen.database)),
                                    fmt::format("DROP USER IF EXISTS {}", user)}) {
        done = co_await session->run(each, change.deadline);
        if (!done) co_return done;
    }
    const sql::Answer<sql::Rows> forgotten = co_await session->query(
        "DELETE FROM slipway.tenants WHERE external_name = ?", {change.tenant.name()}, change.deadline);
    if (!forgotten) co_return std::unexpected(forgotten.error());
    co_return sql::Answer<void>{};
}

Task<ProviderAnswer> MysqlHost::remove_locked(Change change) {
    const sql::Answer<Seen> seen = co_await look(change.session, change.tenant, change.deadline);
    if (!seen) co_return std::unexpected(error_of(seen.error(), change.touched));
    if (seen->foreign() && !seen->ours) co_return not_ours(*seen);
    const sql::Answer<void> done = co_await tear_down(change, *seen);
    if (!done) co_return std::unexpected(error_of(done.error(), change.touched));
    co_return Observation{};
}

Task<ProviderAnswer> MysqlHost::remove(Tenant tenant, Deadline deadline) {
    if (impossible(tenant)) tenant.user = tenant.owner.database = tenant.name();
    bool touched = false;
    sql::Answer<Lease> lease = co_await session(deadline);
    if (!lease) co_return std::unexpected(error_of(lease.error(), false));
    tenant.user = sql::mysql_user(tenant.user, most_user(**lease));
    const Change change{*lease, tenant, deadline, touched};
    sql::Answer<void> done = co_await prepare(*lease, deadline);
    if (done) done = co_await lock(change);
    if (!done) co_return std::unexpected(error_of(done.error(), touched));
    ProviderAnswer answer = co_await remove_locked(change);
    co_await unlock(change);
    co_return answer;
}

}  // namespace slipway::databases
