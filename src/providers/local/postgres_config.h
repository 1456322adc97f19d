// A PostgreSQL's configuration from a specification. Pure; holds verifiers of passwords, never passwords.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "providers/local/engine.h"

namespace slipway::local {

inline constexpr std::string_view kPostgresConfigFile = "postgresql.conf";
inline constexpr std::string_view kPostgresAccessFile = "pg_hba.conf";
// A setting of ours in the server's configuration, by which it says itself how it was configured.
inline constexpr std::string_view kPostgresTlsSetting = "slipway.tls";

// Connections beside those of the plan, which only Slipway's own login gets.
inline constexpr std::int64_t kReservedConnections = 5;

// The same for the same password in the same instance.
std::string postgres_verifier(const Secret& password, std::string_view salt, std::string_view role);

// Reads of the plan's parameters: "user" ("admin"), "max_connections" (10 to 5000, 100), "shared_buffers" (bytes, 1
// MiB to 1 TiB, 32 MiB). A wrong value is a permanent error that names it.
std::expected<Setup, ProviderError> postgres_setup(const Target& target, const Spec& spec,
                                                   const std::vector<std::string>& addresses,
                                                   const sql::ServerTls& tls = {});

}  // namespace slipway::local
