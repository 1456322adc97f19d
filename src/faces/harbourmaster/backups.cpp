// Backups of clusters' databases, and new databases filled from them.
#include "broker/backups.h"

#include "domain/overloaded.h"
#include "faces/harbourmaster/handlers.h"
#include "faces/harbourmaster/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::size_t kLongestName = 128;

std::string name_in(const Request& request) { return std::string(request.param("backup")); }

std::string_view state_of(const Resource& backup) {
    using namespace resource_state;
    return std::visit(Overloaded{
                          [](const Requested&) { return "awaiting"; },
                          [](const Provisioning&) { return "running"; },
                          [](const Ready&) { return "ready"; },
                          [](const Updating&) { return "ready"; },
                          [](const Deprovisioning&) { return "removing"; },
                          [](const Gone&) { return "removed"; },
                          [](const Failed&) { return "failed"; },
                      },
                      backup.state);
}

// How far what is under way has come.
std::string progress_in(const std::optional<Operation>& operation) {
    if (!operation) return {};
    if (const auto* waiting = std::get_if<operation_state::Waiting>(&operation->state)) return waiting->why;
    if (const auto* retrying = std::get_if<operation_state::Retrying>(&operation->state)) return retrying->error;
    return is_terminal(operation->state) ? std::string() : progress_of(*operation, Kind::backup).sentence;
}

json::object backup_json(const Resource& backup, const std::optional<Operation>& operation) {
    json::object out{{"name", backup.name},
                     {"id", backup.id.str()},
                     {"hephy_db_name", source_of(backup).database_name},
                     {"engine", backup.engine},
                     {"engine_version", json::get_string(backup.handle, "engine_version")},
                     {"state", state_of(backup)},
                     {"size_bytes", nullptr},
                     {"sha256", json::get_string(backup.handle, "sha256")},
                     {"progress", progress_in(operation)},
                     {"created_at", format_time(backup.created_at)}};
    if (backup.handle.contains("bytes")) out["size_bytes"] = json::get_int(backup.handle, "bytes");
    if (const auto* failed = std::get_if<resource_state::Failed>(&backup.state)) out["reason"] = failed->reason;
    return out;
}

}  // namespace

Task<Result<json::object>> HarbourMasterFace::shown_backup(const CallContext& call, const Resource& backup) const {
    const OperationId active = active_operation(backup.state);
    if (active.empty()) co_return backup_json(backup, std::nullopt);
    const auto found = co_await broker().find_operation(call, active);
    if (!found) co_return fail(found.error());
    co_return backup_json(backup, found->operation);
}

Task<Result<json::array>> HarbourMasterFace::shown_backups(const CallContext& call,
                                                           const std::vector<Resource>& backups) const {
    json::array all;
    for (const Resource& each : backups) {
        auto shown = co_await shown_backup(call, each);
        if (!shown) co_return fail(shown.error());
        all.push_back(std::move(*shown));
    }
    co_return all;
}

Task<Result<Resource>> HarbourMasterFace::backup_in(const Request& request) const {
    const CallContext& call = call_of(request);
    const auto cluster = co_await ports_.clusters.show(call, organization_in(request), cluster_in(request));
    if (!cluster) co_return fail(cluster.error());
    co_return co_await Backups(broker()).find_of(call, cluster->organization, cluster->slug, name_in(request));
}

Task<Result<Resource>> HarbourMasterFace::any_backup_in(const Request& request) const {
    const CallContext& call = call_of(request);
    co_return co_await Backups(broker()).find(call, organization_in(request), name_in(request));
}

Task<Result<std::optional<Resource>>> HarbourMasterFace::backup_for(const Request& request,
                                                                    http::BodyReader& body) const {
    const auto named = body.optional_string("restore_from", {.min_length = 1, .max_length = kLongestName});
    if (!named) co_return std::nullopt;
    auto found = co_await Backups(broker()).to_restore(call_of(request), organization_in(request), *named);
    if (found) co_return std::optional<Resource>(std::move(*found));
    if (found.error().problems.empty()) co_return fail(found.error());
    for (const FieldProblem& each : found.error().problems) body.problem(each.field, each.problem);
    co_return std::nullopt;
}

