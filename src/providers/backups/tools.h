// The engines' own programs for dumps: where they are, how they are called, and what their complaints mean.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "domain/ports.h"

namespace slipway::backups {

// Empty paths: it is not there.
struct Tools {
    std::filesystem::path pg_dump;
    std::filesystem::path pg_restore;
    std::filesystem::path mariadb_dump;
    std::filesystem::path mariadb;
};

// In the directories of the system's packages: of several PostgreSQLs the newest, whose programs know all older
// servers.
Tools find_tools();
// ErrorCode::unavailable, with what has to be installed.
Status usable(const Tools& tools, std::string_view engine);

// Everything that the tenant's own login can see of its database, to standard output.
Invocation dump_of(const Tools& tools, const DatabaseLogin& login);
// What the archive on standard input holds, one entry a line.
Invocation contents_of(const Tools& tools);
// The dump on standard input into an empty database. `list`: of what PostgreSQL's archive holds, the entries that
// are restored.
Invocation restore_into(const Tools& tools, const DatabaseLogin& login, const std::filesystem::path& list);

// Of the contents of an archive those that a tenant may restore: not what belongs to extensions, which only who
// made them may change, nor the schema "public", which is there.
std::string restorable(std::string_view contents);

// Why it ended so, in words that hold nothing of a tenant's data, and whether it may work later.
struct Reason {
    bool later = false;
    std::string words;
};
Reason reason_of(const Ended& ended, std::string_view what);

}  // namespace slipway::backups
