#include "providers/databases/mysql_host.h"

#include <boost/asio/this_coro.hpp>

#include "providers/databases/errors.h"
#include "providers/sql/quoting.h"

namespace slipway::databases {
namespace {

// What a server that was never used answers: no such database, no such table.
bool unused(const sql::SqlError& error) { return error.code == "1049" || error.code == "1146"; }

Tag tag_of(const sql::Values& row) {
    const std::string generation = sql::text_of(row, 3);
    return {InstallationId(sql::text_of(row, 1)), ResourceId(sql::text_of(row, 2)),
            std::strtoull(generation.c_str(), nullptr, 10), sql::text_of(row, 0), sql::text_of(row, 4)};
}

}  // namespace

MysqlHost::MysqlHost(ServerAccess access, boost::asio::any_io_executor executor, sql::SharedTls tls)
    : access_(std::move(access)),
      tls_(std::move(tls)),
      pool_(std::move(executor), PoolLimits{}, [this](Deadline deadline) { return administer(deadline); }) {}

Task<sql::Answer<sql::MysqlSession>> MysqlHost::administer(Deadline deadline) const {
    sql::Answer<sql::MysqlSession> session = co_await sql::MysqlSession::open(
        {access_.address, access_.port, access_.user, access_.password, "", false, tls_->now().expected()},
        deadline);
    if (!session) co_return session;
    const sql::Answer<void> set = co_await session->run(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES', lock_wait_timeout = 5, innodb_lock_wait_timeout = 5",
        deadline);
    if (!set) co_return std::unexpected(set.error());
    co_return session;
}

// Asked whether it works, because a kept connection may have broken unseen.
Task<sql::Answer<MysqlHost::Lease>> MysqlHost::session(Deadline deadline) {
    for (bool fresh = false;; fresh = true) {
        sql::Answer<Lease> lease = co_await pool_.acquire(deadline, fresh);
        if (!lease) co_return lease;
        version_ = (*lease)->version_text();
        if (!lease->reused()) co_return lease;
        const sql::Answer<void> works = co_await (*lease)->run("DO 1", deadline);
        if (works) co_return lease;
        if (works.error().failure != sql::Failure::lost) co_return std::unexpected(works.error());
    }
}

Task<sql::Answer<MysqlHost::Seen>> MysqlHost::look(Lease& session, const Tenant& tenant, Deadline deadline) {
    Seen seen;
    const sql::Answer<sql::Rows> rows = co_await session->query(
        "SELECT external_name, installation, resource, CAST(generation AS CHAR), db, user FROM slipway.tenants"
        " WHERE external_name = ? OR db = ? OR user = ?",
        {tenant.name(), tenant.database(), tenant.user}, deadline);
    if (!rows && !unused(rows.error())) co_return std::unexpected(rows.error());
    for (const sql::Values& row : rows.value_or(sql::Rows{})) {
        const Tag tag = tag_of(row);
        if (tenant.owns(tag)) {
            seen.ours = true;
            seen.database = sql::text_of(row, 4);
            seen.user = sql::text_of(row, 5);
        } else {
            seen.strange = true;
            if (tenant.has_neighbour(tag)) seen.neighbour = tag;
        }
    }
    const std::string database = seen.ours ? seen.database : tenant.database();
    const std::string user = seen.ours ? seen.user : tenant.user;
    const sql::Answer<sql::Rows> there = co_await session->query(
        "SELECT (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ? AND BINARY SCHEMA_NAME = "
        "?),"
        " (SELECT COUNT(*) FROM mysql.user WHERE User = ? AND BINARY User = ?)",
        {database, database, user, user}, deadline);
    if (!there) co_return std::unexpected(there.error());
    seen.has_database = sql::text_of(there->front(), 0) != "0";
    seen.has_user = sql::text_of(there->front(), 1) != "0";
    co_return seen;
}

Task<sql::Answer<void>> MysqlHost::log_in(const Tenant& tenant, Deadline deadline) const {
    const sql::Answer<sql::MysqlSession> session =
        co_await sql::MysqlSession::open({access_.address, access_.port, tenant.user, tenant.password,
                                          tenant.database(), false, tls_->now().expected()},
                                         deadline);
    if (!session) co_return std::unexpected(session.error());
    co_return sql::Answer<void>{};
}

Task<ProviderAnswer> MysqlHost::observe(Tenant tenant, Deadline deadline) {
    if (impossible(tenant)) co_return Observation{};
    Seen seen;
    {
        sql::Answer<Lease> lease = co_await session(deadline);
        if (!lease && lease.error().failure == sql::Failure::starting) {
            co_return after_login(std::unexpected(lease.error()), {});
        }
        if (!lease) co_return std::unexpected(error_of(lease.error(), false));
        tenant.user = sql::mysql_user(tenant.user, most_user(**lease));
        const sql::Answer<Seen> looked = co_await look(*lease, tenant, deadline);
        if (!looked) co_return std::unexpected(error_of(looked.error(), false));
        seen = *looked;
    }
    if (seen.foreign()) co_return not_ours(seen);
    if (!seen.ours) co_return Observation{};
    if (!seen.has_database) co_return stopped("its database is not there");
    if (!seen.has_user) co_return stopped("its user is not there");
    co_return after_login(co_await log_in(tenant, deadline),
                          running(access_, tenant, tenant.user, version_number(version_), ""));
}

Task<Items> MysqlHost::list(Deadline deadline) {
    sql::Answer<Lease> lease = co_await session(deadline);
    if (!lease) co_return std::unexpected(error_of(lease.error(), false));
    const std::string_view unlocked =
        (*lease)->is_mariadb() ? "mysql.global_priv u WHERE BINARY u.User = BINARY t.user"
                                 " AND COALESCE(JSON_VALUE(u.Priv, '$.account_locked'), '0') IN ('0', 'false')"
                               : "mysql.user u WHERE BINARY u.User = BINARY t.user AND u.account_locked = 'N'";
    const sql::Answer<sql::Rows> rows = co_await (*lease)->query(
        fmt::format("SELECT t.external_name, t.installation, t.resource, CAST(t.generation AS CHAR), t.db, t.user,"
                    " EXISTS (SELECT 1 FROM information_schema.SCHEMATA s WHERE BINARY s.SCHEMA_NAME = BINARY t.db)"
                    " AND EXISTS (SELECT 1 FROM {}) FROM slipway.tenants t ORDER BY t.external_name",
                    unlocked),
        {}, deadline);
    std::vector<InventoryItem> items;
    if (!rows && unused(rows.error())) co_return items;
    if (!rows) co_return std::unexpected(error_of(rows.error(), false));
    for (const sql::Values& row : *rows) {
        const Tag tag = tag_of(row);
        const bool whole = sql::text_of(row, 6) == "1";
        items.push_back({tag.external_name, tag.installation, tag.resource, tag.generation,
                         whole ? Presence::running : Presence::stopped, ""});
    }
    co_return items;
}

Observation MysqlHost::not_ours(const Seen& seen) {
    if (seen.neighbour) return held(*seen.neighbour);
    return foreign("a database or user of its name belongs to somebody else");
}

// Its user may be of any length: it is shortened.
bool MysqlHost::impossible(const Tenant& tenant) {
    return !sql::wrong_name(tenant.user, tenant.user.size()).empty() ||
           !sql::wrong_name(tenant.database(), sql::kMostMysqlName).empty();
}

std::size_t MysqlHost::most_user(const sql::MysqlSession& session) {
    return session.is_mariadb() ? sql::kMostMariadbUser : sql::kMostMysqlUser;
}

// "10.11.19" of "10.11.19-MariaDB-0+deb12u1".
std::string MysqlHost::version_number(const std::string& text) { return text.substr(0, text.find('-')); }

std::shared_ptr<Host> make_mysql_host(ServerAccess access, boost::asio::any_io_executor executor,
                                      sql::SharedTls tls) {
    return std::make_shared<MysqlHost>(std::move(access), std::move(executor), std::move(tls));
}

}  // namespace slipway::databases