Task<Response> HarbourMasterFace::create_backup(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    BackupRequest wanted;
    wanted.face = "harbourmaster";
    wanted.idempotency_key = std::move(*key);
    wanted.name = body->optional_string("name", {.min_length = 1, .max_length = kLongestName}).value_or("");
    wanted.plan = body->optional_string("plan", {.min_length = 1, .max_length = kLongestName}).value_or("");
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    const CallContext& call = call_of(request);
    const auto found = co_await ports_.clusters.find_database(call, organization_in(request), cluster_in(request));
    if (!found) co_return error(request, found.error());
    if (std::holds_alternative<resource_state::Gone>(found->database->state)) {
        co_return error(request, Error{ErrorCode::conflict, "the cluster's database is decommissioned", {}, {}});
    }
    const auto made = co_await Backups(broker()).create(call, found->database->id, std::move(wanted));
    if (!made) co_return error(request, made.error());
    const auto shown = co_await shown_backup(call, made->resource);
    if (!shown) co_return error(request, shown.error());
    co_return Response::json(201, *shown);
}

Task<Response> HarbourMasterFace::list_backups(Request& request) const {
    const CallContext& call = call_of(request);
    const auto cluster = co_await ports_.clusters.show(call, organization_in(request), cluster_in(request));
    if (!cluster) co_return error(request, cluster.error());
    Backups::Of of;
    of.database_name = cluster->slug;
    const auto found = co_await Backups(broker()).list(call, cluster->organization, std::move(of));
    if (!found) co_return error(request, found.error());
    auto all = co_await shown_backups(call, *found);
    if (!all) co_return error(request, all.error());
    co_return Response::json(200, json::object{{"backups", std::move(*all)}});
}

Task<Response> HarbourMasterFace::list_all_backups(Request& request) const {
    QueryReader query(request);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const CallContext& call = call_of(request);
    const auto known = co_await administration().organization(call, organization_in(request));
    if (!known) co_return error(request, known.error());
    const auto found = co_await Backups(broker()).page(call, organization_in(request), std::move(page));
    if (!found) co_return error(request, found.error());
    auto all = co_await shown_backups(call, found->items);
    if (!all) co_return error(request, all.error());
    co_return Response::json(200, page_json("backups", std::move(*all), found->next));
}

Task<Response> HarbourMasterFace::answer_backup(const Request& request, const Result<Resource>& found) const {
    if (!found) co_return error(request, found.error());
    const auto shown = co_await shown_backup(call_of(request), *found);
    if (!shown) co_return error(request, shown.error());
    co_return Response::json(200, *shown);
}

Task<Response> HarbourMasterFace::take_backup_away(const Request& request, const Result<Resource>& found) const {
    if (!found) co_return error(request, found.error());
    const auto removed = co_await broker().deprovision(call_of(request), found->id);
    if (!removed) co_return error(request, removed.error());
    co_return Response::json(200, backup_json(removed->resource, removed->operation));
}

Task<Response> HarbourMasterFace::show_backup(Request& request) const {
    const auto found = co_await backup_in(request);
    co_return co_await answer_backup(request, found);
}

Task<Response> HarbourMasterFace::show_any_backup(Request& request) const {
    const auto found = co_await any_backup_in(request);
    co_return co_await answer_backup(request, found);
}

Task<Response> HarbourMasterFace::remove_backup(Request& request) const {
    const auto found = co_await backup_in(request);
    co_return co_await take_backup_away(request, found);
}

Task<Response> HarbourMasterFace::remove_any_backup(Request& request) const {
    const auto found = co_await any_backup_in(request);
    co_return co_await take_backup_away(request, found);
}

// Into another cluster, or into this one once its database is gone.
Task<Response> HarbourMasterFace::restore_backup(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    const std::string into = body->optional_string("cluster", {.min_length = 1, .max_length = kLongestName})
                                 .value_or(cluster_in(request));
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    const CallContext& call = call_of(request);
    const auto named = co_await backup_in(request);
    if (!named) co_return error(request, named.error());
    auto backup = co_await Backups(broker()).to_restore(call, named->organization, named->id.str());
    if (!backup) {
        co_return error(request,
                        Error{ErrorCode::conflict, fmt::format("the backup is {}", state_of(*named)), {}, {}});
    }
    const Plan* plan = database_plan(backup->engine);
    if (plan == nullptr) {
        co_return error(request,
                        Error{ErrorCode::unavailable, "no databases of its engine are offered here", {}, {}});
    }
    ClusterDatabaseRequest wanted;
    wanted.face = "harbourmaster";
    wanted.engine = backup->engine;
    wanted.plan = plan->name;
    wanted.idempotency_key = std::move(*key);
    wanted.restore_from = std::move(*backup);
    const auto made =
        co_await ports_.clusters.create_database(call, organization_in(request), into, std::move(wanted));
    if (!made) co_return error(request, made.error());
    co_return co_await answer_database(request, *made, made->created ? 201 : 200, false);
}

}  // namespace slipway::faces
