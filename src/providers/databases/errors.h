// How what servers refuse is treated by who asked.
#pragma once

#include <string>
#include <string_view>

#include "domain/provider_types.h"
#include "providers/sql/sql_types.h"

namespace slipway::databases {

ProviderError permanent(std::string_view message);
ProviderError transient(std::string_view message);
// `touched`: something may have been changed, by this statement or an earlier one of the same call.
ProviderError error_of(const sql::SqlError& error, bool touched);

}  // namespace slipway::databases
