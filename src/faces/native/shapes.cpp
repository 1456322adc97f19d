#include "faces/native/shapes.h"

#include "broker/backups.h"
#include "domain/machine.h"
#include "domain/overloaded.h"
#include "domain/rotation.h"
#include "faces/native/values.h"

namespace slipway::faces {
namespace {

// Room for all members of a resource or an operation, so that it is not made again and again while they come.
constexpr std::size_t kMembers = 32;

json::value endpoint_json(const Resource& resource) {
    const Endpoint* endpoint = endpoint_of(resource.state);
    if (endpoint == nullptr) return nullptr;
    return json::object{{"scheme", endpoint->scheme}, {"host", endpoint->host}, {"port", endpoint->port}};
}

json::array strings(const std::vector<std::string>& texts) {
    json::array all;
    for (const std::string& text : texts) all.emplace_back(text);
    return all;
}

// What a backup is of, and what it came to.
json::object backup_json(const Resource& resource) {
    const BackupSource source = source_of(resource);
    json::object out{{"source", id_or_null(source.database)},
                     {"source_name", text_or_null(source.name)},
                     {"database", text_or_null(source.database_name)},
                     {"engine_version", text_or_null(json::get_string(resource.handle, "engine_version"))},
                     {"size_bytes", nullptr},
                     {"sha256", text_or_null(json::get_string(resource.handle, "sha256"))}};
    if (resource.handle.contains("bytes")) out["size_bytes"] = json::get_int(resource.handle, "bytes");
    return out;
}

// What some kinds have besides.
void add_of_kind(const Resource& resource, const Sharing& sharing, json::object& out) {
    const auto number_or_null = [](const std::optional<std::uint64_t>& number) {
        return number ? json::value(*number) : json::value(nullptr);
    };
    switch (resource.kind) {
        case Kind::database:
            out["server"] = text_or_null(sharing.server);
            out["database"] = text_or_null(database_name_of(resource));
            out["username"] = text_or_null(login_of(resource));
            return;
        case Kind::database_server:
            out["serves"] = number_or_null(sharing.serves);
            out["places"] = number_or_null(sharing.places);
            out["current"] = sharing.current ? json::value(*sharing.current) : json::value(nullptr);
            return;
        case Kind::backup: out["backup"] = backup_json(resource); return;
        case Kind::machine:
            out["username"] = text_or_null(username_of(resource));
            out["address"] = text_or_null(resource.address);
            return;
        case Kind::cache:
        case Kind::cluster: return;
    }
}

json::object step_json(const Step& step) {
    return json::object{{"kind", to_string(step.kind)},
                        {"status", to_string(step.status)},
                        {"attempts", step.attempts},
                        {"last_error", text_or_null(step.last_error)},
                        {"provider_request_id", text_or_null(step.request_id)}};
}

// When it goes on, when it ended and why, where its state knows.
void add_state(const OperationState& state, json::object& out) {
    using namespace operation_state;
    out["next_at"] = out["ended_at"] = out["reason"] = nullptr;
    const auto ended = [&](TimePoint at) { out["ended_at"] = format_time(at); };
    std::visit(Overloaded{
                   [](const Queued&) {},
                   [](const Running&) {},
                   [&](const Waiting& in) {
                       out["next_at"] = format_time(in.until);
                       out["reason"] = text_or_null(in.why);
                   },
                   [&](const Retrying& in) {
                       out["next_at"] = format_time(in.until);
                       out["reason"] = text_or_null(in.error);
                   },
                   [&](const Succeeded& in) { ended(in.at); },
                   [&](const Failed& in) {
                       ended(in.at);
                       out["reason"] = in.reason;
                   },
                   [&](const Cancelled& in) {
                       ended(in.at);
                       out["reason"] = in.reason;
                   },
               },
               state);
}

}  // namespace

json::object resource_json(const Resource& resource, const Sharing& sharing) {
    json::object labels;
    for (const auto& [name, value] : resource.labels) labels[name] = value;
    json::object out;
    out.reserve(kMembers);
    out["id"] = resource.id.str();
    out["name"] = resource.name;
    out["kind"] = to_string(resource.kind);
    out["engine"] = resource.engine;
    out["plan"] = resource.plan;
    out["provider"] = resource.provider;
    out["external_name"] = resource.external_name;
    out["generation"] = resource.generation;
    out["organization"] = resource.organization.str();
    out["face"] = resource.face;
    out["billing_code"] = resource.billing_code;
    out["labels"] = std::move(labels);
    out["pooled"] = resource.pooled;
    out["host"] = id_or_null(resource.host);
    out["state"] = state_name(resource.state);
    out["operation"] = id_or_null(active_operation(resource.state));
    out["endpoint"] = endpoint_json(resource);
    out["health"] = json::object{{"status", to_string(resource.health)},
                                 {"at", format_time(resource.health_at)},
                                 {"detail", text_or_null(resource.health_detail)}};
    out["reason"] = out["gone_at"] = nullptr;
    if (const auto* failed = std::get_if<resource_state::Failed>(&resource.state)) out["reason"] = failed->reason;
    if (const auto* gone = std::get_if<resource_state::Gone>(&resource.state)) {
        out["gone_at"] = format_time(gone->at);
    }
    out["remnants"] = strings(resource.remnants);
    out["created_at"] = format_time(resource.created_at);
    out["updated_at"] = format_time(resource.updated_at);
    out["expires_at"] = time_or_null(ends_at(resource));
    out["version"] = resource.version;
    add_of_kind(resource, sharing, out);
    return out;
}

json::object operation_json(const Operation& operation, std::optional<Kind> of) {
    const Progress progress = progress_of(operation, of);
    json::array steps;
    for (const Step& step : operation.steps) steps.push_back(step_json(step));
    json::object out;
    out.reserve(kMembers);
    out["id"] = operation.id.str();
    out["resource"] = operation.resource.str();
    out["organization"] = operation.organization.str();
    out["kind"] = to_string(operation.kind);
    out["provider"] = operation.provider;
    out["host"] = id_or_null(operation.host);
    out["state"] = state_name(operation.state);
    add_state(operation.state, out);
    out["open"] = !is_terminal(operation.state);
    out["undoing"] = operation.direction == Direction::undo;
    out["progress"] =
        json::object{{"done", progress.done}, {"total", progress.total}, {"sentence", progress.sentence}};
    out["steps"] = std::move(steps);
    out["leases"] = operation.leases;
    out["cancel_requested"] = operation.cancel_requested;
    out["cancel_reason"] = text_or_null(operation.cancel_reason);
    out["failure"] = text_or_null(operation.failure);
    out["blocked_by"] = id_or_null(operation.blocked_by);
    out["deadline"] = format_time(operation.deadline);
    out["actor"] = operation.actor;
    out["request_id"] = text_or_null(operation.request_id);
    out["trace"] = text_or_null(operation.trace);
    out["created_at"] = format_time(operation.created_at);
    out["updated_at"] = format_time(operation.updated_at);
    out["version"] = operation.version;
    return out;
}

json::object event_json(const Event& event) {
    const EventDraft& body = event.body;
    return json::object{{"sequence", event.sequence},
                        {"at", format_time(body.at)},
                        {"type", body.type},
                        {"message", body.message},
                        {"resource", id_or_null(body.resource)},
                        {"operation", id_or_null(body.operation)},
                        {"organization", id_or_null(body.organization)},
                        {"actor", text_or_null(body.actor)},
                        {"request_id", text_or_null(body.request_id)},
                        {"trace", text_or_null(body.trace)},
                        {"provider_request_id", text_or_null(body.provider_request_id)},
                        {"data", body.data}};
}

json::object accepted_json(const Resource& resource, const Sharing& sharing,
                           const std::optional<Operation>& operation) {
    json::object out{{"resource", resource_json(resource, sharing)}, {"operation", nullptr}};
    if (operation) out["operation"] = operation_json(*operation, resource.kind);
    return out;
}

}  // namespace slipway::faces
