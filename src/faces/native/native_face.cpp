#include "faces/native/native_face.h"

#include "faces/native/handlers.h"

namespace slipway::faces {

using http::Method;
using http::Request;
using http::Response;

namespace {

constexpr std::string_view kFace = "native";

}  // namespace

Response NativeFace::render(int status, const Error& error) {
    json::array problems;
    for (const FieldProblem& problem : error.problems) {
        problems.push_back(json::object{{"field", problem.field}, {"problem", problem.problem}});
    }
    return Response::json(status, json::object{{"error", describe(error)},
                                               {"code", to_string(error.code)},
                                               {"problems", std::move(problems)}});
}

Response NativeFace::error(const Request& request, const Error& what) {
    return error_response(request, what, render);
}

Status NativeFace::administrators_only(const Request& request) {
    if (call_of(request).caller.role == Role::administrator) return {};
    return fail(ErrorCode::forbidden, "this needs a key of an administrator");
}

void add_native(http::Router& router, const FaceContext& context, NativePorts ports) {
    const auto face = std::make_shared<const NativeFace>(context, std::move(ports));
    using Member = Task<Response> (NativeFace::*)(Request&) const;
    const auto add = [&](Method method, std::string_view pattern, Member member) {
        router.add(method, pattern, [face, member](Request& request) { return ((*face).*member)(request); });
    };
    add(Method::get, "/api/v1/resources", &NativeFace::list_resources);
    add(Method::get, "/api/v1/resources/:id", &NativeFace::show_resource);
    add(Method::delete_, "/api/v1/resources/:id", &NativeFace::delete_resource);
    add(Method::get, "/api/v1/resources/:id/events", &NativeFace::timeline);
    add(Method::get, "/api/v1/operations", &NativeFace::list_operations);
    add(Method::get, "/api/v1/operations/:id", &NativeFace::show_operation);
    add(Method::post, "/api/v1/operations/:id/cancel", &NativeFace::cancel_operation);
    add(Method::get, "/api/v1/orphans", &NativeFace::orphans);
    add(Method::post, "/api/v1/sweep", &NativeFace::sweep);
    add(Method::get, "/api/v1/doctor", &NativeFace::doctor);
    add(Method::get, "/healthz", &NativeFace::health);
    add(Method::get, "/readyz", &NativeFace::readiness);
    router.group("/api/v1", {.renderer = NativeFace::render,
                             .filter = authenticating(context, std::string(kFace), NativeFace::render)});
}

}  // namespace slipway::faces
