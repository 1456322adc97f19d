#include "providers/local/engine.h"
#include "providers/local/parameters.h"
#include "providers/local/postgres_config.h"
#include "providers/local/waiting.h"
#include "providers/sql/postgres_session.h"
#include "providers/sql/quoting.h"

namespace slipway::local {
namespace {

// The database that everybody may have, and nobody keeps data in.
constexpr std::string_view kMeetingPlace = "postgres";

Login login_of(sql::Failure failure) {
    switch (failure) {
        case sql::Failure::refused: return Login::refused;
        case sql::Failure::starting: return Login::loading;
        // It says so before it asks who is there: the process is known by its lock.
        case sql::Failure::too_many_connections: return Login::strained;
        case sql::Failure::denied:
        case sql::Failure::invalid: return Login::denied;
        case sql::Failure::timeout:
        case sql::Failure::lost:
        case sql::Failure::refused_by_server: return Login::silent;
    }
    return Login::silent;
}

sql::PostgresLogin login_as(const Contact& contact, std::string user, const Secret& password,
                            const sql::ServerTls& tls) {
    sql::PostgresLogin login;
    login.pin = tls.expected();
    login.address = contact.address;
    login.port = contact.port;
    login.user = std::move(user);
    login.password = password;
    login.database = kMeetingPlace;
    return login;
}

struct Managed {
    sql::PostgresSession session;
    bool known_by_certificate = true;
};

// A server that still has another certificate, or none, is asked all the same: it has to prove otherwise that it is
// ours, and then is told to read its files again.
Task<sql::Answer<Managed>> manage(Contact contact, const Spec& spec, sql::ServerTls tls, Deadline deadline) {
    sql::PostgresLogin login =
        login_as(contact, std::string(agent::kManagementRole), secret_of(spec, "management_password"), tls);
    auto session = co_await sql::PostgresSession::open(login, deadline);
    if (session) co_return Managed{std::move(*session), true};
    const bool other = tls.on() && session.error().code == sql::kOtherCertificate;
    if (!other) co_return std::unexpected(session.error());
    login.pin.reset();
    login.tls = "prefer";
    session = co_await sql::PostgresSession::open(std::move(login), deadline);
    if (!session) co_return std::unexpected(session.error());
    co_return Managed{std::move(*session), false};
}

struct Kept {
    std::string verifier;  // "" where there is no such role, or it has no password
    std::string tls;       // as it was configured; "off" where it says nothing
};

Task<sql::Answer<Kept>> kept_by(sql::PostgresSession& session, std::string role, Deadline deadline) {
    const auto rows = co_await session.query(
        "SELECT (SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1), "
        "pg_catalog.current_setting($2, true)",
        {std::move(role), std::string(kPostgresTlsSetting)}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    if (rows->empty()) co_return Kept{};
    const std::string tls = sql::text_of(rows->front(), 1);
    co_return Kept{sql::text_of(rows->front(), 0), tls.empty() ? "off" : tls};
}

class PostgresEngine final : public Engine {
  public:
    explicit PostgresEngine(SharedTls tls)
        : tls_(tls ? std::move(tls) : std::make_shared<const sql::TlsSource>()) {}

    [[nodiscard]] const EngineFacts& facts() const override { return facts_; }

    [[nodiscard]] std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const override {
        return postgres_setup(target, spec, addresses, tls_->now());
    }

    Task<Greeting> log_in(Contact contact, const Spec& spec, const Setup* tenant, Deadline deadline) const override;
    Task<bool> apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const override;

  private:
    Task<bool> take_certificate(Contact contact, const Spec& spec, Deadline deadline) const;

    const SharedTls tls_;
    const EngineFacts facts_{.kind = Kind::database_server,
                             .name = "postgres",
                             .scheme = "postgres",
                             .program = "postgres",
                             .package = "postgresql-15",
                             .secrets = {"management_password"},
                             .keeps_data = true,
                             .log_holds_client_data = true,
                             .administrator = std::string(agent::kManagementRole),
                             .gently = agent::Signal::interrupt,
                             .end_time = std::chrono::seconds(10),
                             // A login reads and computes, beside everything that tenants do.
                             .patience = std::chrono::seconds(5),
                             .may_miss_address = true};
};

// Who lets us in may be anybody. Who also has what only this engine keeps of our password is this engine.
Task<Greeting> PostgresEngine::log_in(Contact contact, const Spec& spec, const Setup* tenant,
                                      Deadline deadline) const {
    const sql::ServerTls tls = tls_->now();
    auto managed = co_await manage(contact, spec, tls, deadline);
    if (!managed) co_return login_of(managed.error().failure);
    const auto kept = co_await kept_by(managed->session, std::string(agent::kManagementRole), deadline);
    if (!kept) co_return login_of(kept.error().failure);
    const std::string expected =
        postgres_verifier(secret_of(spec, "management_password"), contact.salt, agent::kManagementRole);
    if (kept->verifier != expected) co_return Login::denied;
    const std::string version = managed->session.version_text();
    if (!managed->known_by_certificate || kept->tls != to_string(tls.mode))
        co_return Greeting(Login::stale, version);
    if (tenant == nullptr) co_return Greeting(Login::pong, version);
    const auto theirs = co_await sql::PostgresSession::open(
        login_as(contact, tenant_of(spec.parameters), secret_of(spec, "password"), tls), deadline);
    if (theirs) co_return Greeting(Login::pong, version);
    const Login seen = login_of(theirs.error().failure);
    co_return Greeting(seen == Login::denied ? Login::stale : Login::strained, version);
}

// The tenant's password, as a verifier: the server never sees more of it.
Task<bool> PostgresEngine::apply(Contact contact, const Spec& spec, const Setup& /*setup*/,
                                 Deadline deadline) const {
    auto managed = co_await manage(contact, spec, tls_->now(), deadline);
    if (!managed) co_return false;
    sql::PostgresSession* const session = &managed->session;
    const std::string user = tenant_of(spec.parameters);
    const std::string wanted = postgres_verifier(secret_of(spec, "password"), contact.salt, user);
    const auto known =
        co_await session->query("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", {user}, deadline);
    if (!known) co_return false;
    const std::string name = sql::postgres_name(user);
    const auto done = co_await session->run(
        fmt::format("{} ROLE {} LOGIN PASSWORD {}; GRANT CONNECT ON DATABASE {} TO {}",
                    known->empty() ? "CREATE" : "ALTER", name + (known->empty() ? " CREATEDB CREATEROLE" : ""),
                    sql::postgres_text(wanted), sql::postgres_name(kMeetingPlace), name),
        deadline);
    if (!done || managed->known_by_certificate) co_return done.has_value();
    if (!co_await session->run("SELECT pg_catalog.pg_reload_conf()", deadline)) co_return false;
    co_return co_await take_certificate(contact, spec, deadline);
}

// It was told to read its files again, and does so when it comes to it.
Task<bool> PostgresEngine::take_certificate(Contact contact, const Spec& spec, Deadline deadline) const {
    constexpr Duration kPause = std::chrono::milliseconds(20);
    while (!deadline.over()) {
        const auto managed = co_await manage(contact, spec, tls_->now(), deadline);
        if (!managed) co_return false;
        if (managed->known_by_certificate) co_return true;
        co_await pause(std::min(kPause, deadline.left()));
    }
    co_return false;
}

}  // namespace

std::unique_ptr<Engine> make_postgres_engine(SharedTls tls) {
    return std::make_unique<PostgresEngine>(std::move(tls));
}

}  // namespace slipway::local
