// One connection to a PostgreSQL server, by libpq's non-blocking functions.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "base/task.h"
#include "providers/deadline.h"
#include "providers/sql/server_tls.h"
#include "providers/sql/sql_types.h"

namespace slipway::sql {

struct PostgresLogin {
    std::string address;  // an IP address
    std::uint16_t port = 5432;
    std::string user;
    Secret password;
    std::string database;
    std::string tls = "disable";  // libpq's sslmode
    // Over TLS, whatever `tls` says, and only with who shows this certificate and proves, bound to that very
    // connection, that it has this user's verifier: nobody who merely has the port is told anything.
    std::optional<Pin> pin = std::nullopt;
};

// Used from one executor only; never blocks it. One call at a time. A call that failed other than by
// refused_by_server leaves a session that is not usable any more.
class PostgresSession {
  public:
    static Task<Answer<PostgresSession>> open(PostgresLogin login, Deadline deadline);
    PostgresSession(PostgresSession&&) noexcept;
    PostgresSession& operator=(PostgresSession&&) noexcept;
    ~PostgresSession();

    // One statement; $1, $2, … are bound to the values as text.
    Task<Answer<Rows>> query(std::string statement, Values values, Deadline deadline);
    // Several statements, in one transaction where they do not say otherwise; what they answer is dropped.
    Task<Answer<void>> run(std::string statements, Deadline deadline);

    // Whether it is connected, as far as can be known without asking, and in no transaction.
    [[nodiscard]] bool usable() const;
    [[nodiscard]] int version() const;               // 150018
    [[nodiscard]] std::string version_text() const;  // "15.18"

  private:
    struct Connection;
    explicit PostgresSession(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connection_;
};

}  // namespace slipway::sql
