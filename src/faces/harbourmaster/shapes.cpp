#include "faces/harbourmaster/shapes.h"

#include <fmt/format.h>

#include "domain/overloaded.h"
#include "domain/rotation.h"
#include "faces/url.h"

namespace slipway::faces {
namespace {

// Nobody has begun with it.
bool is_queued(const std::optional<Operation>& operation) {
    return operation && std::holds_alternative<operation_state::Queued>(operation->state);
}

// It was made ahead, and what is known of it may be from before it got its names.
bool is_claim(const std::optional<Operation>& operation) {
    return operation && operation->kind == OperationKind::claim;
}
// It does not have its names yet. The claim may have ended between the look at the one and at the other.
bool is_claimed(const std::optional<Operation>& operation) {
    return is_claim(operation) && !std::holds_alternative<operation_state::Succeeded>(operation->state);
}

std::string text_of(const json::object& from, std::string_view key) { return json::get_string(from, key); }

std::string text_of(const std::optional<Secret>& secret) { return secret ? secret->reveal() : std::string(); }

std::string port_of(const Endpoint* endpoint) { return endpoint == nullptr ? "" : std::to_string(endpoint->port); }

std::string host_of(const Endpoint* endpoint) { return endpoint == nullptr ? "" : endpoint->host; }

// A database answers where its server does, which is known before it and after it.
const Endpoint* database_endpoint(const ClusterDatabase& in) {
    const Resource& database = *in.database;
    if (is_claimed(in.operation)) return nullptr;
    if (const Endpoint* own = endpoint_of(database.state)) return own;
    const bool leaving = std::holds_alternative<resource_state::Deprovisioning>(database.state);
    return leaving && in.server ? endpoint_of(in.server->state) : nullptr;
}

void add_reason(json::object& body, const Resource& resource) {
    if (const auto* failed = std::get_if<resource_state::Failed>(&resource.state)) body["reason"] = failed->reason;
}

json::object rotation_json(const Resource& database) {
    const Rotation coming = rotation_in(database.parameters);
    const std::string_view settled = coming.keep_former ? "unconfirmed" : "confirmed";
    return {{"state", is_rotating(database) ? "in_progress" : settled},
            {"former_valid_until", coming.keep_former ? format_time(coming.former_until) : ""}};
}

}  // namespace

std::string_view hephy_state(const Resource& resource, const std::optional<Operation>& operation) {
    using namespace resource_state;
    return std::visit(Overloaded{
                          [](const Requested&) { return "awaiting_provisioning"; },
                          [](const Provisioning&) { return "provisioning"; },
                          [&](const Ready&) {
                              if (!is_claimed(operation)) return "ready";
                              return is_queued(operation) ? "awaiting_provisioning" : "provisioning";
                          },
                          [](const Updating&) { return "ready"; },
                          [&](const Deprovisioning&) {
                              return is_queued(operation) ? "awaiting_decommissioning" : "decommissioning";
                          },
                          [](const Gone&) { return "decommissioned"; },
                          [](const Failed&) { return "failed"; },
                      },
                      resource.state);
}

json::object database_json(const ClusterDatabase& in, const std::optional<Secret>& password, DatabaseForm form) {
    const Resource& database = *in.database;
    const Endpoint* endpoint = database_endpoint(in);
    json::object body;
    if (form != DatabaseForm::created) body["hephy_instance_name"] = in.server ? in.server->name : "";
    body["hephy_db_name"] = text_of(database.parameters, "database");
    body["hephy_db_user"] = is_claim(in.operation) ? text_of(database.parameters, "user") : login_of(database);
    body["hephy_db_host"] = host_of(endpoint);
    body["hephy_db_port"] = port_of(endpoint);
    body["hephy_db_password"] = endpoint == nullptr ? "" : text_of(password);
    body["state"] = hephy_state(database, in.operation);
    add_reason(body, database);
    const bool ever = rotation_in(database.parameters).number > 0;
    if (form == DatabaseForm::rotated || (form == DatabaseForm::mapping && ever)) {
        body["rotation"] = rotation_json(database);
    }
    return body;
}

json::object instance_json(const Resource& server, const std::optional<Operation>& operation,
                           const std::optional<Secret>& password, const std::string& usual_version) {
    const Endpoint* endpoint = endpoint_of(server.state);
    const std::string version = text_of(server.parameters, "engine_version");
    const std::string storage = fmt::format("{}", json::get_int(server.parameters, "storage_gb", kDefaultStorage));
    json::object body;
    body["name"] = server.name;
    body["host"] = host_of(endpoint);
    body["port"] = port_of(endpoint);
    body["user"] = login_of(server);
    body["password"] = endpoint == nullptr ? "" : text_of(password);
    body["database_url"] = endpoint == nullptr ? "" : access_of(server, *endpoint, password).url;
    body["engine"] = server.engine;
    body["engine_version"] = version.empty() ? usual_version : version;
    body["running_version"] = text_of(server.handle, "engine_version");
    body["instance_class"] = text_of(server.parameters, "instance_class");
    body["storage_gb"] = storage;
    body["storage_db"] = storage;
    body["state"] = hephy_state(server, operation);
    add_reason(body, server);
    return body;
}

json::object available_json(const Resource& server, const std::optional<Secret>& password) {
    const Endpoint* endpoint = endpoint_of(server.state);
    return {{"hephy_instance_name", server.name},
            {"hephy_instance_host", host_of(endpoint)},
            {"hephy_instance_port", port_of(endpoint)},
            {"hephy_instance_user", login_of(server)},
            {"hephy_instance_password", endpoint == nullptr ? "" : text_of(password)}};
}

json::object cluster_json(const Cluster& cluster) {
    return {{"name", cluster.name},
            {"slug", cluster.slug},
            {"organization", cluster.organization.str()},
            {"created_at", format_time(cluster.created_at)}};
}

}  // namespace slipway::faces
