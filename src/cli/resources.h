// Resources: looked at, made, changed, removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/listing.h"
#include "cli/output.h"
#include "cli/waiting.h"

namespace slipway::cli {

// Whose things are meant. Nothing given: what the key can see, and of resources those of the key's own
// organization.
struct Scope {
    std::string organization;
    bool everybody = false;
};

// Options as they were given; "" and empty where not. Labels are NAME=VALUE.
struct Filters {
    std::string kind, engine, plan, provider, state, billing_code, selector;
    std::string server;  // the shared one that it lives on
    std::vector<std::string> labels;
    bool gone = false;    // what is gone as well
    bool pooled = false;  // only what waits in a pool
};
struct ListOptions {
    Filters filters;
    Scope scope;
    std::size_t limit = 1'000'000;
};
struct CreateOptions {
    std::string engine, plan, kind, name, billing_code, organization;
    std::vector<std::string> labels;
    std::string expires_in;
    std::string username;       // of a machine
    std::string password_file;  // where its password is read from; "" and not from standard input: it is typed
    bool password_stdin = false;
};
struct UpdateOptions {
    std::string name;  // of the resource as it is
    std::string plan, rename;
    std::optional<std::string> billing_code;
    std::vector<std::string> labels;    // set
    std::vector<std::string> unlabels;  // taken away
    std::string expires_in;
    std::optional<std::uint64_t> if_version;
};
struct RemoveOptions {
    std::vector<std::string> names;
    std::string selector;
    Scope scope;  // of the selector
    bool yes = false;
};

Outcome<Exit> list_plans(Api& api, const std::string& engine, const std::string& kind, Format format);
Outcome<Exit> list_resources(Api& api, const ListOptions& options, Format format);
Outcome<Exit> show_resource(Api& api, const std::string& name, bool events, Format format);
Outcome<Exit> show_url(Api& api, const std::string& name, bool json);
Outcome<Exit> create_resource(Api& api, const CreateOptions& options, const WaitOptions& wait, Format format);
Outcome<Exit> update_resource(Api& api, const UpdateOptions& options, const WaitOptions& wait, Format format);
// `confirm`: ends the former password of a rotation that was begun before.
Outcome<Exit> rotate_password(Api& api, const std::string& name, bool confirm, const WaitOptions& wait,
                              Format format);
Outcome<Exit> remove_resources(Api& api, const RemoveOptions& options, const WaitOptions& wait, bool json);

// The listing that these options mean, without its columns.
Outcome<Listing> resource_listing(Api& api, const ListOptions& options);

// Bodies of requests, for those who only plan them; a machine's password is put in by who knows it (machines.h).
Outcome<json::object> create_body(const CreateOptions& options);
Outcome<json::object> update_body(const UpdateOptions& options);

// By id or name; `gone_too`: where nothing has the name now, what had it last.
Outcome<json::object> find_resource(Api& api, const std::string& name, bool gone_too = false);
// Waits for the operation of `{"resource":…,"operation":…}` and says how it ended. `done`: the word for that.
Outcome<Exit> finish_change(Api& api, json::object answer, const WaitOptions& wait, Format format,
                            std::string_view done);
// The organization to ask for, "" for all that the key can see. Errors: not everybody's is for this key.
Outcome<std::string> organization_of(Api& api, const Scope& scope);
// The same for resources; where nothing is given, the key's own.
Outcome<std::string> owner_of(Api& api, const Scope& scope);

}  // namespace slipway::cli
