#include "databases_subject.h"

#include "providers/sql/quoting.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;

std::string text(const sql::Rows& rows) {
    std::vector<std::string> lines;
    for (const sql::Values& row : rows) {
        std::vector<std::string> cells;
        for (const sql::Value& each : row) cells.push_back(each.value_or("NULL"));
        lines.push_back(fmt::format("{}", fmt::join(cells, "|")));
    }
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string words(std::string_view what, const sql::SqlError& error) {
    return fmt::format("{} {}", what, error.code.empty() ? error.message : error.code);
}

template <class Session, class Login>
Task<std::string> answer_of(Login login, std::string statement) {
    const Deadline deadline(20s);
    auto session = co_await Session::open(std::move(login), deadline);
    if (!session) co_return words("login", session.error());
    if (statement.empty()) co_return "in";
    const auto rows = co_await session->query(std::move(statement), {}, deadline);
    co_return rows ? text(*rows) : words("error", rows.error());
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// How MariaDB calls the directory of a database.
std::string directory_name(const std::string& name) {
    std::string out;
    for (const char each : name) {
        const bool plain = std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '_';
        out += plain ? std::string(1, each) : fmt::format("@{:04x}", static_cast<unsigned char>(each));
    }
    return out;
}

}  // namespace

DatabasesSubject::DatabasesSubject(const std::string& engine) : server_(sql_server(engine)) {
    servers_.servers = {server_.access()};
    databases::DatabasesOptions options;
    options.installation = InstallationId("ins_other");
    other_ = std::make_unique<databases::DatabasesProvider>(options, servers_, io_.get_executor());
    clear();
    crash();
}

DatabasesSubject::~DatabasesSubject() {
    provider_.reset();
    other_.reset();
}

// The server is the whole program's: what an earlier test left, and what it remembers of it, is none of ours.
void DatabasesSubject::clear() {
    if (mysql()) {
        as_admin("DELETE FROM slipway.removed");
        return;
    }
    if (as_admin("SELECT to_regclass('slipway.removed')") != "NULL") as_admin("DELETE FROM slipway.removed");
}

void DatabasesSubject::crash() {
    provider_.reset();
    databases::DatabasesOptions options;
    options.installation = InstallationId("ins_conformance");
    options.per_server = 64;
    provider_ = std::make_unique<databases::DatabasesProvider>(options, servers_, io_.get_executor());
}

Spec DatabasesSubject::spec() {
    Spec spec;
    spec.kind = Kind::database;
    spec.engine = server_.access().engine;
    spec.plan = "small";
    spec.placed_on = server_.access().server;
    spec.secrets = {{"password", Secret(kTenantCanary)}};
    return spec;
}

std::string DatabasesSubject::ask(const std::string& user, const std::string& password, const std::string& database,
                                  const std::string& statement) {
    const ServerAccess& at = server_.access();
    if (mysql()) {
        return run(answer_of<sql::MysqlSession>(
            sql::MysqlLogin{at.address, at.port, user, Secret(password), database}, statement));
    }
    return run(answer_of<sql::PostgresSession>(
        sql::PostgresLogin{at.address, at.port, user, Secret(password), database}, statement));
}

std::string DatabasesSubject::as_admin(const std::string& statement, const std::string& database) {
    const ServerAccess& at = server_.access();
    return ask(at.user, at.password.reveal(), database.empty() && !mysql() ? "postgres" : database, statement);
}

std::string DatabasesSubject::picture() {
    if (mysql()) {
        return as_admin("SELECT Host, User, Priv FROM mysql.global_priv ORDER BY 1, 2") + "\n" +
               as_admin("SELECT * FROM mysql.db ORDER BY 1, 2, 3") + "\n" +
               as_admin("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1") + "\n" +
               as_admin("SELECT * FROM slipway.tenants ORDER BY 1") + "\n" +
               as_admin("SELECT external_name, CAST(generation AS CHAR) FROM slipway.removed ORDER BY 1");
    }
    std::string seen =
        as_admin("SELECT r.*, shobj_description(r.oid, 'pg_authid') FROM pg_authid r ORDER BY rolname") + "\n" +
        as_admin(
            "SELECT oid, datname, datdba, datallowconn, datconnlimit, datacl FROM pg_database ORDER BY datname");
    if (as_admin("SELECT to_regclass('slipway.removed')") != "NULL") {
        seen += as_admin("SELECT external_name, generation FROM slipway.removed ORDER BY 1");
    }
    return seen;
}

std::string DatabasesSubject::identity(const std::string& name) {
    if (!mysql()) {
        return as_admin(
            "SELECT r.oid, d.oid FROM pg_roles r JOIN pg_database d ON d.datdba = r.oid WHERE rolname = " +
            sql::postgres_text(name));
    }
    struct stat seen{};
    const std::string place = server_.data() + "/" + directory_name(name);
    return ::stat(place.c_str(), &seen) == 0 ? std::to_string(seen.st_ino) : "";
}

// Somebody else's Slipway uses the same server.
void DatabasesSubject::plant_foreign(const std::string& name) {
    Target target = target_of(name);
    target.installation = InstallationId("ins_other");
    const ProviderAnswer made = run(other_->create(target, spec(), 20s));
    EXPECT_TRUE(made) << made.error().message;
}

void DatabasesSubject::unplant_foreign(const std::string& name) {
    Target target = target_of(name);
    target.installation = InstallationId("ins_other");
    const ProviderAnswer removed = run(other_->remove(target, spec(), 20s));
    EXPECT_TRUE(removed) << removed.error().message;
}

void DatabasesSubject::make_stop(const std::string& name) {
    const std::string done = as_admin(mysql() ? "ALTER USER " + sql::mysql_name(name) + "@`%` ACCOUNT LOCK"
                                              : "ALTER ROLE " + sql::postgres_name(name) + " NOLOGIN");
    EXPECT_EQ(done, "");
}

std::vector<std::string> DatabasesSubject::leftovers() {
    if (mysql()) {
        return lines_of(as_admin(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN"
            " ('mysql', 'sys', 'information_schema', 'performance_schema', 'slipway')"
            " UNION SELECT User FROM mysql.user WHERE User NOT IN ('slipway', 'root', 'mariadb.sys', 'PUBLIC')"
            " AND User NOT LIKE '%nobody%'"));
    }
    return lines_of(as_admin(
        "SELECT datname::text FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"
        " UNION SELECT rolname::text FROM pg_roles WHERE rolname <> 'slipway' AND rolname NOT LIKE 'pg\\_%'"));
}

std::unique_ptr<Subject> make_databases_postgres() { return std::make_unique<DatabasesSubject>("postgres"); }
std::unique_ptr<Subject> make_databases_mysql() { return std::make_unique<DatabasesSubject>("mysql"); }

}  // namespace slipway::testing
