#include "providers/backups/tenant_session.h"

#include <cstdlib>

#include "providers/provider_error.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"

namespace slipway::backups {
namespace {

std::uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

Task<sql::Answer<Measured>> measure_postgres(const DatabaseLogin& login, std::optional<sql::Pin> pin,
                                             Deadline deadline) {
    auto session = co_await sql::PostgresSession::open({.address = login.address,
                                                        .port = login.port,
                                                        .user = login.user,
                                                        .password = login.password,
                                                        .database = login.name,
                                                        .pin = std::move(pin)},
                                                       deadline);
    if (!session) co_return std::unexpected(session.error());
    const auto rows = co_await session->query("SELECT pg_database_size(current_database())", {}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    co_return Measured{rows->empty() ? 0 : number(sql::text_of(rows->front(), 0)), session->version_text()};
}

Task<sql::Answer<Measured>> measure_mysql(const DatabaseLogin& login, std::optional<sql::Pin> pin,
                                          Deadline deadline) {
    auto session = co_await sql::MysqlSession::open({.address = login.address,
                                                     .port = login.port,
                                                     .user = login.user,
                                                     .password = login.password,
                                                     .database = login.name,
                                                     .pin = std::move(pin)},
                                                    deadline);
    if (!session) co_return std::unexpected(session.error());
    const auto rows = co_await session->query(
        "SELECT CAST(COALESCE(SUM(DATA_LENGTH), 0) AS CHAR) FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = DATABASE()",
        {}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    const std::string version = session->version_text();
    co_return Measured{rows->empty() ? 0 : number(sql::text_of(rows->front(), 0)),
                       version.substr(0, version.find('-'))};
}

}  // namespace

Task<sql::Answer<Measured>> measure(DatabaseLogin login, std::optional<sql::Pin> pin, Deadline deadline) {
    if (login.engine == "mysql") co_return co_await measure_mysql(login, std::move(pin), deadline);
    co_return co_await measure_postgres(login, std::move(pin), deadline);
}

ProviderError error_of(const sql::SqlError& error) {
    switch (error.failure) {
        case sql::Failure::refused:
        case sql::Failure::starting:
        case sql::Failure::too_many_connections:
            return provider_error(ErrorClass::transient, error.message, error.code);
        case sql::Failure::timeout:
        case sql::Failure::lost: return provider_error(ErrorClass::unknown_outcome, error.message, error.code);
        // Its password may be changing just now.
        case sql::Failure::denied:
            return provider_error(ErrorClass::transient, "its login was refused", error.code);
        case sql::Failure::invalid: return provider_error(ErrorClass::permanent, error.message, error.code);
        case sql::Failure::refused_by_server: break;
    }
    return provider_error(ErrorClass::transient, "its server refused a statement", error.code);
}

}  // namespace slipway::backups
