// The provider of databases with a real server, and sessions of the test's own to look around in.
#pragma once

#include "providers/databases/databases_provider.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"
#include "sql_servers.h"
#include "subject.h"

namespace slipway::testing {

// Servers as a test says.
class GivenServers final : public DatabaseServers {
  public:
    Task<Result<std::optional<ServerAccess>>> find(ResourceId server) override {
        if (failure) co_return fail(*failure, "not now");
        for (const ServerAccess& each : servers) {
            if (each.server == server) co_return each;
        }
        co_return std::nullopt;
    }
    Task<Result<std::vector<ServerAccess>>> all() override {
        if (failure) co_return fail(*failure, "not now");
        co_return servers;
    }

    std::vector<ServerAccess> servers;
    std::optional<ErrorCode> failure;
};

class DatabasesSubject final : public Subject {
  public:
    explicit DatabasesSubject(const std::string& engine);
    ~DatabasesSubject() override;

    void crash() override;
    Provider& provider() override { return *provider_; }
    Spec spec() override;
    std::string picture() override;
    std::string identity(const std::string& name) override;
    void plant_foreign(const std::string& name) override;
    void unplant_foreign(const std::string& name) override;
    void make_stop(const std::string& name) override;
    std::vector<std::string> leftovers() override;
    [[nodiscard]] bool tells_of_stops() const override { return false; }

    SqlServer& server() { return server_; }
    GivenServers& servers() { return servers_; }
    // One statement as this user; the rows as text: columns by "|", rows by "\n". "error CODE" where it failed,
    // "login CODE" where the login did.
    std::string ask(const std::string& user, const std::string& password, const std::string& database,
                    const std::string& statement);
    std::string as_admin(const std::string& statement, const std::string& database = "");

  private:
    [[nodiscard]] bool mysql() const { return server_.access().engine == "mysql"; }
    void clear();

    SqlServer& server_;
    GivenServers servers_;
    std::unique_ptr<databases::DatabasesProvider> provider_;
    std::unique_ptr<databases::DatabasesProvider> other_;  // of another installation
};

}  // namespace slipway::testing
