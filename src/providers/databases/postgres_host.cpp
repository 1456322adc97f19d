#include "providers/databases/postgres_host.h"

#include <charconv>

#include "providers/databases/errors.h"
#include "providers/sql/quoting.h"

namespace slipway::databases {
namespace {

constexpr std::string_view kAdministrative = "postgres";  // the database that is there on every server

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}
bool is_true(const sql::Values& row, std::size_t column) { return sql::text_of(row, column) == "t"; }

}  // namespace

PostgresHost::PostgresHost(ServerAccess access, boost::asio::any_io_executor executor, sql::SharedTls tls)
    : access_(std::move(access)),
      tls_(std::move(tls)),
      pool_(std::move(executor), PoolLimits{},
            [this](Deadline deadline) { return administer(std::string(kAdministrative), deadline); }) {}

Task<sql::Answer<sql::PostgresSession>> PostgresHost::administer(std::string database, Deadline deadline) const {
    co_return co_await sql::PostgresSession::open({access_.address, access_.port, access_.user, access_.password,
                                                   std::move(database), "disable", tls_->now().expected()},
                                                  deadline);
}

// The server gives a statement up when nobody waits for it any more.
Task<sql::Answer<PostgresHost::Seen>> PostgresHost::look_through(Lease& session, const Tenant& tenant,
                                                                 const std::string& role, Deadline deadline) {
    static const std::string kLook =
        "SELECT r.rolname, shobj_description(r.oid, 'pg_authid'), r.rolcanlogin, r.rolconnlimit, r.rolpassword,"
        " d.datname, d.datdba = r.oid,"
        " d.datconnlimit <> 0 AND d.datallowconn AND NOT has_database_privilege('public', d.oid, 'CONNECT'),"
        " d.datistemplate, set_config('statement_timeout', $3, false), set_config('lock_timeout', $4, false),"
        " b.rolname, shobj_description(b.oid, 'pg_authid'), b.rolcanlogin, b.rolconnlimit, b.rolpassword,"
        " pg_has_role(b.oid, r.oid, 'MEMBER') AND has_database_privilege(b.oid, d.oid, 'CONNECT')"
        " AND EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = b.oid AND s.setdatabase = d.oid"
        " AND s.setconfig @> ARRAY['role=' || r.rolname])"
        " FROM (SELECT 1) one LEFT JOIN pg_authid r ON r.rolname = $1 LEFT JOIN pg_database d ON d.datname = $2"
        " LEFT JOIN pg_authid b ON b.rolname = $5";
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left()).count();
    constexpr std::int64_t kMostLockWait = 5000;  // milliseconds
    const sql::Answer<sql::Rows> rows = co_await session->query(
        kLook,
        {role, tenant.database(), std::to_string(std::max<std::int64_t>(left, 1)),
         std::to_string(std::clamp<std::int64_t>(left, 1, kMostLockWait)), second_login(tenant).role},
        deadline);
    if (!rows) co_return std::unexpected(rows.error());
    if (rows->size() != 1) co_return sql::refuse(sql::Failure::lost, "the database server answered nonsense");
    const sql::Values& row = rows->front();
    Seen seen;
    seen.role = row[0].has_value();
    seen.role_name = sql::text_of(row, 0);
    seen.tag = parse_tag(sql::text_of(row, 1));
    seen.may_log_in = is_true(row, 2);
    seen.connections = number(sql::text_of(row, 3));
    seen.verifier = sql::text_of(row, 4);
    seen.database = row[5].has_value();
    seen.owned = is_true(row, 6);
    seen.opened = is_true(row, 7);
    seen.marked_template = is_true(row, 8);
    const std::optional<Tag> second = parse_login_tag(sql::text_of(row, 12));
    seen.second = {row[11].has_value(),           second && tenant.owns(*second), is_true(row, 13),
                   number(sql::text_of(row, 14)), sql::text_of(row, 15),          is_true(row, 16)};
    version_ = session->version_text();
    co_return seen;
}

