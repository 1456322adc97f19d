// What sessions with all kinds of SQL servers share.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::sql {

using Value = std::optional<std::string>;  // empty: NULL
using Values = std::vector<Value>;
using Rows = std::vector<Values>;

enum class Failure : std::uint8_t {
    refused,               // nobody listens there, or the address cannot be reached
    timeout,               // not done before the deadline; a statement that was sent may take effect
    starting,              // the server is starting, recovering or shutting down
    too_many_connections,  // of the server, or of this user
    denied,                // this user and password may not log in there
    lost,                  // the connection broke; a statement that was sent may have taken effect
    refused_by_server,     // the server answered with an error: the statement had no effect
    invalid,               // it was never sent: a name or value that no server would take
};

// Public: says nothing that a statement or a row held.
struct SqlError {
    Failure failure = Failure::refused_by_server;
    std::string code;  // SQLSTATE (PostgreSQL) or errno (MySQL), where the server said one
    std::string message;
};
template <class T>
using Answer = std::expected<T, SqlError>;

inline std::unexpected<SqlError> refuse(Failure failure, std::string message, std::string code = {}) {
    return std::unexpected(SqlError{failure, std::move(code), std::move(message)});
}

// Whether a statement that was answered so may have taken effect.
constexpr bool outcome_unknown(Failure failure) { return failure == Failure::timeout || failure == Failure::lost; }

// The text of a column; "" for NULL.
inline std::string text_of(const Values& row, std::size_t column) {
    return column < row.size() && row[column] ? *row[column] : std::string();
}

}  // namespace slipway::sql
