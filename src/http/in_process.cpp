#include "http/in_process.h"

#include "base/log.h"
#include "http/request_access.h"

namespace slipway::http {
namespace {

Error error_of(ErrorCode code, std::string message) { return Error{code, std::move(message), {}, {}}; }

Task<Response> run(const Router& router, const Route& route, Request& request) {
    RequestAccess::bind(request, route);
    if (const Filter* filter = router.filter_for(request.path())) {
        std::optional<Response> early = co_await (*filter)(request);
        if (early) co_return std::move(*early);
    }
    co_return co_await route.handler(request);
}

}  // namespace

Task<Response> answer_in_process(const Router& router, Request& request) {
    const Router::Match match = router.match(request.method, RequestAccess::target(request));
    if (match.route == nullptr) {
        if (match.allow.empty()) {
            co_return router.render_error(request.path(), 404, error_of(ErrorCode::not_found, "no such path"));
        }
        if (request.method == Method::options) co_return Response::empty(204).with("Allow", match.allow);
        const Error error = error_of(ErrorCode::invalid_argument, "this path does not take that method");
        co_return router.render_error(request.path(), 405, error).with("Allow", match.allow);
    }
    std::string what;
    try {
        co_return co_await run(router, *match.route, request);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "unknown exception";
    }
    log::error("http", "a handler threw", {{"route", match.route->options.label}, {"what", what}});
    co_return router.render_error(request.path(), 500, error_of(ErrorCode::internal, "internal error"));
}

}  // namespace slipway::http
