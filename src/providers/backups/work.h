// What jobs do: dumping a database into a file, and restoring one from it. Each on a thread of its own.
#pragma once

#include <chrono>

#include "providers/backups/backup_files.h"
#include "providers/backups/tools.h"
#include "providers/jobs.h"

namespace slipway::backups {

struct DumpOrder {
    Tools tools;
    DatabaseLogin login;
    BackupFiles files;
    BackupMeta meta;         // without what only the dump shows
    std::uint64_t most = 0;  // bytes; 0: no limit
    Duration limit{};
};
Finished dump(JobSide& side, const DumpOrder& order);

struct RestoreOrder {
    Tools tools;
    DatabaseLogin login;  // of the new database
    BackupFiles files;
    BackupMeta meta;
    Duration limit{};
};
Finished restore(JobSide& side, const RestoreOrder& order);

}  // namespace slipway::backups
