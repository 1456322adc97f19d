#include "providers/local/engine.h"
#include "providers/local/mariadb_config.h"
#include "providers/local/parameters.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/verifier.h"

namespace slipway::local {
namespace {

Login login_of(sql::Failure failure) {
    switch (failure) {
        // It recovers its data before it listens, however long that takes.
        case sql::Failure::refused:
        case sql::Failure::starting: return Login::loading;
        case sql::Failure::too_many_connections: return Login::strained;
        case sql::Failure::denied:
        case sql::Failure::invalid: return Login::denied;
        case sql::Failure::timeout:
        case sql::Failure::lost:
        case sql::Failure::refused_by_server: return Login::silent;
    }
    return Login::silent;
}

Task<sql::Answer<sql::MysqlSession>> open_as(const Contact& contact, std::string user, Secret password,
                                             Deadline deadline) {
    sql::MysqlLogin login;
    login.address = contact.address;
    login.port = contact.port;
    login.user = std::move(user);
    login.password = std::move(password);
    return sql::MysqlSession::open(std::move(login), deadline);
}

Task<sql::Answer<sql::MysqlSession>> manage(const Contact& contact, const Spec& spec, Deadline deadline) {
    return open_as(contact, std::string(agent::kManagementRole), secret_of(spec, "management_password"), deadline);
}

// "10.11.19" of "10.11.19-MariaDB-0+deb12u1".
std::string version_of(const sql::MysqlSession& session) {
    const std::string text = session.version_text();
    return text.substr(0, text.find('-'));
}

class MariadbEngine final : public Engine {
  public:
    [[nodiscard]] const EngineFacts& facts() const override { return facts_; }

    [[nodiscard]] std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const override {
        return mariadb_setup(target, spec, addresses);
    }

    Task<Greeting> log_in(Contact contact, const Spec& spec, const Setup* tenant, Deadline deadline) const override;
    Task<bool> apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const override;

  private:
    const EngineFacts facts_{.kind = Kind::database_server,
                             .name = "mysql",
                             .scheme = "mysql",
                             .program = "mariadbd",
                             .package = "mariadb-server-core",
                             .secrets = {"management_password"},
                             .keeps_data = true,
                             .log_holds_client_data = true,
                             .administrator = std::string(agent::kManagementRole),
                             .gently = agent::Signal::terminate,
                             .end_time = std::chrono::seconds(10),
                             // A login reads and computes, beside everything that tenants do.
                             .patience = std::chrono::seconds(5)};
};

// Who lets us in may be anybody: that protocol proves the client alone. Who also has the hash of our password,
// which never leaves this engine, is this engine.
Task<Greeting> MariadbEngine::log_in(Contact contact, const Spec& spec, const Setup* tenant,
                                     Deadline deadline) const {
    auto session = co_await manage(contact, spec, deadline);
    if (!session) co_return login_of(session.error().failure);
    const auto kept = co_await session->query(
        "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = ? AND Host = ?",
        {std::string(agent::kManagementRole), "127.0.0.1"}, deadline);
    if (!kept) co_return login_of(kept.error().failure);
    const std::string expected = sql::mysql_native_hash(secret_of(spec, "management_password"));
    if (kept->empty() || sql::text_of(kept->front(), 0) != expected) co_return Login::denied;
    const std::string version = version_of(*session);
    if (tenant == nullptr) co_return Greeting(Login::pong, version);
    const auto theirs =
        co_await open_as(contact, tenant_of(spec.parameters), secret_of(spec, "password"), deadline);
    if (theirs) co_return Greeting(Login::pong, version);
    co_return Greeting(theirs.error().failure == sql::Failure::denied ? Login::stale : Login::strained, version);
}

Task<bool> MariadbEngine::apply(Contact contact, const Spec& spec, const Setup& /*setup*/,
                                Deadline deadline) const {
    auto session = co_await manage(contact, spec, deadline);
    if (!session) co_return false;
    for (const std::string& each : mariadb_tenant(tenant_of(spec.parameters), secret_of(spec, "password"))) {
        const auto done = co_await session->run(each, deadline);
        if (!done) co_return false;
    }
    co_return true;
}

}  // namespace

std::unique_ptr<Engine> make_mariadb_engine() { return std::make_unique<MariadbEngine>(); }

}  // namespace slipway::local
