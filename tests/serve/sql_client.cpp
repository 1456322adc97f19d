#include "sql_client.h"

#include <array>
#include <memory>

#include <libpq-fe.h>
#include <mysql.h>

namespace slipway::testing {
namespace {

constexpr unsigned kPatience = 20;  // seconds, for a login

std::optional<std::string> ask_postgres(const Login& login, const std::string& statements, std::string& why) {
    const std::string port = std::to_string(login.port);
    const std::string patience = std::to_string(kPatience);
    const std::array<const char*, 7> keys{"hostaddr",        "port", "user", "password", "dbname",
                                          "connect_timeout", nullptr};
    const std::array<const char*, 7> values{
        "127.0.0.1",      port.c_str(), login.user.c_str(), login.password.c_str(), login.database.c_str(),
        patience.c_str(), nullptr};
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdbParams(keys.data(), values.data(), 0),
                                                                  &PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        why = PQerrorMessage(connection.get());
        return std::nullopt;
    }
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statements.c_str()),
                                                               &PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        why = PQresultErrorMessage(result.get());
        return std::nullopt;
    }
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

std::optional<std::string> ask_mysql(const Login& login, const std::string& statements, std::string& why) {
    const std::unique_ptr<MYSQL, decltype(&mysql_close)> connection(mysql_init(nullptr), &mysql_close);
    mysql_options(connection.get(), MYSQL_OPT_CONNECT_TIMEOUT, &kPatience);
    if (mysql_real_connect(connection.get(), "127.0.0.1", login.user.c_str(), login.password.c_str(),
                           login.database.empty() ? nullptr : login.database.c_str(), login.port, nullptr,
                           CLIENT_MULTI_STATEMENTS) == nullptr) {
        why = mysql_error(connection.get());
        return std::nullopt;
    }
    int more = mysql_real_query(connection.get(), statements.data(), statements.size());
    std::string first;
    while (more == 0) {
        const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> result(mysql_store_result(connection.get()),
                                                                              &mysql_free_result);
        first.clear();
        if (result) {
            const MYSQL_ROW row = mysql_fetch_row(result.get());
            if (row != nullptr && row[0] != nullptr) first = row[0];
        }
        more = mysql_next_result(connection.get());
    }
    if (mysql_errno(connection.get()) == 0) return first;
    why = mysql_error(connection.get());
    return std::nullopt;
}

}  // namespace

std::optional<std::string> ask_sql(const Login& login, const std::string& statements, std::string* why) {
    std::string unread;
    std::string& reason = why != nullptr ? *why : unread;
    return login.engine == "mysql" ? ask_mysql(login, statements, reason) : ask_postgres(login, statements, reason);
}

}  // namespace slipway::testing
