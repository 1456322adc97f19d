// What one run of `slipway serve` is to do: command line over file, file over environment, environment over
// defaults.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/config.h"

namespace slipway {

// Looks a variable up; nullopt where it is not set. Passed in, so that tests need not change their own environment.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

struct Settings {
    Config config;
    std::filesystem::path state_dir;
    bool check_only = false;
};

// The words after "serve". Errors: invalid_argument, with everything that is wrong in `problems`.
// An error of ErrorCode::cancelled is no error: `message` is the help text that was asked for.
Result<Settings> read_settings(std::vector<std::string> words, const Environment& environment);

// Where state lives when nobody says: /var/lib/slipway for root, else below $XDG_STATE_HOME or ~/.local/state.
std::filesystem::path default_state_dir(const Environment& environment, bool root);

}  // namespace slipway
