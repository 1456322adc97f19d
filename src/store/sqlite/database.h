// A connection to SQLite and its prepared statements. Inside this folder a failure of SQLite is an exception,
// SqlFailure, so that the code reads as what it does; the store's functions turn it into an Error.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/result.h"

namespace slipway::sqlite {

struct SqlFailure {
    int code = SQLITE_ERROR;  // extended
    std::string message;
    [[nodiscard]] int primary() const { return code & 0xff; }
    // The disk or the file, rather than a mistake in a statement.
    [[nodiscard]] bool of_storage() const;
};
// In words for people: "the disk is full", …
Error to_error(const SqlFailure& failure);

// Binds NULL in place of an empty text.
struct NullIfEmpty {
    std::string_view text;
};

// One execution: from binding to the last row. Resets its statement when it goes. Texts that were bound must
// live as long as it does.
class Cursor {
  public:
    explicit Cursor(sqlite3_stmt* statement) : statement_(statement) {}
    Cursor(Cursor&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    Cursor& operator=(Cursor&&) = delete;
    ~Cursor();

    bool next();                   // true: there is a row
    void done() { (void)next(); }  // for statements without rows
    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
    [[nodiscard]] std::uint64_t natural(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    [[nodiscard]] TimePoint time(int column) const { return from_micros(integer(column)); }
    [[nodiscard]] bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    // Valid until the next step; empty for NULL.
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string string(int column) const { return std::string(text(column)); }

    void bind(int index, std::int64_t value);
    void bind(int index, std::string_view value);
    void bind(int index, NullIfEmpty value);
    void bind(int index, std::optional<std::int64_t> value);
    void bind(int index, std::optional<std::string_view> value);

  private:
    void check(int code) const;
    sqlite3_stmt* statement_;
};

class Statement {
  public:
    Statement(sqlite3* database, std::string_view sql);
    // Binds the values to ?1, ?2, … in their order.
    template <class... Values>
    Cursor run(const Values&... values) {
        Cursor cursor(handle_.get());
        int index = 0;
        (bind(cursor, ++index, values), ...);
        return cursor;
    }

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    template <class Value>
    static void bind(Cursor& cursor, int index, const Value& value) {
        if constexpr (std::integral<Value>) {
            cursor.bind(index, static_cast<std::int64_t>(value));
        } else if constexpr (std::same_as<Value, TimePoint>) {
            cursor.bind(index, to_micros(value));
        } else if constexpr (std::same_as<Value, std::optional<TimePoint>>) {
            cursor.bind(index, value ? std::optional(to_micros(*value)) : std::nullopt);
        } else if constexpr (std::convertible_to<const Value&, std::string_view>) {
            cursor.bind(index, std::string_view(value));
        } else {
            cursor.bind(index, value);
        }
    }
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Not thread-safe: one thread at a time.
class Database {
  public:
    struct Open {
        std::string path;
        std::string vfs;  // empty: SQLite's default
        bool read_only = false;
    };
    explicit Database(const Open& open);

    void execute(std::string_view sql);  // any number of statements, without values
    // Prepared once and kept. `sql` is the key: keep the number of different texts bounded.
    Statement& statement(std::string_view sql);
    [[nodiscard]] std::size_t statements() const { return statements_.size(); }
    [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
    // Whether a transaction is open.
    [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

  private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, Close> handle_;
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, Statement, Hash, std::equal_to<>> statements_;
};

// Rolls back when it goes without having been committed.
class Transaction {
  public:
    // `mode` is IMMEDIATE or EXCLUSIVE.
    Transaction(Database& database, std::string_view mode);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    void commit();

  private:
    Database& database_;
};

}  // namespace slipway::sqlite
