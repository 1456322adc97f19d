// A look into a tenant's database with its own login, before a program of the engine's gets it.
#pragma once

#include <expected>
#include <string>

#include "domain/ports.h"
#include "domain/provider_types.h"
#include "providers/deadline.h"
#include "providers/sql/server_tls.h"
#include "providers/sql/sql_types.h"

namespace slipway::backups {

struct Measured {
    std::uint64_t bytes = 0;     // about so much data
    std::string engine_version;  // of its server: "15.18"
};
// `pin`: the certificate that its server has to show; none: it speaks without TLS.
Task<sql::Answer<Measured>> measure(DatabaseLogin login, std::optional<sql::Pin> pin, Deadline deadline);

// How a call that met this error is answered.
ProviderError error_of(const sql::SqlError& error);

}  // namespace slipway::backups
