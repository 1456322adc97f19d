#include "main/metrics_route.h"

namespace slipway {
namespace {

constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

// It tells plans and loads, and nothing of any tenant: on a loopback address everybody may read it.
Task<Status> check(const MetricsRoute& route, const http::Request& request) {
    if (route.open || request.loopback_listener) co_return Status();
    const auto caller = co_await faces::caller_of(route.faces, "metrics", request);
    if (!caller) co_return fail(caller.error());
    if (caller->role == Role::administrator) co_return Status();
    co_return fail(ErrorCode::forbidden, "this needs a key of an administrator");
}

}  // namespace

void add_metrics(http::Router& router, MetricsRoute route) {
    auto shared = std::make_shared<const MetricsRoute>(std::move(route));
    router.add(http::Method::get, "/metrics", [shared](http::Request& request) -> Task<http::Response> {
        if (const Status allowed = co_await check(*shared, request); !allowed) {
            co_return faces::error_response(request, allowed.error());
        }
        http::Response response = http::Response::text(200, shared->metrics.render(co_await shared->levels()));
        response.content_type = kContentType;
        co_return response;
    });
}

}  // namespace slipway
