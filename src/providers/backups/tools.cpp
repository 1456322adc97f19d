#include "providers/backups/tools.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

namespace slipway::backups {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kPrograms{"/usr/local/bin", "/usr/bin", "/bin"};
constexpr const char* kPostgresVersions = "/usr/lib/postgresql";

fs::path program(std::string_view name) {
    for (const std::string_view directory : kPrograms) {
        fs::path path = fs::path(directory) / name;
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

// Debian's own pg_dump is a script that chooses one of these; without it the newest is chosen here.
fs::path newest_postgres() {
    fs::path newest;
    int highest = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(kPostgresVersions, error)) {
        const std::string name = entry.path().filename().string();
        int version = 0;
        std::from_chars(name.data(), name.data() + name.size(), version);
        const fs::path programs = entry.path() / "bin";
        if (version <= highest || ::access((programs / "pg_dump").c_str(), X_OK) != 0) continue;
        highest = version;
        newest = programs;
    }
    return newest;
}

std::vector<std::string> plain_environment() {
    return {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"};
}

// All of the login in variables: an argument is shown to everybody on the machine.
Invocation postgres(const fs::path& path, const DatabaseLogin& login) {
    Invocation what;
    what.words = {path.string(), "--no-password"};
    what.environment = plain_environment();
    for (const auto& [name, value] :
         std::initializer_list<std::pair<const char*, std::string>>{{"PGHOST", login.address},
                                                                    {"PGPORT", std::to_string(login.port)},
                                                                    {"PGUSER", login.user},
                                                                    {"PGDATABASE", login.name},
                                                                    {"PGSSLMODE", login.tls},
                                                                    {"PGPASSFILE", "/dev/null"},
                                                                    {"PGSERVICEFILE", "/dev/null"},
                                                                    {"PGCONNECT_TIMEOUT", "10"},
                                                                    {"PGAPPNAME", "slipway"}}) {
        if (!value.empty()) what.environment.push_back(fmt::format("{}={}", name, value));
    }
    what.password_name = "PGPASSWORD";
    what.password = login.password;
    return what;
}

Invocation mysql(const fs::path& path, const DatabaseLogin& login, const std::vector<std::string>& rest) {
    Invocation what;
    what.words = {path.string(),
                  "--no-defaults",
                  "--protocol=tcp",
                  "--host=" + login.address,
                  fmt::format("--port={}", login.port),
                  "--user=" + login.user,
                  "--default-character-set=utf8mb4",
                  "--max-allowed-packet=1G"};
    if (!login.tls.empty() && login.tls != "disable") what.words.emplace_back("--ssl");
    what.words.insert(what.words.end(), rest.begin(), rest.end());
    what.words.emplace_back("--");
    what.words.push_back(login.name);
    what.environment = plain_environment();
    what.password_name = "MYSQL_PWD";
    what.password = login.password;
    return what;
}

struct Meaning {
    std::string_view sign;
    bool later;
    std::string_view words;
};
// The first that fits. What the programs say themselves is shown to nobody: it holds names and values of tenants.
constexpr std::array<Meaning, 22> kMeanings{{
    {"server version mismatch", false, "the server is newer than the programs here: install newer ones"},
    {"No space left on device", true, "a disk is full"},
    {"password authentication failed", false, "the login was refused"},
    {"Access denied for user", false, "the login or a right of it was refused"},
    {"too many connections", true, "all connections of its user are taken"},
    {"max_user_connections", true, "all connections of its user are taken"},
    {"remaining connection slots", true, "all connections of its server are taken"},
    {"canceling statement due to lock timeout", true, "something in the database is locked"},
    {"Lock wait timeout", true, "something in the database is locked"},
    {"row-level security", false,
     "row-level security is forced on a table, so that not even its owner sees all of it"},
    {"could not connect", true, "its server does not answer"},
    {"Connection refused", true, "its server does not answer"},
    {"Can't connect", true, "its server does not answer"},
    {"server closed the connection", true, "its server ended the connection"},
    {"Lost connection", true, "its server ended the connection"},
    {"terminating connection", true, "its server ended the connection"},
    {"has gone away", true, "its server ended the connection"},
    {"the database system is", true, "its server is starting or shutting down"},
    {"permission denied", false, "its user lacks a right that this takes"},
    {"must be owner", false, "its user lacks a right that this takes"},
    {"must be superuser", false, "its user lacks a right that this takes"},
    {"is not available", false, "its server lacks an extension or a part that this takes"},
}};

}  // namespace

Tools find_tools() {
    Tools tools;
    if (const fs::path programs = newest_postgres(); !programs.empty()) {
        tools.pg_dump = programs / "pg_dump";
        tools.pg_restore = programs / "pg_restore";
    } else {
        tools.pg_dump = program("pg_dump");
        tools.pg_restore = program("pg_restore");
    }
    tools.mariadb_dump = program("mariadb-dump");
    tools.mariadb = program("mariadb");
    return tools;
}

Status usable(const Tools& tools, std::string_view engine) {
    const bool mysql_engine = engine == "mysql";
    if (mysql_engine ? !tools.mariadb_dump.empty() && !tools.mariadb.empty()
                     : !tools.pg_dump.empty() && !tools.pg_restore.empty()) {
        return {};
    }
    return fail(ErrorCode::unavailable,
                mysql_engine
                    ? "backups of MariaDB need mariadb-dump and mariadb (apt-get install mariadb-client)"
                    : "backups of PostgreSQL need pg_dump and pg_restore (apt-get install postgresql-client)");
}

Invocation dump_of(const Tools& tools, const DatabaseLogin& login) {
    if (login.engine == "mysql") {
        return mysql(tools.mariadb_dump, login,
                     {"--single-transaction", "--quick", "--no-tablespaces", "--routines", "--triggers", "--events",
                      "--hex-blob", "--skip-comments"});
    }
    Invocation what = postgres(tools.pg_dump, login);
    for (const char* each :
         {"--format=custom", "--compress=1", "--no-owner", "--no-acl", "--lock-wait-timeout=60000"}) {
        what.words.emplace_back(each);
    }
    return what;
}

Invocation contents_of(const Tools& tools) {
    Invocation what;
    what.words = {tools.pg_restore.string(), "--list"};
    what.environment = plain_environment();
    return what;
}

Invocation restore_into(const Tools& tools, const DatabaseLogin& login, const fs::path& list) {
    if (login.engine == "mysql") {
        // No command of the client's own is read from a dump: only statements, and DELIMITER.
        return mysql(tools.mariadb, login,
                     {"--connect-timeout=10", "--batch", "--silent", "--binary-mode", "--sandbox",
                      "--skip-reconnect", "--no-auto-rehash"});
    }
    Invocation what = postgres(tools.pg_restore, login);
    for (const std::string& each :
         {std::string("--format=custom"), std::string("--no-owner"), std::string("--no-acl"),
          std::string("--exit-on-error"), std::string("--single-transaction"), "--use-list=" + list.string(),
          // The name comes from PGDATABASE.
          std::string("--dbname=")}) {
        what.words.push_back(each);
    }
    return what;
}

std::string restorable(std::string_view contents) {
    // "3; 2615 16384 SCHEMA - public tenant", "3450; 0 0 COMMENT - EXTENSION hstore", ";" begins a comment.
    constexpr std::array<std::string_view, 3> kLeftOut{" COMMENT - EXTENSION ", " SCHEMA - public ",
                                                       " COMMENT - SCHEMA public "};
    std::string kept;
    while (!contents.empty()) {
        const std::size_t end = std::min(contents.find('\n'), contents.size() - 1);
        const std::string_view line = contents.substr(0, end + 1);
        contents.remove_prefix(end + 1);
        // Names of a tenant's may hold these words: only what stands where the kind of an entry does counts.
        std::size_t at = line.find(' ');
        for (int word = 1; word < 3 && at != std::string_view::npos; ++word) at = line.find(' ', at + 1);
        const std::string_view entry = at == std::string_view::npos ? std::string_view() : line.substr(at);
        if (std::ranges::none_of(kLeftOut, [&](std::string_view each) { return entry.starts_with(each); })) {
            kept += line;
        }
    }
    return kept;
}

Reason reason_of(const Ended& ended, std::string_view what) {
    switch (ended.how) {
        case Ended::How::not_started: return {true, ended.why};
        case Ended::How::stopped: return {true, fmt::format("{} was stopped", what)};
        case Ended::How::late: return {false, fmt::format("{} took longer than is allowed", what)};
        case Ended::How::refused: return {false, fmt::format("{} was given up", what)};
        case Ended::How::exited: break;
    }
    for (const Meaning& each : kMeanings) {
        if (ended.complaints.find(each.sign) != std::string::npos) {
            return {each.later, fmt::format("{} failed: {}", what, each.words)};
        }
    }
    if (ended.status < 0) return {true, fmt::format("{} was ended from outside", what)};
    return {false, fmt::format("{} failed (status {})", what, ended.status)};
}

}  // namespace slipway::backups
