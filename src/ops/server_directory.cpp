#include "ops/server_directory.h"

#include <fmt/format.h>

#include "base/log.h"

namespace slipway {

// Its own role where it has one; what came from elsewhere, e.g. a cloud, has the master user only.
Result<ServerAccess> StoreDatabaseServers::access_of(const Resource& server) const {
    const Endpoint* endpoint = endpoint_of(server.state);
    if (endpoint == nullptr) {
        return fail(ErrorCode::unavailable,
                    fmt::format("the server {} is {}", server.name, state_name(server.state)));
    }
    const bool own_role = server.secrets.contains("management_password");
    const char* const secret = own_role ? "management_password" : "password";
    const auto sealed = server.secrets.find(secret);
    if (sealed == server.secrets.end()) {
        return fail(ErrorCode::unavailable, fmt::format("the server {} has no password", server.name));
    }
    auto password = sealer_.open(sealed->second, secret_context(server.id, secret));
    if (!password) {
        return fail(
            ErrorCode::unavailable,
            fmt::format("the password of the server {} cannot be opened with the keys that are here", server.name),
            password.error().message);
    }
    ServerAccess access;
    access.server = server.id;
    access.engine = server.engine;
    access.endpoint = *endpoint;
    access.port = endpoint->port;
    access.address = json::get_string(server.handle, "address");
    if (access.address.empty()) access.address = endpoint->host;
    access.user = own_role ? json::get_string(server.handle, "admin_user") : std::string();
    if (access.user.empty()) access.user = json::get_string(server.parameters, "user");
    if (access.user.empty()) {
        return fail(ErrorCode::unavailable, fmt::format("nothing says who administers the server {}", server.name));
    }
    access.password = std::move(*password);
    if (server.health == Health::unreachable) access.trouble = server.health_detail;
    return access;
}

Task<Result<std::optional<ServerAccess>>> StoreDatabaseServers::find(ResourceId server) {
    const auto found = co_await store_.resource(server);
    if (!found) co_return fail(found.error());
    if (!*found || (*found)->kind != Kind::database_server) co_return std::optional<ServerAccess>();
    const Resource& stored = **found;
    // What failed has no endpoint, and what may be left of it cannot be reached.
    if (std::holds_alternative<resource_state::Gone>(stored.state) ||
        std::holds_alternative<resource_state::Failed>(stored.state)) {
        co_return std::optional<ServerAccess>();
    }
    auto access = access_of(stored);
    if (!access) co_return fail(access.error());
    co_return std::optional<ServerAccess>(std::move(*access));
}

Task<Result<std::vector<ServerAccess>>> StoreDatabaseServers::all() {
    std::vector<ServerAccess> servers;
    ResourceFilter filter;
    filter.kind = Kind::database_server;
    for (const char* state : {"ready", "updating"}) {
        filter.state = state;
        PageRequest from{"", 1000};
        do {
            const auto page = co_await store_.resources(filter, from);
            if (!page) co_return fail(page.error());
            for (const Resource& server : page->items) {
                auto access = access_of(server);
                if (access) {
                    servers.push_back(std::move(*access));
                } else {
                    log::warning("ops", "a server is left out of an inventory",
                                 {{"server", server.name}, {"why", access.error().message}});
                }
            }
            from.after = page->next;
        } while (!from.after.empty());
    }
    co_return servers;
}

}  // namespace slipway
