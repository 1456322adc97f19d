// How what was made ahead gets the names that its owner is told. Role, database and mark change in one transaction:
// whoever looks, before or after a crash, sees all of the former names or all of the new ones. What it is called is
// never taken on trust: its mark is looked for, and the role has to own the database that the mark names.
#include "providers/databases/postgres_host.h"
#include "providers/sql/quoting.h"

namespace slipway::databases {

using sql::postgres_name;
using sql::postgres_text;

std::string PostgresHost::lock(const std::string& name) {
    return fmt::format("SELECT pg_advisory_xact_lock(hashtextextended({}, 0)); ", postgres_text(name));
}

// None where nothing bears its mark, or it is being removed.
Task<sql::Answer<std::optional<PostgresHost::Former>>> PostgresHost::former_names(Lease& session,
                                                                                  const Tenant& tenant,
                                                                                  Deadline deadline) {
    static const std::string kFind =
        "SELECT r.rolname, s.description FROM pg_shdescription s JOIN pg_authid r ON r.oid = s.objoid"
        " JOIN pg_database d ON d.datdba = r.oid AND d.datname = regexp_replace(s.description, '^(\\S+ ){5}', '')"
        " WHERE s.classoid = 'pg_authid'::regclass AND s.description LIKE 'slipway:1 %'"
        " AND split_part(s.description, ' ', 5) = $1 AND r.rolcanlogin";
    const sql::Answer<sql::Rows> rows = co_await session->query(kFind, {tenant.name()}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    for (const sql::Values& row : *rows) {
        const std::optional<Tag> tag = parse_tag(sql::text_of(row, 1));
        if (tag && tenant.owns(*tag)) co_return Former{sql::text_of(row, 0), tag->database};
    }
    co_return std::nullopt;
}

// Its verifier, its rights and what is in its database stay: they hang on what it is, not on what it is called.
Task<sql::Answer<void>> PostgresHost::take_names(const Tenant& tenant, Deadline deadline, bool& renamed) {
    Looked looked = co_await look(tenant, tenant.user, deadline);
    if (!looked) co_return std::unexpected(looked.error());
    const Seen& seen = looked->second;
    if (seen.role) co_return sql::Answer<void>{};
    Lease& session = looked->first;
    sql::Answer<void> done = co_await prepare(session, deadline);
    if (done) done = co_await session->run("BEGIN; " + lock(tenant.name()), deadline);
    if (!done) co_return done;
    // Under the lock: a removal that came first has taken its right to log in, or everything.
    const auto former = co_await former_names(session, tenant, deadline);
    if (!former) co_return std::unexpected(former.error());
    const bool moves = *former && (*former)->database != tenant.database();
    // Where the name of its database is taken, that is said by who looks next.
    if (!*former || (moves && seen.database)) co_return co_await session->run("ROLLBACK", deadline);
    renamed = true;
    const std::string role = postgres_name(tenant.user);
    std::string statements;
    if (moves) {
        statements += fmt::format("ALTER DATABASE {} RENAME TO {}; ", postgres_name((*former)->database),
                                  postgres_name(tenant.database()));
    }
    statements += fmt::format("ALTER ROLE {} RENAME TO {}; COMMENT ON ROLE {} IS {}; COMMIT",
                              postgres_name((*former)->role), role, role, postgres_text(to_text(tenant.owner)));
    co_return co_await session->run(std::move(statements), deadline);
}

}  // namespace slipway::databases
