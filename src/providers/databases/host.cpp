#include "providers/databases/host.h"

#include "providers/databases/errors.h"

namespace slipway::databases {
namespace {
constexpr Duration kLookAgain = std::chrono::milliseconds(500);
}  // namespace

Observation foreign(std::string detail) {
    Observation seen;
    seen.presence = Presence::foreign;
    seen.detail = std::move(detail);
    return seen;
}

Observation held(const Tag& by) {
    Observation seen = foreign("the name belongs to another resource of this installation");
    seen.holder = by.external_name;
    return seen;
}

Observation stopped(std::string detail) {
    Observation seen;
    seen.presence = Presence::stopped;
    seen.detail = std::move(detail);
    return seen;
}

Observation running(const ServerAccess& access, const Tenant& tenant, const std::string& user,
                    const std::string& version, std::string detail) {
    Observation seen;
    seen.presence = Presence::running;
    seen.endpoint = access.endpoint;
    seen.handle = {{"server", access.server.str()},
                   {"database", tenant.database()},
                   {"user", user},
                   {"engine_version", version}};
    seen.detail = std::move(detail);
    return seen;
}

ProviderAnswer after_login(const std::expected<void, sql::SqlError>& login, Observation if_well) {
    if (login) return if_well;
    // It says nothing about the tenant.
    if (login.error().code == sql::kOtherCertificate) return std::unexpected(error_of(login.error(), false));
    switch (login.error().failure) {
        case sql::Failure::denied:
        case sql::Failure::invalid: return stopped("its user cannot log in with its password");
        case sql::Failure::refused_by_server: return stopped("its user cannot use its database");
        case sql::Failure::too_many_connections:
            if_well.detail = "all connections are taken: nobody could log in just now";
            return if_well;
        case sql::Failure::starting: {
            Observation waiting;
            waiting.presence = Presence::pending;
            waiting.detail = login.error().message;
            waiting.look_again = kLookAgain;
            return waiting;
        }
        case sql::Failure::refused:
        case sql::Failure::timeout:
        case sql::Failure::lost: return std::unexpected(error_of(login.error(), false));
    }
    return if_well;
}

}  // namespace slipway::databases
