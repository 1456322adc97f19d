// New passwords for the databases of clusters, beside the ones in use.
#include "faces/harbourmaster/handlers.h"
#include "faces/harbourmaster/shapes.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

// {} begins one, {"confirm":true} ends the former password.
Task<Response> HarbourMasterFace::rotate_password(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    const bool confirm = body->optional_boolean("confirm").value_or(false);
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    const CallContext& call = call_of(request);
    auto found = co_await ports_.clusters.find_database(call, organization_in(request), cluster_in(request));
    if (!found) co_return error(request, found.error());
    const ResourceId id = found->database->id;
    auto accepted =
        confirm ? co_await ports_.rotations.confirm(call, id) : co_await ports_.rotations.begin(call, id);
    if (!accepted) co_return error(request, accepted.error());
    found->database = std::move(accepted->resource);
    found->operation = std::move(accepted->operation);
    const auto password = co_await password_for(call, *found->database);
    if (!password) co_return error(request, password.error());
    co_return Response::json(200, database_json(*found, *password, DatabaseForm::rotated))
        .with("Cache-Control", "no-store");
}

}  // namespace slipway::faces
