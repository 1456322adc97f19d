// Backups of databases, and databases filled from them.
#pragma once

#include <string>

#include "cli/resources.h"

namespace slipway::cli {

// "" where not given.
struct BackupOptions {
    std::string of;  // the database's name or id
    std::string name, plan, billing_code;
};
struct RestoreOptions {
    std::string backup;  // its name or id
    std::string name, plan, billing_code;
};

// Bodies of requests, for those who only plan them.
json::object backup_body(const BackupOptions& options);
Outcome<json::object> restore_body(Api& api, const RestoreOptions& options);

Outcome<Exit> make_backup(Api& api, const BackupOptions& options, const WaitOptions& wait, Format format);
// Into a new database. Its plan is the one that is given, else the first of its engine.
Outcome<Exit> restore_backup(Api& api, const RestoreOptions& options, const WaitOptions& wait, Format format);

}  // namespace slipway::cli
