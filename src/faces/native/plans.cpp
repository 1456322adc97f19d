// What can be asked for, and what a request would do.
#include <array>

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::array<std::string_view, 6> kKinds = {"cache",   "database-server", "database",
                                                    "machine", "cluster",         "backup"};

// What is wrong with the request itself is the answer to whether it would be carried out.
Preview refused(Error error) {
    Preview preview;
    preview.allowed = false;
    preview.refusal = std::move(error);
    return preview;
}

}  // namespace

Task<Response> NativeFace::me(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const Caller& caller = call_of(request).caller;
    co_return Response::json(200, json::object{{"organization", caller.organization.str()},
                                               {"role", to_string(caller.role)},
                                               {"actor", caller.actor}});
}

Task<Response> NativeFace::list_plans(Request& request) const {
    QueryReader query(request);
    const auto kind = query.one_of("kind", kKinds);
    const auto engine = query.text("engine");
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto views = co_await broker().plans(call_of(request));
    if (!views) co_return error(request, views.error());
    json::array plans;
    for (const PlanView& view : *views) {
        if (kind && to_string(view.plan->kind) != *kind) continue;
        if (engine && view.plan->engine != *engine) continue;
        plans.push_back(plan_json(view));
    }
    co_return Response::json(200, page_json("plans", std::move(plans), ""));
}

Task<Result<Preview>> NativeFace::preview_creation(const CallContext& call, const PreviewBody& body) const {
    auto parsed = read_strict_body(body.request);
    if (!parsed) co_return refused(parsed.error());
    auto read = read_provision(std::move(*parsed), broker().catalog(), call, longest_wait());
    if (!read) co_return refused(read.error());
    if (body.verb == "restore" && read->restore_from.empty()) {
        co_return refused(
            {ErrorCode::invalid_argument, "restore_from is required", "", {{"restore_from", "is required"}}});
    }
    if (const Status filled = co_await name_backup(call, *read); !filled) co_return refused_preview(filled.error());
    co_return co_await broker().preview_provision(call, std::move(read->request));
}

Task<Result<Preview>> NativeFace::preview_adoption(const CallContext& call, const PreviewBody& body) const {
    auto parsed = read_strict_body(body.request);
    if (!parsed) co_return refused(parsed.error());
    auto read = read_adopt(std::move(*parsed), longest_wait());
    if (!read) co_return refused(read.error());
    read->request.provider = body.provider;
    read->request.external_name = body.name;
    co_return co_await broker().preview_adopt(call, std::move(read->request));
}

// Of what there is already: the verb's own use case, on what the name means.
Task<Result<Preview>> NativeFace::preview_of(const CallContext& call, const PreviewBody& body) const {
    if (body.verb == "create" || body.verb == "restore") co_return co_await preview_creation(call, body);
    if (body.verb == "adopt") co_return co_await preview_adoption(call, body);
    if (body.verb == "cancel") co_return co_await broker().preview_cancel(call, OperationId(body.operation));
    auto parsed = read_strict_body(body.request);
    if (!parsed) co_return refused(parsed.error());
    const auto found = co_await broker().find_named(call, body.resource);
    if (!found) co_return fail(found.error());
    if (body.verb == "delete") co_return co_await broker().preview_deprovision(call, found->id);
    if (body.verb == "rotate" || body.verb == "confirm") {
        co_return co_await ports_.rotations->preview(broker(), call, found->id, body.verb == "confirm");
    }
    if (body.verb == "backup") {
        auto read = read_backup(std::move(*parsed), longest_wait());
        if (!read) co_return refused(read.error());
        co_return co_await Backups(broker()).preview(call, found->id, std::move(read->request));
    }
    auto read = read_update(std::move(*parsed), longest_wait());
    if (!read) co_return refused(read.error());
    co_return co_await broker().preview_update(call, found->id, std::move(read->request));
}

Task<Response> NativeFace::preview(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    const auto read = read_preview(std::move(*body));
    if (!read) co_return error(request, read.error());
    const bool rotates = read->verb == "rotate" || read->verb == "confirm";
    if (rotates && ports_.rotations == nullptr) co_return not_here("rotation of passwords");
    const auto preview = co_await preview_of(call_of(request), *read);
    if (!preview) co_return error(request, preview.error());
    co_return Response::json(200, preview_json(read->verb, *preview));
}

}  // namespace slipway::faces
