#include "providers/local/engine.h"
#include "providers/local/parameters.h"
#include "providers/local/postgres_config.h"
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

sql::PostgresLogin login_as(const Contact& contact, std::string user, const Secret& password) {
    sql::PostgresLogin login;
    login.address = contact.address;
    login.port = contact.port;
    login.user = std::move(user);
    login.password = password;
    login.database = kMeetingPlace;
    return login;
}

Task<sql::Answer<sql::PostgresSession>> manage(Contact contact, const Spec& spec, Deadline deadline) {
    co_return co_await sql::PostgresSession::open(
        login_as(contact, std::string(agent::kManagementRole), secret_of(spec, "management_password")), deadline);
}

// "" where there is no such role, or it has no password.
Task<sql::Answer<std::string>> stored_verifier(sql::PostgresSession& session, std::string role, Deadline deadline) {
    const auto rows =
        co_await session.query("SELECT coalesce(rolpassword, '') FROM pg_catalog.pg_authid WHERE rolname = $1",
                               {std::move(role)}, deadline);
    if (!rows) co_return std::unexpected(rows.error());
    co_return rows->empty() ? std::string() : sql::text_of(rows->front(), 0);
}

class PostgresEngine final : public Engine {
  public:
    [[nodiscard]] const EngineFacts& facts() const override { return facts_; }

    [[nodiscard]] std::expected<Setup, ProviderError> setup(
        const Target& target, const Spec& spec, const std::vector<std::string>& addresses) const override {
        return postgres_setup(target, spec, addresses);
    }

    Task<Greeting> log_in(Contact contact, const Spec& spec, const Setup* tenant, Deadline deadline) const override;
    Task<bool> apply(Contact contact, const Spec& spec, const Setup& setup, Deadline deadline) const override;

  private:
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
    auto session = co_await manage(contact, spec, deadline);
    if (!session) co_return login_of(session.error().failure);
    const auto kept = co_await stored_verifier(*session, std::string(agent::kManagementRole), deadline);
    if (!kept) co_return login_of(kept.error().failure);
    const std::string expected =
        postgres_verifier(secret_of(spec, "management_password"), contact.salt, agent::kManagementRole);
    if (*kept != expected) co_return Login::denied;
    const std::string version = session->version_text();
    if (tenant == nullptr) co_return Greeting(Login::pong, version);
    const auto theirs = co_await sql::PostgresSession::open(
        login_as(contact, tenant_of(spec.parameters), secret_of(spec, "password")), deadline);
    if (theirs) co_return Greeting(Login::pong, version);
    const Login seen = login_of(theirs.error().failure);
    co_return Greeting(seen == Login::denied ? Login::stale : Login::strained, version);
}

// The tenant's password, as a verifier: the server never sees more of it.
Task<bool> PostgresEngine::apply(Contact contact, const Spec& spec, const Setup& /*setup*/,
                                 Deadline deadline) const {
    auto session = co_await manage(contact, spec, deadline);
    if (!session) co_return false;
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
    co_return done.has_value();
}

}  // namespace

std::unique_ptr<Engine> make_postgres_engine() { return std::make_unique<PostgresEngine>(); }

}  // namespace slipway::local
