#include "store/sqlite/database.h"

#include <fmt/format.h>

namespace slipway::sqlite {
namespace {

// How long a statement waits for a lock: only a checkpoint or the end of another process can hold one.
constexpr int kBusyTimeoutMillis = 5000;

[[noreturn]] void raise(sqlite3* database, int code) {
    throw SqlFailure{sqlite3_extended_errcode(database) != SQLITE_OK ? sqlite3_extended_errcode(database) : code,
                     sqlite3_errmsg(database)};
}

}  // namespace

bool SqlFailure::of_storage() const {
    switch (primary()) {
        case SQLITE_IOERR:
        case SQLITE_FULL:
        case SQLITE_READONLY:
        case SQLITE_CORRUPT:
        case SQLITE_CANTOPEN:
        case SQLITE_NOTADB:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_NOMEM: return true;
        default: return false;
    }
}

Error to_error(const SqlFailure& failure) {
    std::string message;
    switch (failure.primary()) {
        case SQLITE_FULL: message = "the store's disk is full; nothing was stored"; break;
        case SQLITE_READONLY: message = "the store's files are read-only; nothing was stored"; break;
        case SQLITE_IOERR: message = "the store's disk reported an input/output error"; break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: message = "the store's database file is damaged"; break;
        case SQLITE_CANTOPEN: message = "the store's database file cannot be opened"; break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: message = "the store's database is locked by another program"; break;
        case SQLITE_NOMEM: message = "the store has no memory left"; break;
        case SQLITE_CONSTRAINT:
            return {ErrorCode::invalid_argument, "the store's rules forbid this", failure.message, {}};
        default: message = "the store failed"; break;
    }
    return {
        ErrorCode::storage, std::move(message), fmt::format("SQLite {}: {}", failure.code, failure.message), {}};
}

Cursor::~Cursor() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

bool Cursor::next() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    raise(sqlite3_db_handle(statement_), code);
}

std::string_view Cursor::text(int column) const {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (start == nullptr) return {};
    return {start, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Cursor::check(int code) const {
    if (code != SQLITE_OK) raise(sqlite3_db_handle(statement_), code);
}

void Cursor::bind(int index, std::int64_t value) { check(sqlite3_bind_int64(statement_, index, value)); }

void Cursor::bind(int index, std::string_view value) {
    // A null pointer would bind NULL.
    const char* data = value.data() != nullptr ? value.data() : "";
    check(sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Cursor::bind(int index, NullIfEmpty value) {
    if (value.text.empty()) {
        check(sqlite3_bind_null(statement_, index));
    } else {
        bind(index, value.text);
    }
}

void Cursor::bind(int index, std::optional<std::int64_t> value) {
    if (value) {
        bind(index, *value);
    } else {
        check(sqlite3_bind_null(statement_, index));
    }
}

void Cursor::bind(int index, std::optional<std::string_view> value) {
    if (value) {
        bind(index, *value);
    } else {
        check(sqlite3_bind_null(statement_, index));
    }
}

Statement::Statement(sqlite3* database, std::string_view sql) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (code != SQLITE_OK) raise(database, code);
    handle_.reset(made);
}

Database::Database(const Open& open) {
    sqlite3* made = nullptr;
    const int flags = (open.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code =
        sqlite3_open_v2(open.path.c_str(), &made, flags, open.vfs.empty() ? nullptr : open.vfs.c_str());
    handle_.reset(made);
    if (code != SQLITE_OK) {
        throw SqlFailure{code, made != nullptr ? sqlite3_errmsg(made) : sqlite3_errstr(code)};
    }
    sqlite3_busy_timeout(made, kBusyTimeoutMillis);
}

void Database::execute(std::string_view sql) {
    const std::string text(sql);
    const int code = sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) raise(handle_.get(), code);
}

Statement& Database::statement(std::string_view sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second;
    return statements_.emplace(std::string(sql), Statement(handle_.get(), sql)).first->second;
}

Transaction::Transaction(Database& database, std::string_view mode) : database_(database) {
    database_.execute(fmt::format("BEGIN {}", mode));
}

Transaction::~Transaction() {
    if (!database_.in_transaction()) return;
    // Failing is possible only where SQLite has rolled back by itself.
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() { database_.statement("COMMIT").run().done(); }

}  // namespace slipway::sqlite
