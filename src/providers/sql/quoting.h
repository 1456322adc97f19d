// Names and values in statements that take no bound ones (CREATE ROLE, GRANT, …).
#pragma once

#include <string>
#include <string_view>

#include "providers/sql/sql_types.h"

namespace slipway::sql {

inline constexpr std::size_t kMostPostgresName = 63;  // bytes; longer ones would be cut off silently
inline constexpr std::size_t kMostMysqlName = 64;     // of databases
inline constexpr std::size_t kMostMysqlUser = 32;     // MySQL
inline constexpr std::size_t kMostMariadbUser = 80;   // MariaDB

// Why this cannot be a name of at most `most` bytes, or "": it is empty, too long, holds NUL or is not UTF-8.
std::string wrong_name(std::string_view name, std::size_t most);

// "na""me". The name has to be right.
std::string postgres_name(std::string_view name);
// 'va''lue', whatever standard_conforming_strings says. Without NUL.
std::string postgres_text(std::string_view text);

// `na``me`. The name has to be right.
std::string mysql_name(std::string_view name);
// A database in GRANT, where % and _ are wildcards unless a backslash stands before them.
std::string mysql_grant_database(std::string_view name);
// Why this database cannot be named in GRANT, or "": with its backslashes it is longer than the server's column.
std::string wrong_grant_database(std::string_view name);

// The user that is made for a name which is longer than `most`: its first 23 characters, '-' and the first 8
// hexadecimal digits of its SHA-256. Names that are short enough are their own.
std::string mysql_user(std::string_view name, std::size_t most);

}  // namespace slipway::sql
