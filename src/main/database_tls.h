// The certificate that database servers of ours are given.
#pragma once

#include "main/config.h"
#include "providers/sql/server_tls.h"

namespace slipway {

// Reads and checks both files, in the same way as the server's own. Errors: invalid_argument, forbidden (others may
// read the key); they name the file.
Result<sql::ServerTls> load_database_tls(const DatabasesConfig& config);
// Errors: invalid_argument (it has expired, or begins later; or it cannot be read).
Status valid_now(const DatabasesConfig& config, TimePoint now);

}  // namespace slipway
