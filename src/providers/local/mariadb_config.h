// A MariaDB's configuration from a specification. Pure; holds hashes of passwords, never passwords.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "providers/local/engine.h"

namespace slipway::local {

inline constexpr std::string_view kMariadbConfigFile = "my.cnf";
inline constexpr std::string_view kMariadbLoginsFile = "users.sql";

// The statements that make the tenant's login, or give it this password: one a line.
std::vector<std::string> mariadb_tenant(std::string_view user, const Secret& password);

// Reads of the plan's parameters: "user" ("admin"), "max_connections" (10 to 5000, 100), "buffer_pool" (bytes, 8
// MiB to 1 TiB, 32 MiB). A wrong value is a permanent error that names it.
std::expected<Setup, ProviderError> mariadb_setup(const Target& target, const Spec& spec,
                                                  const std::vector<std::string>& addresses,
                                                  const sql::ServerTls& tls = {});

}  // namespace slipway::local
