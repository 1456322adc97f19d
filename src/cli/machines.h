// Machines: listed by their addresses, and logged in to.
#pragma once

#include <string>
#include <vector>

#include "cli/resources.h"

namespace slipway::cli {

struct SshOptions {
    std::string name;                  // of the machine, or its id
    std::string user;                  // "": the login that it was made with
    std::vector<std::string> command;  // none: a shell
};

Outcome<Exit> list_machines(Api& api, const ListOptions& options, Format format);
// Becomes ssh, and comes back only where it cannot.
Outcome<Exit> log_in(Api& api, const SshOptions& options);

// The password of a machine that is to be made, put into the request: from standard input or a file as the options
// say, else asked for. Nothing where no username was given.
Outcome<void> add_password(Environment& environment, const CreateOptions& options, json::object& body);
// The same for who only plans: nobody is asked, and what is not given is made up.
Outcome<void> add_password_to_plan(Environment& environment, const CreateOptions& options, json::object& body);

}  // namespace slipway::cli
