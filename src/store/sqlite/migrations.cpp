#include "store/sqlite/migrations.h"

#include <array>

#include <fmt/format.h>
#include <sodium.h>

namespace slipway::sqlite {
namespace {

constexpr std::string_view kTable =
    "CREATE TABLE migrations (\n"
    "    number     INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),\n"
    "    title      TEXT NOT NULL,\n"
    "    checksum   TEXT NOT NULL,\n"
    "    applied_at INTEGER NOT NULL\n"
    ") STRICT";

std::string checksum(std::string_view text) {
    std::array<unsigned char, 32> hash{};
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       nullptr, 0);
    std::string hex;
    for (const unsigned char byte : hash) hex += fmt::format("{:02x}", byte);
    return hex;
}

bool has_table(Database& database, std::string_view name) {
    return database.statement("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1").run(name).next();
}

// Makes the table of migrations in an empty file; anything else without one is not ours.
Status prepare(Database& database) {
    Transaction exclusive(database, "EXCLUSIVE");
    if (has_table(database, "migrations")) return {};
    if (database.statement("SELECT 1 FROM sqlite_schema").run().next()) {
        return fail(ErrorCode::unavailable, "the database file belongs to another program");
    }
    database.execute(kTable);
    exclusive.commit();
    return {};
}

// How many of the migrations the database has, or why it cannot be used.
Result<std::size_t> already_applied(Database& database, std::span<const Migration> migrations) {
    std::size_t count = 0;
    Cursor rows = database.statement("SELECT number, title, checksum FROM migrations ORDER BY number").run();
    while (rows.next()) {
        if (count >= migrations.size()) {
            return fail(ErrorCode::unavailable,
                        fmt::format("the database was written by a newer version of slipway (it has migration {}, "
                                    "\"{}\"; this one knows {}): use that version or a newer one",
                                    rows.integer(0), rows.text(1), migrations.size()));
        }
        const Migration& known = migrations[count];
        if (rows.integer(0) != known.number || rows.text(2) != checksum(known.sql)) {
            return fail(ErrorCode::unavailable,
                        fmt::format("migration {} of the database (\"{}\") is not the one that this version knows",
                                    rows.integer(0), rows.text(1)));
        }
        ++count;
    }
    return count;
}

void apply(Database& database, const Migration& migration, TimePoint now) {
    Transaction exclusive(database, "EXCLUSIVE");
    database.execute(migration.sql);
    const std::string sum = checksum(migration.sql);
    database.statement("INSERT INTO migrations (number, title, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)")
        .run(migration.number, migration.title, sum, now)
        .done();
    exclusive.commit();
}

}  // namespace

Status migrate(Database& database, std::span<const Migration> migrations, TimePoint now) {
    int current = 0;
    try {
        if (Status status = prepare(database); !status) return status;
        const auto applied = already_applied(database, migrations);
        if (!applied) return fail(applied.error());
        for (const Migration& migration : migrations.subspan(*applied)) {
            current = migration.number;
            apply(database, migration, now);
        }
        return {};
    } catch (const SqlFailure& failure) {
        Error error = to_error(failure);
        if (current != 0) error.message = fmt::format("migration {} failed: {}", current, error.message);
        error.code = ErrorCode::storage;
        return fail(std::move(error));
    }
}

}  // namespace slipway::sqlite
