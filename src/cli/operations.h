// Operations, and what would be one: listed, waited for, cancelled, planned.
#pragma once

#include <string>

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

// Dry runs: what would happen, what it would cost, and whether it would be allowed. Nothing is changed.
Outcome<Exit> plan_create(Api& api, const CreateOptions& options, bool json);
Outcome<Exit> plan_update(Api& api, const UpdateOptions& options, bool json);
Outcome<Exit> plan_removal(Api& api, const std::string& name, bool json);

}  // namespace slipway::cli
