// Backups of databases: making and listing them, and naming the one that a new database is filled from. Everything
// else goes by the routes of all resources.
#include "broker/backups.h"

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

Task<Status> NativeFace::name_backup(const CallContext& call, ProvisionBody& body) const {
    if (body.restore_from.empty()) co_return Status();
    const OrganizationId organization = body.request.organization.value_or(call.caller.organization);
    const auto backup = co_await Backups(broker()).to_restore(call, organization, body.restore_from);
    if (!backup) co_return fail(backup.error());
    if (backup->engine != body.request.engine) {
        Error wrong{ErrorCode::invalid_argument, "", "", {}};
        wrong.problems = {{"restore_from", fmt::format("names a backup of {}", backup->engine)}};
        wrong.message = wrong.problems[0].field + " " + wrong.problems[0].problem;
        co_return fail(std::move(wrong));
    }
    fill_from(*backup, body.request);
    co_return Status();
}

Task<Response> NativeFace::create_backup(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    auto read = read_backup(std::move(*body), longest_wait());
    if (!read) co_return error(request, read.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    read->request.idempotency_key = std::move(*key);
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    auto accepted = co_await Backups(broker()).create(call_of(request), found->id, std::move(read->request));
    if (!accepted) co_return error(request, accepted.error());
    co_return co_await answer_accepted(request, std::move(*accepted), read->wait, true);
}

Task<Response> NativeFace::list_backups(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    Backups::Of of;
    of.database = found->id;
    const auto backups = co_await Backups(broker()).list(call_of(request), found->organization, std::move(of));
    if (!backups) co_return error(request, backups.error());
    json::array all;
    for (const Resource& each : *backups) all.push_back(resource_json(each, {}));
    co_return Response::json(200, page_json("resources", std::move(all), ""));
}

}  // namespace slipway::faces
