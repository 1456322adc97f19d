// A command in a machine, by a login of its owner's.
#pragma once

#include <string>

namespace slipway::testing {

// What it printed; "failed: …" where there was no login or the command did not end well.
std::string in_machine(const std::string& address, const std::string& user, const std::string& password,
                       const std::string& command);

}  // namespace slipway::testing
