// What may be wrong with this machine and with the server on it. Starts no service and changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/api.h"

namespace slipway::cli {

enum class Severity : std::uint8_t { ok, warning, problem };
std::string_view to_string(Severity severity);

struct Finding {
    std::string check;
    Severity severity = Severity::ok;
    std::string message;
    std::string fix;  // "" where nothing is to be done
};

// Checks that need no server.
Finding check_redis(const std::string& search_path);
Finding check_names();
Finding check_ipv6();
Finding check_open_files();
Finding check_privileges(bool root);
// Permissions, free space and the time an fsync takes.
std::vector<Finding> check_state_dir(const std::string& path);

Outcome<Exit> doctor(Api& api, const std::string& state_dir, bool json);

}  // namespace slipway::cli
