// The logins of a PostgreSQL tenant. A role has but one password, so that the passwords of a rotation belong to two
// roles by turns: the one that owns everything, and a second one that acts as the first from its login on, so that
// whatever either makes is the other's too. The second one is made when it is needed, and goes with the first.
#include <array>

#include "base/random.h"
#include "providers/databases/errors.h"
#include "providers/databases/postgres_host.h"
#include "providers/sql/quoting.h"
#include "providers/sql/verifier.h"

namespace slipway::databases {

using sql::postgres_name;
using sql::postgres_text;

namespace {

std::string verifier_of(const Secret& password) {
    SystemRandom random;
    std::array<std::byte, sql::kSaltBytes> salt{};
    random.fill(salt);
    return sql::scram_verifier(password, {reinterpret_cast<const char*>(salt.data()), salt.size()});
}

std::string disabled(const std::string& role) {
    return fmt::format("ALTER ROLE {} NOLOGIN PASSWORD NULL", postgres_name(role));
}

}  // namespace

PostgresHost::Login PostgresHost::owner_login(const Tenant& tenant) {
    return {tenant.user, tenant.second ? tenant.former_password : tenant.password};
}

// No user that we choose ends so: it cannot be another tenant's.
PostgresHost::Login PostgresHost::second_login(const Tenant& tenant) {
    return {sql::mysql_user(tenant.user + "-b", sql::kMostPostgresName),
            tenant.second ? tenant.password : tenant.former_password};
}

PostgresHost::Login PostgresHost::current_login(const Tenant& tenant) {
    return tenant.second ? second_login(tenant) : owner_login(tenant);
}

std::string PostgresHost::login_clause(const Login& login, const Tenant& tenant) {
    if (!login.wanted()) return fmt::format("NOLOGIN CONNECTION LIMIT {} PASSWORD NULL", tenant.connections);
    return fmt::format("LOGIN CONNECTION LIMIT {} PASSWORD {}", tenant.connections,
                       postgres_text(verifier_of(login.password)));
}

bool PostgresHost::logins_as_wanted(const Tenant& tenant, const Seen& seen) {
    const Second& second = seen.second;
    const bool owner =
        owner_login(tenant).wanted() ? seen.may_log_in && seen.connections == tenant.connections : !seen.may_log_in;
    const bool other = second_login(tenant).wanted() ? second.ours && second.may_log_in && second.whole &&
                                                           second.connections == tenant.connections
                                                     : !second.ours || !second.may_log_in;
    return owner && other;
}

Observation PostgresHost::well(const Tenant& tenant) const {
    Observation seen = running(access_, tenant, tenant.user, version_, "");
    if (tenant.second) seen.handle["login"] = second_login(tenant).role;
    return seen;
}

// All of it or nothing, and nothing after a removal.
Task<sql::Answer<void>> PostgresHost::bring_up_second(Change change, const Seen& seen) {
    const Tenant& tenant = change.tenant;
    const Second& second = seen.second;
    const Login login = second_login(tenant);
    if (!login.wanted()) co_return sql::Answer<void>{};
    if (second.there && !second.ours) {
        co_return sql::refuse(sql::Failure::invalid, "the name of its second login is taken by somebody else");
    }
    if (second.there && second.whole && second.may_log_in && second.connections == tenant.connections &&
        sql::scram_matches(second.verifier, login.password)) {
        co_return sql::Answer<void>{};
    }
    Lease& session = change.session;
    const sql::Answer<void> locked = co_await session->run("BEGIN; " + lock(tenant.name()), change.deadline);
    if (!locked) co_return locked;
    const sql::Answer<bool> removed = co_await removed_before(session, tenant, change.deadline);
    if (!removed) co_return std::unexpected(removed.error());
    if (*removed) {
        co_return sql::refuse(sql::Failure::invalid, "it was removed before", std::string(kRemovedBefore));
    }
    change.touched = true;
    const std::string role = postgres_name(login.role);
    const std::string owner = postgres_name(tenant.user);
    const std::string database = postgres_name(tenant.database());
    co_return co_await session->run(
        fmt::format("{} ROLE {} NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS {};"
                    " COMMENT ON ROLE {} IS {}; GRANT {} TO {}; GRANT CONNECT ON DATABASE {} TO {};"
                    " ALTER ROLE {} IN DATABASE {} SET role TO {}; COMMIT",
                    second.there ? "ALTER" : "CREATE", role, login_clause(login, tenant), role,
                    postgres_text(to_login_text(tenant.owner)), owner, role, database, role, role, database, owner),
        change.deadline);
}

// Who may not log in any more is not connected any more either.
Task<sql::Answer<void>> PostgresHost::retire_logins(const Tenant& tenant, Deadline deadline, bool& touched) {
    Looked looked = co_await look(tenant, tenant.user, deadline);
    if (!looked) co_return std::unexpected(looked.error());
    Lease& session = looked->first;
    const Seen& seen = looked->second;
    if (not_ours(tenant, seen)) co_return sql::Answer<void>{};
    struct Present {
        Login login;
        bool there = false;
        bool may_log_in = false;
    };
    for (const Present& each : {Present{owner_login(tenant), seen.role, seen.may_log_in},
                                Present{second_login(tenant), seen.second.ours, seen.second.may_log_in}}) {
        if (each.login.wanted() || !each.there) continue;
        touched = true;
        if (each.may_log_in) {
            const sql::Answer<void> done = co_await session->run(disabled(each.login.role), deadline);
            if (!done) co_return done;
        }
        const sql::Answer<sql::Rows> ended =
            co_await session->query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1",
                                    {each.login.role}, deadline);
        if (!ended) co_return std::unexpected(ended.error());
    }
    co_return sql::Answer<void>{};
}

// By their marks, whatever they are called.
Task<sql::Answer<std::vector<std::string>>> PostgresHost::second_logins(Lease& session, const Tenant& tenant,
                                                                        Deadline deadline) {
    const sql::Answer<sql::Rows> rows = co_await session->query(
        "SELECT r.rolname, s.description FROM pg_shdescription s JOIN pg_authid r ON r.oid = s.objoid"
        " WHERE s.classoid = 'pg_authid'::regclass AND s.description LIKE 'slipway-login:1 %'"
        " AND split_part(s.description, ' ', 5) = $1",
        {tenant.name()}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    std::vector<std::string> found;
    for (const sql::Values& each : *rows) {
        const std::optional<Tag> tag = parse_login_tag(sql::text_of(each, 1));
        if (tag && tenant.owns(*tag)) found.push_back(sql::text_of(each, 0));
    }
    co_return found;
}

Task<sql::Answer<void>> PostgresHost::drop_second_logins(Change change) {
    const auto roles = co_await second_logins(change.session, change.tenant, change.deadline);
    if (!roles) co_return std::unexpected(roles.error());
    for (const std::string& each : *roles) {
        const sql::Answer<sql::Rows> ended = co_await change.session->query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", {each}, change.deadline);
        if (!ended) co_return std::unexpected(ended.error());
        const sql::Answer<void> dropped = co_await drop_role(change, each);
        if (!dropped) co_return dropped;
    }
    co_return sql::Answer<void>{};
}

}  // namespace slipway::databases