// Whether a new connection may do what this one could not: it may have broken unseen since it was kept, and its
// first statement is under the limits that an earlier call with little time left may have set.
bool PostgresHost::worth_a_new_one(const Lease& session, const sql::SqlError& error) {
    constexpr std::string_view kCancelled = "57014";
    constexpr std::string_view kLockNotAvailable = "55P03";
    return session.reused() &&
           (error.failure == sql::Failure::lost || error.code == kCancelled || error.code == kLockNotAvailable);
}

// The first question of every call.
Task<PostgresHost::Looked> PostgresHost::look(const Tenant& tenant, const std::string& role, Deadline deadline) {
    for (const std::string& name : {role, tenant.database()}) {
        if (const std::string wrong = sql::wrong_name(name, sql::kMostPostgresName); !wrong.empty()) {
            co_return sql::refuse(sql::Failure::invalid, wrong);
        }
    }
    for (bool fresh = false;; fresh = true) {
        sql::Answer<Lease> session = co_await pool_.acquire(deadline, fresh);
        if (!session) co_return std::unexpected(session.error());
        const sql::Answer<Seen> seen = co_await look_through(*session, tenant, role, deadline);
        if (seen) co_return std::pair(std::move(*session), *seen);
        if (!worth_a_new_one(*session, seen.error())) co_return std::unexpected(seen.error());
    }
}

std::optional<Observation> PostgresHost::not_ours(const Tenant& tenant, const Seen& seen) {
    if (seen.role && seen.tag && tenant.has_neighbour(*seen.tag)) return held(*seen.tag);
    if (seen.role && (!seen.tag || !tenant.owns(*seen.tag))) {
        return foreign("the role belongs to another resource or generation, or to somebody else");
    }
    if (seen.database && !seen.owned) return foreign("the database belongs to somebody else");
    if (seen.role && seen.tag->database != tenant.database()) {
        return foreign("the role was made for a database of another name");
    }
    return std::nullopt;
}

bool PostgresHost::impossible(const Tenant& tenant) {
    return !sql::wrong_name(tenant.user, sql::kMostPostgresName).empty() ||
           !sql::wrong_name(tenant.database(), sql::kMostPostgresName).empty();
}

bool PostgresHost::half_made(const Tenant& tenant, const Seen& seen) {
    return !seen.database || !seen.opened || !logins_as_wanted(tenant, seen);
}

// A role that inherits nothing does not have the rights of pg_database_owner, to whom the schema "public" belongs
// since PostgreSQL 15. But it can act as that one, and so make the schema its own: nobody with more rights than its
// own has to connect to its database.
Task<sql::Answer<void>> PostgresHost::log_in(const Tenant& tenant, Rights rights, Deadline deadline) const {
    const Login login = current_login(tenant);
    sql::Answer<sql::PostgresSession> session =
        co_await sql::PostgresSession::open({access_.address, access_.port, login.role, login.password,
                                             tenant.database(), "disable", tls_->now().expected()},
                                            deadline);
    if (!session) co_return std::unexpected(session.error());
    if (rights != Rights::fresh || session->version() < kSchemaOfOwner) {
        const sql::Answer<sql::Rows> able = co_await session->query(
            "SELECT to_regnamespace('public') IS NULL OR has_schema_privilege('public', 'CREATE')", {}, deadline);
        if (!able) co_return std::unexpected(able.error());
        if (is_true(able->front(), 0)) co_return sql::Answer<void>{};
        if (rights == Rights::look) {
            co_return sql::refuse(sql::Failure::refused_by_server, "it cannot make anything in its database");
        }
    }
    const sql::Answer<void> renewed = co_await session->run(
        "SET LOCAL ROLE pg_database_owner; DROP SCHEMA public; RESET ROLE; CREATE SCHEMA public", deadline);
    if (renewed || renewed.error().code != "2BP01") co_return renewed;
    // There is something in it already.
    co_return co_await session->run(
        fmt::format("SET LOCAL ROLE pg_database_owner; GRANT ALL ON SCHEMA public TO {}",
                    sql::postgres_name(tenant.user)),
        deadline);
}

