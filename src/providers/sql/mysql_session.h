// One connection to a MySQL or MariaDB server, by libmariadb's non-blocking functions.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "base/task.h"
#include "providers/deadline.h"
#include "providers/sql/server_tls.h"
#include "providers/sql/sql_types.h"

namespace slipway::sql {

struct MysqlLogin {
    std::string address;  // an IP address
    std::uint16_t port = 3306;
    std::string user;
    Secret password;
    std::string database;  // empty: none
    bool tls = false;      // required
    // Over TLS, and only with who shows this certificate: nobody else is told anything.
    std::optional<Pin> pin = std::nullopt;
};

// Used from one executor only; never blocks it. One call at a time. A call that failed other than by
// refused_by_server leaves a session that is not usable any more.
class MysqlSession {
  public:
    static Task<Answer<MysqlSession>> open(MysqlLogin login, Deadline deadline);
    MysqlSession(MysqlSession&&) noexcept;
    MysqlSession& operator=(MysqlSession&&) noexcept;
    ~MysqlSession();

    // One statement that is prepared first; every ? is bound to a value as text.
    Task<Answer<Rows>> query(std::string statement, Values values, Deadline deadline);
    // One statement without values; what it answers is dropped.
    Task<Answer<void>> run(std::string statement, Deadline deadline);

    // Whether it is connected, as far as can be known without asking.
    [[nodiscard]] bool usable() const;
    [[nodiscard]] std::string version_text() const;  // "10.11.19-MariaDB-0+deb12u1"
    [[nodiscard]] bool is_mariadb() const;

  private:
    struct Connection;
    explicit MysqlSession(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connection_;
};

}  // namespace slipway::sql
