// Which server, with which key.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/secret.h"
#include "cli/environment.h"

namespace slipway::cli {

// As given on the command line; "" where not.
struct CommonOptions {
    std::string server;
    std::string ca_file;
    std::string key_file;
    std::string state_dir;
    bool json = false;
};

struct Settings {
    net::Origin origin;
    Secret key;                                    // empty: none was found
    std::string key_source;                        // where it came from, or where was looked, in words
    std::shared_ptr<const net::Trust> trust = {};  // of https: whose certificates are believed
};

// --state-dir, else /var/lib/slipway for root, else $XDG_STATE_HOME/slipway or ~/.local/state/slipway.
std::string state_dir(const CommonOptions& options, const Environment& environment);

// The server: --server, SLIPWAY_URL, http://127.0.0.1:3000. The authority behind https: --ca-file, SLIPWAY_CA_FILE,
// those of this machine. The key: --key-file, SLIPWAY_KEY, SLIPWAY_KEY_FILE, admin.key in the state directory where
// it can be read. A file that was named and cannot be read is an error.
Result<Settings> settings_of(const CommonOptions& options, const Environment& environment);

}  // namespace slipway::cli
