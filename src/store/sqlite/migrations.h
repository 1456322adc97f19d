// Numbered migrations: forwards only, each in a transaction of its own, recorded with its checksum.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/sqlite/database.h"

namespace slipway::sqlite {

struct Migration {
    int number = 0;  // from 1, without gaps
    std::string_view title;
    std::string_view sql;
};

// Those in schema/sqlite, in their order.
std::span<const Migration> embedded_migrations();

// Brings the database up to date. ErrorCode::unavailable, with nothing changed, for a database that a newer
// program wrote, one whose migrations are not those known here, or one that is not ours at all. A migration that
// fails leaves the database as it was before it.
Status migrate(Database& database, std::span<const Migration> migrations, TimePoint now);

}  // namespace slipway::sqlite
