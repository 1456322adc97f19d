#include "faces/native/native_face.h"

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"

namespace slipway::faces {

using http::Method;
using http::Request;
using http::Response;

namespace {

constexpr std::string_view kFace = "native";
constexpr std::size_t kMaxBody = 256UL * 1024;  // bytes; the largest sensible request sets a thousand quotas

}  // namespace

Response NativeFace::render(int status, const Error& error) { return Response::json(status, error_json(error)); }

Response NativeFace::error(const Request& request, const Error& what) {
    return error_response(request, what, render);
}

void add_native(http::Router& router, const FaceContext& context, NativePorts ports) {
    const auto face = std::make_shared<const NativeFace>(context, std::move(ports));
    using Member = Task<Response> (NativeFace::*)(Request&) const;
    const auto add = [&](Method method, std::string_view pattern, Member member, std::size_t max_body = kMaxBody) {
        router.add(method, pattern, [face, member](Request& request) { return ((*face).*member)(request); },
                   {.max_body = max_body, .only_names_logged = true});
    };
    using F = NativeFace;
    add(Method::get, "/api/v1/openapi.yaml", &F::openapi);
    add(Method::get, "/api/v1/openapi/redis.yaml", &F::openapi_redis);
    add(Method::get, "/api/v1/openapi/memcached.yaml", &F::openapi_memcached);
    add(Method::get, "/api/v1/openapi/harbourmaster.yaml", &F::openapi_harbourmaster);
    add(Method::get, "/api/v1/openapi/ec2.yaml", &F::openapi_ec2);
    add(Method::get, "/api/v1/me", &F::me);
    add(Method::get, "/api/v1/plans", &F::list_plans);
    add(Method::post, "/api/v1/plan", &F::preview);
    add(Method::get, "/api/v1/resources", &F::list_resources);
    add(Method::post, "/api/v1/resources", &F::create_resource);
    add(Method::get, "/api/v1/resources/:name", &F::show_resource);
    add(Method::patch, "/api/v1/resources/:name", &F::change_resource);
    add(Method::delete_, "/api/v1/resources/:name", &F::delete_resource);
    add(Method::get, "/api/v1/resources/:name/credentials", &F::credentials);
    add(Method::post, "/api/v1/resources/:name/rotate", &F::rotate);
    add(Method::post, "/api/v1/resources/:name/rotate/confirm", &F::confirm_rotation);
    add(Method::get, "/api/v1/resources/:name/events", &F::timeline);
    add(Method::post, "/api/v1/resources/:name/backups", &F::create_backup);
    add(Method::get, "/api/v1/resources/:name/backups", &F::list_backups);
    add(Method::get, "/api/v1/resources/:name/console", &F::read_console);
    add(Method::post, "/api/v1/resources/:name/console", &F::type_at_console, kMostTyped);
    add(Method::get, "/api/v1/operations", &F::list_operations);
    add(Method::get, "/api/v1/operations/:id", &F::show_operation);
    add(Method::post, "/api/v1/operations/:id/cancel", &F::cancel_operation);
    add(Method::get, "/api/v1/operations/:id/log", &F::operation_log);
    add(Method::get, "/api/v1/events", &F::events);
    add(Method::post, "/api/v1/webhooks", &F::create_webhook);
    add(Method::get, "/api/v1/webhooks", &F::list_webhooks);
    add(Method::get, "/api/v1/webhooks/:id", &F::show_webhook);
    add(Method::patch, "/api/v1/webhooks/:id", &F::change_webhook);
    add(Method::delete_, "/api/v1/webhooks/:id", &F::remove_webhook);
    add(Method::post, "/api/v1/webhooks/:id/test", &F::test_webhook);
    add(Method::post, "/api/v1/keys", &F::create_key);
    add(Method::get, "/api/v1/keys", &F::list_keys);
    add(Method::get, "/api/v1/keys/:id", &F::show_key);
    add(Method::delete_, "/api/v1/keys/:id", &F::revoke_key);
    add(Method::post, "/api/v1/organizations", &F::create_organization);
    add(Method::get, "/api/v1/organizations", &F::list_organizations);
    add(Method::get, "/api/v1/organizations/:id", &F::show_organization);
    add(Method::delete_, "/api/v1/organizations/:id", &F::delete_organization);
    add(Method::get, "/api/v1/organizations/:id/quotas", &F::show_quotas);
    add(Method::put, "/api/v1/organizations/:id/quotas", &F::set_quotas);
    add(Method::get, "/api/v1/usage", &F::usage);
    add(Method::get, "/api/v1/orphans", &F::orphans);
    add(Method::post, "/api/v1/orphans/:provider/:name/adopt", &F::adopt_orphan);
    add(Method::delete_, "/api/v1/orphans/:provider/:name", &F::remove_orphan);
    add(Method::post, "/api/v1/sweep", &F::sweep);
    add(Method::get, "/api/v1/doctor", &F::doctor);
    add(Method::get, "/healthz", &NativeFace::health);
    add(Method::get, "/readyz", &NativeFace::readiness);
    router.group("/api/v1", {.renderer = NativeFace::render,
                             .filter = authenticating(context, std::string(kFace), NativeFace::render)});
    // What the API is anybody may read.
    for (const std::string_view open : {"/api/v1/openapi.yaml", "/api/v1/openapi"}) {
        router.group(open, {.renderer = NativeFace::render, .filter = {}});
    }
}

}  // namespace slipway::faces
