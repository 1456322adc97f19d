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
                                             std::optional<sql::Pin> pin, Deadline deadline, bool tls = false) {
    sql::MysqlLogin login;
    login.pin = std::move(pin);
    login.tls = tls;
    login.address = contact.address;
    login.port = contact.port;
    login.user = std::move(user);
    login.password = std::move(password);
    return sql::MysqlSession::open(std::move(login), deadline);
}

struct Managed {
    sql::MysqlSession session;
    bool known_by_certificate = true;
};

// A server that still has another certificate, or none, is asked all the same: it has to prove otherwise that it is
// ours, and then is told to read its files again.
Task<sql::Answer<Managed>> manage(Contact contact, const Spec& spec, sql::ServerTls tls, Deadline deadline) {
    const Secret password = secret_of(spec, "management_password");
    const std::string user(agent::kManagementRole);
    auto session = co_await open_as(contact, user, password, tls.expected(), deadline);
    if (session) co_return Managed{std::move(*session), true};
    const bool other = tls.on() && session.error().code == sql::kOtherCertificate;
    // First with TLS, whoever's certificate it is: one that requires it takes nothing else.
    for (const bool encrypted : {true, false}) {
        if (!other) break;
        session = co_await open_as(contact, user, password, std::nullopt, deadline, encrypted);
        if (session) co_return Managed{std::move(*session), false};
    }
    co_return std::unexpected(session.error());
}

// "10.11.19" of "10.11.19-MariaDB-0+deb12u1".
std::string version_of(const sql::MysqlSession& session) {
    const std::string text = session.version_text();
    return text.substr(0, text.find('-'));
}

// As it was configured.
sql::TlsMode mode_of(const sql::Values& row) {
    if (sql::text_of(row, 1) != "YES") return sql::TlsMode::off;
    return sql::text_of(row, 2) == "1" ? sql::TlsMode::require : sql::TlsMode::allow;
}

class MariadbEngine final : public Engine {
  public:
    explicit MariadbEngine(SharedTls tls) : tls_(tls ? std::move(tls) : std::make_shared<const sql::TlsSource>()) {}

    [[nodiscard]] const EngineFacts& facts() const override { return facts_; }

    [[nodiscard]] std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const override {
        return mariadb_setup(target, spec, addresses, tls_->now());
    }

    Task<Greeting> log_in(Contact contact, const Spec& spec, const Setup* tenant, Deadline deadline) const override;
    Task<bool> apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const override;

  private:
    const SharedTls tls_;
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
    const sql::ServerTls tls = tls_->now();
    auto managed = co_await manage(contact, spec, tls, deadline);
    if (!managed) co_return login_of(managed.error().failure);
    const auto kept = co_await managed->session.query(
        "SELECT JSON_VALUE(Priv, '$.authentication_string'), @@have_ssl, @@require_secure_transport "
        "FROM mysql.global_priv WHERE User = ? AND Host = ?",
        {std::string(agent::kManagementRole), "127.0.0.1"}, deadline);
    if (!kept) co_return login_of(kept.error().failure);
    const std::string expected = sql::mysql_native_hash(secret_of(spec, "management_password"));
    if (kept->empty() || sql::text_of(kept->front(), 0) != expected) co_return Login::denied;
    const std::string version = version_of(managed->session);
    if (!managed->known_by_certificate || mode_of(kept->front()) != tls.mode) {
        co_return Greeting(Login::stale, version);
    }
    if (tenant == nullptr) co_return Greeting(Login::pong, version);
    const auto theirs = co_await open_as(contact, tenant_of(spec.parameters), secret_of(spec, "password"),
                                         tls.expected(), deadline);
    if (theirs) co_return Greeting(Login::pong, version);
    co_return Greeting(theirs.error().failure == sql::Failure::denied ? Login::stale : Login::strained, version);
}

Task<bool> MariadbEngine::apply(Contact contact, const Spec& spec, const Setup& /*setup*/,
                                Deadline deadline) const {
    auto managed = co_await manage(contact, spec, tls_->now(), deadline);
    if (!managed) co_return false;
    std::vector<std::string> statements = mariadb_tenant(tenant_of(spec.parameters), secret_of(spec, "password"));
    if (!managed->known_by_certificate) statements.emplace_back("FLUSH SSL");
    for (const std::string& each : statements) {
        const auto done = co_await managed->session.run(each, deadline);
        if (!done) co_return false;
    }
    co_return true;
}

}  // namespace

std::unique_ptr<Engine> make_mariadb_engine(SharedTls tls) {
    return std::make_unique<MariadbEngine>(std::move(tls));
}

}  // namespace slipway::local
