// The commands that ask a server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/api.h"

namespace slipway::cli {

// Options as they were given; "" and empty where not.
struct ListOptions {
    std::string kind, engine, plan, state, billing_code;
    std::vector<std::string> labels;  // KEY=VALUE
    bool gone = false;                // what is gone as well
    std::size_t limit = 1000;
};
struct OperationsOptions {
    std::string resource, kind, state;
    bool open = false;
    std::size_t limit = 1000;
};
struct WaitOptions {
    bool wait = true;
    std::uint32_t timeout = 900;  // seconds
};
struct SweepOptions {
    bool remove = false;
    std::optional<std::uint32_t> grace;  // seconds
};

// Each prints what it found and answers how the process ends. `json`: the server's answer instead of a table.
Outcome<Exit> list_resources(Api& api, const ListOptions& options, bool json);
Outcome<Exit> show_resource(Api& api, const std::string& name, bool events, bool json);
Outcome<Exit> remove_resources(Api& api, const std::vector<std::string>& names, const WaitOptions& options,
                               bool json);
Outcome<Exit> list_operations(Api& api, const OperationsOptions& options, bool json);
// `name`: an operation's id, or a resource whose present operation is meant.
Outcome<Exit> wait_for(Api& api, const std::string& name, const WaitOptions& options, bool json);
Outcome<Exit> cancel(Api& api, const std::string& id, const std::string& reason, const WaitOptions& options,
                     bool json);
Outcome<Exit> sweep(Api& api, const SweepOptions& options, bool json);

// Waits until the operation has ended, showing progress; the operation as it was last seen.
Outcome<json::object> await_operation(Api& api, const std::string& id, const WaitOptions& options);

}  // namespace slipway::cli
