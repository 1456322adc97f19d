#include "ops/database_logins.h"

#include <fmt/format.h>

#include "domain/rotation.h"

namespace slipway {

Task<Result<std::optional<DatabaseLogin>>> StoreDatabaseLogins::find(ResourceId database) {
    const auto found = co_await store_.resource(std::move(database));
    if (!found) co_return fail(found.error());
    if (!*found || (*found)->kind != Kind::database) co_return std::optional<DatabaseLogin>();
    const Resource& stored = **found;
    if (std::holds_alternative<resource_state::Gone>(stored.state) ||
        std::holds_alternative<resource_state::Failed>(stored.state) ||
        std::holds_alternative<resource_state::Deprovisioning>(stored.state)) {
        co_return std::optional<DatabaseLogin>();
    }
    if (endpoint_of(stored.state) == nullptr) {
        co_return fail(ErrorCode::unavailable,
                       fmt::format("the database {} is {}", stored.name, state_name(stored.state)));
    }
    const auto server = co_await servers_.find(stored.placed_on);
    if (!server) co_return fail(server.error());
    if (!*server) co_return std::optional<DatabaseLogin>();
    const std::string secret(current_secret(shown_rotation(stored)));
    const auto sealed = stored.secrets.find(secret);
    if (sealed == stored.secrets.end()) {
        co_return fail(ErrorCode::unavailable, fmt::format("the database {} has no password", stored.name));
    }
    auto password = sealer_.open(sealed->second, secret_context(stored.id, secret));
    if (!password) {
        co_return fail(ErrorCode::unavailable,
                       fmt::format("the password of the database {} cannot be opened with the keys that are here",
                                   stored.name),
                       password.error().message);
    }
    DatabaseLogin login;
    login.database = stored.id;
    login.engine = stored.engine;
    login.address = (*server)->address;
    login.port = (*server)->port;
    login.user = login_of(stored).empty() ? stored.external_name : login_of(stored);
    login.name = database_name_of(stored);
    login.password = std::move(*password);
    co_return std::optional<DatabaseLogin>(std::move(login));
}

}  // namespace slipway
