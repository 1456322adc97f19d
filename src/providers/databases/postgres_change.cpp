// How tenants of a PostgreSQL server are made, changed and removed. Every step may be the last one of a call that
// is interrupted: the next call sees what is there and goes on from it.
#include <algorithm>

#include "providers/databases/errors.h"
#include "providers/databases/postgres_host.h"
#include "providers/sql/quoting.h"
#include "providers/sql/verifier.h"

namespace slipway::databases {

using sql::postgres_name;
using sql::postgres_text;

namespace {

constexpr int kMostRounds = 4;
constexpr int kDropByForce = 130'000;  // the first version that has DROP DATABASE … WITH (FORCE)

// As lock(), until it is given back, or the session ends: a server that was told to make a database goes on with it
// after who told it has gone, and a removal has to wait for that.
std::string hold(const std::string& name) {
    return fmt::format("SELECT pg_advisory_lock(hashtextextended({}, 0)); ", postgres_text(name));
}
std::string give_back(const std::string& name) {
    return fmt::format("; SELECT pg_advisory_unlock(hashtextextended({}, 0))", postgres_text(name));
}

// Somebody else did the same just now: look again.
bool met_another(const sql::SqlError& error) {
    return error_of(error, true).error_class == ErrorClass::conflict || error.code == "2BP01" ||
           error.code == "XX000" || error.code == "55006";
}

}  // namespace

// Once for each server: where removals are remembered, and the doors that it leaves open to everybody by itself.
Task<sql::Answer<void>> PostgresHost::prepare(Lease& session, Deadline deadline) {
    if (prepared_) co_return sql::Answer<void>{};
    const sql::Answer<sql::Rows> rows = co_await session->query(
        "SELECT to_regclass('slipway.removed') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_database WHERE datname IN"
        " ('postgres', 'template1') AND (has_database_privilege('public', oid, 'CONNECT')"
        " OR has_database_privilege('public', oid, 'TEMPORARY')))",
        {}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    if (sql::text_of(rows->front(), 0) != "t") {
        const sql::Answer<void> done = co_await session->run(
            lock("slipway.removed") +
                "CREATE SCHEMA IF NOT EXISTS slipway; CREATE TABLE IF NOT EXISTS slipway.removed"
                " (external_name text PRIMARY KEY, generation bigint NOT NULL,"
                " removed_at timestamptz NOT NULL DEFAULT now());"
                " REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC",
            deadline);
        if (!done) co_return done;
    }
    prepared_ = true;
    co_return sql::Answer<void>{};
}

Task<sql::Answer<bool>> PostgresHost::removed_before(Lease& session, const Tenant& tenant, Deadline deadline) {
    const sql::Answer<sql::Rows> rows = co_await session->query(
        "SELECT 1 FROM slipway.removed WHERE external_name = $1 AND generation >= $2::bigint",
        {tenant.name(), std::to_string(tenant.owner.generation)}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    co_return !rows->empty();
}

// The role and the mark that says whose it is come together or not at all. It need not be on disk yet: the
// database, which needs it, is written after it.
Task<sql::Answer<void>> PostgresHost::make_role(Change change) {
    const Tenant& tenant = change.tenant;
    Lease& session = change.session;
    sql::Answer<void> done =
        co_await session->run(hold(tenant.name()) + "BEGIN; SET LOCAL synchronous_commit = off", change.deadline);
    if (!done) co_return done;
    const sql::Answer<bool> removed = co_await removed_before(session, tenant, change.deadline);
    if (!removed) co_return std::unexpected(removed.error());
    if (*removed) {
        done = co_await session->run("ROLLBACK", change.deadline);
        co_return sql::refuse(sql::Failure::invalid, "it was removed before", std::string(kRemovedBefore));
    }
    change.touched = true;
    const std::string role = postgres_name(tenant.user);
    co_return co_await session->run(
        fmt::format("CREATE ROLE {} NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS {};"
                    " COMMENT ON ROLE {} IS {}; COMMIT",
                    role, login_clause(owner_login(tenant), tenant), role, postgres_text(to_text(tenant.owner))),
        change.deadline);
}

// Nobody but administrators may connect until it is closed to the public.
Task<sql::Answer<void>> PostgresHost::make_database(Change change) {
    change.touched = true;
    co_return co_await change.session->run(
        fmt::format("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' CONNECTION LIMIT 0",
                    postgres_name(change.tenant.database()), postgres_name(change.tenant.user)),
        change.deadline);
}

// Where it is `fresh` its tenant's first login writes to the disk after it, and this with it.
Task<sql::Answer<void>> PostgresHost::open_database(Change change, bool fresh) {
    change.touched = true;
    const bool later = fresh && change.session->version() >= kSchemaOfOwner;
    const std::string database = postgres_name(change.tenant.database());
    co_return co_await change.session->run(
        fmt::format("{}REVOKE ALL ON DATABASE {} FROM PUBLIC;"
                    " ALTER DATABASE {} ALLOW_CONNECTIONS true CONNECTION LIMIT -1{}",
                    later ? "SET LOCAL synchronous_commit = off; " : "", database, database,
                    fresh ? give_back(change.tenant.name()) : ""),
        change.deadline);
}

Task<sql::Answer<void>> PostgresHost::alter_role(Change change) {
    change.touched = true;
    const Login login = owner_login(change.tenant);
    co_return co_await change.session->run(
        fmt::format("ALTER ROLE {} {}", postgres_name(login.role), login_clause(login, change.tenant)),
        change.deadline);
}

// Only added: what is in use is not taken away from its owner.
Task<sql::Answer<void>> PostgresHost::add_extensions(const Tenant& tenant, Deadline deadline) const {
    if (tenant.extensions.empty()) co_return sql::Answer<void>{};
    sql::Answer<sql::PostgresSession> session = co_await administer(tenant.database(), deadline);
    if (!session) co_return std::unexpected(session.error());
    std::string wanted = "SET search_path = public";
    for (const std::string& each : tenant.extensions) {
        wanted += fmt::format("; CREATE EXTENSION IF NOT EXISTS {}", postgres_name(each));
    }
    co_return co_await session->run(std::move(wanted), deadline);
}

Task<sql::Answer<void>> PostgresHost::bring_up(Change change, const Seen& seen) {
    const Tenant& tenant = change.tenant;
    sql::Answer<void> done;
    if (!seen.role) {
        done = co_await make_role(change);
    } else if (const auto removed = co_await removed_before(change.session, tenant, change.deadline);
               !removed || *removed) {
        // What a removal that was interrupted has left is not brought back.
        if (!removed) co_return std::unexpected(removed.error());
        co_return sql::refuse(sql::Failure::invalid, "it was removed before", std::string(kRemovedBefore));
    } else if (const Login login = owner_login(tenant);
               login.wanted() && (!seen.may_log_in || seen.connections != tenant.connections ||
                                  !sql::scram_matches(seen.verifier, login.password))) {
        done = co_await alter_role(change);
    }
    if (done && seen.role && !seen.database)
        done = co_await change.session->run(hold(tenant.name()), change.deadline);
    if (done && !seen.database) done = co_await make_database(change);
    if (done && !seen.opened) done = co_await open_database(change, !seen.database);
    if (done) done = co_await bring_up_second(change, seen);
    // It may hold the name still.
    if (!done) change.session.discard();
    co_return done;
}

Task<ProviderAnswer> PostgresHost::converge(Tenant tenant, bool make, Deadline deadline) {
    for (const Secret& each : {tenant.password, tenant.former_password}) {
        if (std::ranges::any_of(each.reveal(), [](char one) { return one < ' ' || one > '~'; })) {
            co_return std::unexpected(permanent("its password must be printable ASCII"));
        }
    }
    if (tenant.password.empty()) co_return std::unexpected(permanent("its password must not be empty"));
    bool renamed = false;
    if (!make) {
        const sql::Answer<void> named = co_await take_names(tenant, deadline, renamed);
        if (!named) co_return std::unexpected(error_of(named.error(), renamed));
    }
    bool touched = false;
    bool anew = false;
    bool fresh = false;
    bool retiring = false;
    for (int round = 1;; ++round) {
        Looked looked = co_await look(tenant, tenant.user, deadline);
        if (!looked) co_return std::unexpected(error_of(looked.error(), touched));
        const Seen seen = looked->second;
        if (std::optional<Observation> strange = not_ours(tenant, seen)) co_return std::move(*strange);
        if (!seen.role && !make) co_return Observation{};
        anew = anew || (seen.role && !seen.database && !make);
        sql::Answer<void> done = co_await prepare(looked->first, deadline);
        if (done) done = co_await bring_up({looked->first, tenant, deadline, touched}, seen);
        fresh = !seen.database;
        retiring =
            (seen.role && !owner_login(tenant).wanted()) || (seen.second.ours && !second_login(tenant).wanted());
        if (done) break;
        if (done.error().code == kRemovedBefore) co_return std::unexpected(permanent(done.error().message));
        if (round == kMostRounds || !met_another(done.error())) {
            co_return std::unexpected(error_of(done.error(), touched));
        }
    }
    Observation answer = well(tenant);
    if (anew) answer.detail = "its database was not there and was made again, empty";
    // It logged in when it was made, and the server keeps the verifier of the same password.
    if (renamed && !touched) co_return answer;
    const sql::Answer<void> login = co_await log_in(tenant, fresh ? Rights::fresh : Rights::repair, deadline);
    // What was never seen working is not said to work.
    if (make && !login) co_return std::unexpected(error_of(login.error(), touched));
    const sql::Answer<void> extended = co_await add_extensions(tenant, deadline);
    if (!extended) co_return std::unexpected(error_of(extended.error(), true));
    // Never without a login that is known to work.
    if (retiring && (login || login.error().failure == sql::Failure::too_many_connections)) {
        const sql::Answer<void> retired = co_await retire_logins(tenant, deadline, touched);
        if (!retired) co_return std::unexpected(error_of(retired.error(), touched));
    }
    answer.proven = login.has_value();
    co_return after_login(login, std::move(answer));
}

// The role that bears the mark of this name, where it is called otherwise than is thought; "" for none.
Task<sql::Answer<std::string>> PostgresHost::role_tagged(Lease& session, const Tenant& tenant, Deadline deadline) {
    const sql::Answer<sql::Rows> rows = co_await session->query(
        "SELECT r.rolname FROM pg_shdescription s JOIN pg_authid r ON r.oid = s.objoid"
        " WHERE s.classoid = 'pg_authid'::regclass AND s.description LIKE 'slipway:1 %'"
        " AND split_part(s.description, ' ', 5) = $1",
        {tenant.name()}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    co_return rows->empty() ? std::string() : sql::text_of(rows->front(), 0);
}

// The mark comes first: from here on nothing can bring this name and generation back, and nobody can log in.
Task<sql::Answer<void>> PostgresHost::bury(Change change, const std::string& role) {
    Lease& session = change.session;
    change.touched = true;
    sql::Answer<void> done = co_await session->run("BEGIN; " + lock(change.tenant.name()), change.deadline);
    if (!done) co_return done;
    const sql::Answer<sql::Rows> marked = co_await session->query(
        "INSERT INTO slipway.removed AS r (external_name, generation) VALUES ($1, $2::bigint)"
        " ON CONFLICT (external_name) DO UPDATE"
        " SET generation = greatest(r.generation, excluded.generation), removed_at = now()",
        {change.tenant.name(), std::to_string(change.tenant.owner.generation)}, change.deadline);
    if (!marked) co_return std::unexpected(marked.error());
    sql::Answer<std::vector<std::string>> roles = co_await second_logins(session, change.tenant, change.deadline);
    if (!roles) co_return std::unexpected(roles.error());
    if (!role.empty()) roles->push_back(role);
    std::string rest = "DELETE FROM slipway.removed WHERE removed_at < now() - interval '30 days'; ";
    for (const std::string& each : *roles) {
        rest += fmt::format("ALTER ROLE {} NOLOGIN CONNECTION LIMIT 0; ", postgres_name(each));
    }
    co_return co_await session->run(rest + "COMMIT", change.deadline);
}

Task<sql::Answer<void>> PostgresHost::drop_database(Change change, const std::string& role,
                                                    const std::string& database, const Seen& seen) {
    Lease& session = change.session;
    const sql::Answer<sql::Rows> ended = co_await session->query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 OR (datname = $2 AND $3 = 't')",
        {role, database, seen.owned ? "t" : "f"}, change.deadline);
    if (!ended) co_return std::unexpected(ended.error());
    if (!seen.database || !seen.owned) co_return sql::Answer<void>{};
    const std::string name = postgres_name(database);
    if (seen.marked_template) {  // by its owner, who may do that
        const sql::Answer<void> done =
            co_await session->run(fmt::format("ALTER DATABASE {} IS_TEMPLATE false", name), change.deadline);
        if (!done) co_return done;
    }
    co_return co_await session->run(fmt::format("DROP DATABASE IF EXISTS {}{}", name,
                                                session->version() >= kDropByForce ? " WITH (FORCE)" : ""),
                                    change.deadline);
}

// What the role owns and may do in this database, and in none of the others.
Task<sql::Answer<void>> PostgresHost::drop_owned(std::string database, const std::string& role,
                                                 Deadline deadline) const {
    // What it was granted by somebody who does not own it, DROP OWNED leaves (before version 16).
    static const std::string kGranted =
        "WITH me AS (SELECT oid FROM pg_authid WHERE rolname = $1), granted AS ("
        " SELECT a.grantor, 'TABLE' AS kind, c.oid::regclass::text AS name"
        "  FROM pg_class c, aclexplode(c.relacl) a, me WHERE a.grantee = me.oid AND a.grantor <> c.relowner"
        " UNION SELECT a.grantor, 'TABLE', c.oid::regclass::text FROM pg_class c JOIN pg_attribute t"
        "  ON t.attrelid = c.oid, aclexplode(t.attacl) a, me WHERE a.grantee = me.oid AND a.grantor <> c.relowner"
        " UNION SELECT a.grantor, 'SCHEMA', quote_ident(n.nspname)"
        "  FROM pg_namespace n, aclexplode(n.nspacl) a, me WHERE a.grantee = me.oid AND a.grantor <> n.nspowner"
        " UNION SELECT a.grantor, 'DATABASE', quote_ident(d.datname)"
        "  FROM pg_database d, aclexplode(d.datacl) a, me WHERE a.grantee = me.oid AND a.grantor <> d.datdba"
        " UNION SELECT a.grantor, 'ROUTINE', p.oid::regprocedure::text"
        "  FROM pg_proc p, aclexplode(p.proacl) a, me WHERE a.grantee = me.oid AND a.grantor <> p.proowner"
        " UNION SELECT a.grantor, 'TYPE', t.oid::regtype::text"
        "  FROM pg_type t, aclexplode(t.typacl) a, me WHERE a.grantee = me.oid AND a.grantor <> t.typowner"
        " UNION SELECT a.grantor, 'LARGE OBJECT', l.oid::text"
        "  FROM pg_largeobject_metadata l, aclexplode(l.lomacl) a, me"
        "  WHERE a.grantee = me.oid AND a.grantor <> l.lomowner)"
        " SELECT format('SET LOCAL ROLE %I; REVOKE ALL ON %s %s FROM %I CASCADE; RESET ROLE; ',"
        " pg_get_userbyid(grantor), kind, name, $1) FROM granted";
    sql::Answer<sql::PostgresSession> session = co_await administer(std::move(database), deadline);
    if (!session) co_return std::unexpected(session.error());
    // The names that it shows are to mean the same when they are read.
    const sql::Answer<void> set =
        co_await session->run("SET lock_timeout = 5000; SET search_path = pg_catalog", deadline);
    if (!set) co_return set;
    const sql::Answer<sql::Rows> granted = co_await session->query(kGranted, {role}, deadline);
    if (!granted) co_return std::unexpected(granted.error());
    std::string statements;
    for (const sql::Values& each : *granted) statements += sql::text_of(each, 0);
    co_return co_await session->run(statements + fmt::format("DROP OWNED BY {} CASCADE", postgres_name(role)),
                                    deadline);
}

// Other tenants may have let it in and given it rights, or let it make things of its own there.
Task<sql::Answer<void>> PostgresHost::drop_role(Change change, const std::string& role) {
    Lease& session = change.session;
    const sql::Answer<sql::Rows> places = co_await session->query(
        "SELECT DISTINCT coalesce(d.datname, 'postgres') FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = "
        "s.dbid"
        " WHERE s.refclassid = 'pg_authid'::regclass"
        " AND s.refobjid = (SELECT oid FROM pg_authid WHERE rolname = $1)",
        {role}, change.deadline);
    if (!places) co_return std::unexpected(places.error());
    for (const sql::Values& each : *places) {
        const sql::Answer<void> dropped = co_await drop_owned(sql::text_of(each, 0), role, change.deadline);
        if (!dropped) co_return dropped;
    }
    co_return co_await session->run(fmt::format("DROP ROLE IF EXISTS {}", postgres_name(role)), change.deadline);
}

Task<ProviderAnswer> PostgresHost::remove(Tenant tenant, Deadline deadline) {
    if (impossible(tenant)) tenant.user = tenant.owner.database = tenant.name();
    bool touched = false;
    for (int round = 1;; ++round) {
        Looked looked = co_await look(tenant, tenant.user, deadline);
        if (!looked) co_return std::unexpected(error_of(looked.error(), touched));
        Lease& session = looked->first;
        Seen seen = looked->second;
        if (!seen.role || !seen.tag || !tenant.owns(*seen.tag)) {
            const sql::Answer<std::string> other = co_await role_tagged(session, tenant, deadline);
            if (!other) co_return std::unexpected(error_of(other.error(), touched));
            const sql::Answer<Seen> again =
                other->empty() ? sql::Answer<Seen>(seen) : co_await look_through(session, tenant, *other, deadline);
            if (!again) co_return std::unexpected(error_of(again.error(), touched));
            seen = *again;
        }
        // The role's own mark tells what its database is called.
        if (seen.role && seen.tag && tenant.owns(*seen.tag) && seen.tag->database != tenant.database()) {
            tenant.owner.database = seen.tag->database;
            tenant.user = seen.role_name;
            const sql::Answer<Seen> again = co_await look_through(session, tenant, tenant.user, deadline);
            if (!again) co_return std::unexpected(error_of(again.error(), touched));
            seen = *again;
        }
        if (std::optional<Observation> strange = not_ours(tenant, seen)) co_return std::move(*strange);
        const Change change{session, tenant, deadline, touched};
        sql::Answer<void> done = co_await prepare(session, deadline);
        if (done) done = co_await bury(change, seen.role_name);
        if (done && !seen.database) {
            // It may have been made while this waited for its name.
            const sql::Answer<Seen> now = co_await look_through(session, tenant, tenant.user, deadline);
            if (!now) co_return std::unexpected(error_of(now.error(), touched));
            if (std::optional<Observation> strange = not_ours(tenant, *now)) co_return std::move(*strange);
            seen = *now;
        }
        if (done && seen.role) done = co_await drop_database(change, seen.role_name, tenant.database(), seen);
        if (done) done = co_await drop_second_logins(change);
        if (done && seen.role) done = co_await drop_role(change, seen.role_name);
        if (done) co_return Observation{};
        if (round == kMostRounds || !met_another(done.error())) {
            co_return std::unexpected(error_of(done.error(), touched));
        }
    }
}

}  // namespace slipway::databases
