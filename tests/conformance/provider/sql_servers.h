// Real database servers of the test program's own: each in a directory of its own on a free port of the loopback,
// as an unprivileged user, started when it is first asked for and ended with the program.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "base/temporary_directory_test_support.h"
#include "domain/ports.h"

namespace slipway::testing {

class SqlServer {
  public:
    explicit SqlServer(std::string engine);
    SqlServer(const SqlServer&) = delete;
    SqlServer& operator=(const SqlServer&) = delete;
    ~SqlServer();

    // Throws where it does not start.
    void start();
    // Without a word to anybody, as a crash does.
    void kill();

    [[nodiscard]] const ServerAccess& access() const { return access_; }
    [[nodiscard]] std::string data() const { return directory_.path().string() + "/data"; }
    // Everything that it has logged, statements too.
    [[nodiscard]] std::string log() const;

  private:
    void install_postgres();
    void install_mariadb();

    TemporaryDirectory directory_;
    ServerAccess access_;
    pid_t process_ = -1;
};

// The one of this program.
SqlServer& sql_server(const std::string& engine);

}  // namespace slipway::testing
