// Operations, and what would be one: listed, waited for, cancelled, planned.
#pragma once

#include <string>

#include "cli/administration.h"
#include "cli/backups.h"
#include "cli/resources.h"

namespace slipway::cli {

struct OperationsOptions {
    std::string resource, kind, state;
    Scope scope;
    bool open = false;
    std::size_t limit = 1'000'000;
};

Outcome<Exit> list_operations(Api& api, const OperationsOptions& options, Format format);
// `name`: an operation's id, or a resource whose present operation is meant.
Outcome<Exit> wait_for(Api& api, const std::string& name, const WaitOptions& options, bool json);
Outcome<Exit> cancel(Api& api, const std::string& name, const std::string& reason, const WaitOptions& options,
                     bool json);

// What its steps told. `name`: as of wait_for(). Followed: until it has ended.
Outcome<Exit> show_log(Api& api, const std::string& name, bool follow);

// The operation that is meant by its id, or by the name of what it is about.
struct Meant {
    std::string id;         // "": nothing is under way
    json::object resource;  // where it was named
};
Outcome<Meant> operation_meant(Api& api, const std::string& name);
// What cancelling is answered where nothing is under way.
Failure nothing_to_cancel(const std::string& name);

// Dry runs: what would happen, what it would cost, and whether it would be allowed. Nothing is changed.
Outcome<Exit> plan_create(Api& api, const CreateOptions& options, bool json);
Outcome<Exit> plan_update(Api& api, const UpdateOptions& options, bool json);
Outcome<Exit> plan_removal(Api& api, const std::string& name, bool json);
Outcome<Exit> plan_backup(Api& api, const BackupOptions& options, bool json);
Outcome<Exit> plan_restore(Api& api, const RestoreOptions& options, bool json);
Outcome<Exit> plan_rotation(Api& api, const std::string& name, bool confirm, bool json);
// `name`: as of cancel().
Outcome<Exit> plan_cancel(Api& api, const std::string& name, bool json);
Outcome<Exit> plan_adoption(Api& api, const OrphanOptions& options, bool json);

}  // namespace slipway::cli