Task<ProviderAnswer> PostgresHost::observe(Tenant tenant, Deadline deadline) {
    if (impossible(tenant)) co_return Observation{};
    Seen seen;
    {
        Looked looked = co_await look(tenant, tenant.user, deadline);
        if (!looked) {
            if (looked.error().failure == sql::Failure::starting) {
                co_return after_login(std::unexpected(looked.error()), {});
            }
            co_return std::unexpected(error_of(looked.error(), false));
        }
        seen = looked->second;
        if (!seen.role) {
            const auto former = co_await former_names(looked->first, tenant, deadline);
            if (!former) co_return std::unexpected(error_of(former.error(), false));
            const bool taken = seen.database && *former && (*former)->database != tenant.database();
            if (*former && !taken) co_return stopped("it does not have its names yet");
        }
    }
    if (std::optional<Observation> strange = not_ours(tenant, seen)) co_return std::move(*strange);
    if (!seen.role) co_return Observation{};
    if (!seen.database) co_return stopped("its database is not there");
    if (owner_login(tenant).wanted() && !seen.may_log_in) co_return stopped("its role may not log in");
    if (half_made(tenant, seen)) co_return stopped("it is not set up as it should be");
    co_return after_login(co_await log_in(tenant, Rights::look, deadline), well(tenant));
}

Task<Items> PostgresHost::list(Deadline deadline) {
    static const std::string kList =
        "SELECT r.rolname, s.description, (r.rolcanlogin OR EXISTS (SELECT FROM pg_shdescription t"
        "  JOIN pg_authid b ON b.oid = t.objoid WHERE t.classoid = 'pg_authid'::regclass AND b.rolcanlogin"
        "  AND t.description = 'slipway-login:' || substr(s.description, 9)))"
        " AND r.rolconnlimit <> 0 AND EXISTS"
        " (SELECT FROM pg_database d WHERE d.datdba = r.oid AND d.datconnlimit <> 0"
        "  AND d.datname = regexp_replace(s.description, '^(\\S+ ){5}', ''))"
        " FROM pg_authid r JOIN pg_shdescription s ON s.objoid = r.oid AND s.classoid = 'pg_authid'::regclass"
        // A second login is its owner's, unless there is none any more.
        " WHERE s.description LIKE 'slipway:%' OR (s.description LIKE 'slipway-login:%' AND NOT EXISTS"
        "  (SELECT FROM pg_shdescription o WHERE o.classoid = s.classoid"
        "   AND o.description = 'slipway:' || substr(s.description, 15))) ORDER BY r.rolname";
    // Whatever else a kept connection was left with: the limit of its time is that of an earlier call.
    static const std::string kLimit = "SELECT set_config('statement_timeout', $1, false)";
    for (bool fresh = false;; fresh = true) {
        sql::Answer<Lease> session = co_await pool_.acquire(deadline, fresh);
        if (!session) co_return std::unexpected(error_of(session.error(), false));
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left()).count();
        sql::Answer<sql::Rows> rows =
            co_await (*session)->query(kLimit, {std::to_string(std::max<std::int64_t>(left, 1))}, deadline);
        if (rows) rows = co_await (*session)->query(kList, {}, deadline);
        if (!rows && worth_a_new_one(*session, rows.error())) continue;
        if (!rows) co_return std::unexpected(error_of(rows.error(), false));
        std::vector<InventoryItem> items;
        for (const sql::Values& row : *rows) {
            InventoryItem& item = items.emplace_back();
            const std::string mark = sql::text_of(row, 1);
            const std::optional<Tag> owner = parse_tag(mark);
            if (const std::optional<Tag> tag = owner ? owner : parse_login_tag(mark)) {
                item.external_name = tag->external_name;
                item.installation = tag->installation;
                item.resource = tag->resource;
                item.generation = tag->generation;
                item.presence = is_true(row, 2) ? Presence::running : Presence::stopped;
            } else {
                item.external_name = sql::text_of(row, 0);
                item.presence = Presence::foreign;
                item.detail = "its mark cannot be read";
            }
        }
        co_return items;
    }
}

std::shared_ptr<Host> make_postgres_host(ServerAccess access, boost::asio::any_io_executor executor,
                                         sql::SharedTls tls) {
    return std::make_shared<PostgresHost>(std::move(access), std::move(executor), std::move(tls));
}

}  // namespace slipway::databases
