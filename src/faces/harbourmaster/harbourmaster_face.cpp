#include "faces/harbourmaster/harbourmaster_face.h"

#include "faces/harbourmaster/handlers.h"
#include "faces/harbourmaster/media_types.h"

namespace slipway::faces {

using http::Method;
using http::Request;
using http::Response;

namespace {

constexpr std::string_view kFace = "harbourmaster";
constexpr std::size_t kMaxBody = 64UL * 1024;  // bytes; the largest sensible request has some hundred
constexpr std::string_view kOrganization = "/v1/organizations/:organization";
constexpr std::string_view kCluster = "/v1/organizations/:organization/clusters/:cluster";
constexpr std::string_view kDatabases = "/v1/organizations/:organization/clusters/:cluster/hephy/databases";

constexpr int kNotAcceptable = 406;
constexpr int kUnsupportedMediaType = 415;

// Who calls comes first: a stranger is told nothing else.
http::Filter filter_of(const FaceContext& context) {
    return [known = authenticating(context, std::string(kFace), HarbourMasterFace::render)](
               Request& request) -> Task<std::optional<Response>> {
        if (auto answer = co_await known(request)) co_return answer;
        if (!accepts_json(request.headers)) {
            co_return HarbourMasterFace::render(
                kNotAcceptable,
                Error{ErrorCode::invalid_argument, "answers are JSON: send Accept: application/json", {}, {}});
        }
        const auto type = request.headers.get("content-type");
        if (announces_body(request.headers) && !(type && is_json(*type))) {
            co_return HarbourMasterFace::render(
                kUnsupportedMediaType,
                Error{ErrorCode::invalid_argument, "bodies are JSON: send Content-Type: application/json", {}, {}});
        }
        co_return std::nullopt;
    };
}

}  // namespace

Response HarbourMasterFace::render(int status, const Error& error) {
    json::object body{{"error", describe(error)}};
    if (!error.problems.empty()) {
        json::array details;
        for (const FieldProblem& each : error.problems) {
            details.push_back(json::object{{"field", each.field}, {"problem", each.problem}});
        }
        body["details"] = std::move(details);
    }
    return Response::json(status, body);
}

Response HarbourMasterFace::error(const Request& request, const Error& what) const {
    Response response = error_response(request, what, render);
    constexpr int kUnprocessable = 422;
    if (what.code == ErrorCode::invalid_argument) response.status = kUnprocessable;
    return response;
}

void add_harbourmaster(http::Router& router, const FaceContext& context, HarbourMasterPorts ports) {
    const auto face = std::make_shared<const HarbourMasterFace>(context, std::move(ports));
    using Member = Task<Response> (HarbourMasterFace::*)(Request&) const;
    const auto add = [&](Method method, std::string_view base, std::string_view rest, Member member) {
        router.add(method, std::string(base) + std::string(rest),
                   [face, member](Request& request) { return ((*face).*member)(request); },
                   {.max_body = kMaxBody, .only_names_logged = true});
    };
    using F = HarbourMasterFace;
    add(Method::post, kDatabases, "", &F::create_database);
    add(Method::get, kDatabases, "", &F::show_database);
    add(Method::delete_, kDatabases, "", &F::remove_database);
    add(Method::post, kDatabases, "/backups", &F::create_backup);
    add(Method::get, kDatabases, "/backups", &F::list_backups);
    add(Method::get, kDatabases, "/backups/:backup", &F::show_backup);
    add(Method::delete_, kDatabases, "/backups/:backup", &F::remove_backup);
    add(Method::post, kDatabases, "/backups/:backup/restore", &F::restore_backup);
    add(Method::post, kDatabases, "/rotate", &F::rotate_password);
    add(Method::post, "/v1/hephy/instances", "", &F::create_instance);
    add(Method::get, "/v1/hephy/instances", "", &F::list_instances);
    add(Method::get, "/v1/hephy/instances", "/:name", &F::show_instance);
    add(Method::delete_, "/v1/hephy/instances", "/:name", &F::remove_instance);
    add(Method::get, "/v2/hephy/available", "", &F::available);
    add(Method::post, "/v1/organizations", "", &F::create_organization);
    add(Method::get, "/v1/organizations", "", &F::list_organizations);
    add(Method::get, kOrganization, "", &F::show_organization);
    add(Method::delete_, kOrganization, "", &F::delete_organization);
    add(Method::post, kOrganization, "/keys", &F::create_key);
    add(Method::get, kOrganization, "/keys", &F::list_keys);
    add(Method::delete_, kOrganization, "/keys/:id", &F::revoke_key);
    add(Method::get, kOrganization, "/backups", &F::list_all_backups);
    add(Method::get, kOrganization, "/backups/:backup", &F::show_any_backup);
    add(Method::delete_, kOrganization, "/backups/:backup", &F::remove_any_backup);
    add(Method::post, kOrganization, "/clusters", &F::create_cluster);
    add(Method::get, kOrganization, "/clusters", &F::list_clusters);
    add(Method::get, kCluster, "", &F::show_cluster);
    add(Method::delete_, kCluster, "", &F::remove_cluster);
    for (const std::string_view prefix : {"/v1/organizations", "/v1/hephy", "/v2/hephy"}) {
        router.group(prefix, {.renderer = HarbourMasterFace::render, .filter = filter_of(context)});
    }
}

}  // namespace slipway::faces
