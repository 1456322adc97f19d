#include "faces/redis/redis_face.h"

#include <array>

#include "faces/redis/cache_face.h"
#include "faces/request_body.h"
#include "faces/url.h"

namespace slipway::faces {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr CacheApi kApi{"redis", "redis", "/v1/redis", "REDIS_URL", url_of};

// The one path that is not below a kind's own: it tags instances of every kind.
constexpr std::array<std::string_view, 2> kTagged{"redis", "memcached"};
constexpr std::string_view kOtherFace = "memcached";

Task<Result<Resource>> find_tagged(const FaceContext& context, const Request& request, std::string_view text) {
    for (const std::string_view engine : kTagged) {
        auto found = co_await find_cache(context, request, engine, text);
        if (found || found.error().code != ErrorCode::not_found) co_return found;
    }
    co_return fail(ErrorCode::not_found, "no such resource");
}

Task<Response> tag(const FaceContext& context, Request& request) {
    auto body = read_body(request.body);
    if (!body) co_return error_response(request, body.error());
    const std::string resource = body->required_string("resource");
    std::string name = body->required_string("name");
    if (!body->has("value")) body->problem("value", "is required");
    std::string value = body->optional_string("value").value_or("");
    if (const Status good = body->finish(); !good) co_return error_response(request, good.error());
    const auto found = co_await find_tagged(context, request, resource);
    if (!found) co_return error_response(request, found.error());
    const auto tagged = co_await context.broker.tag(call_of(request), found->id, std::move(name), std::move(value));
    if (!tagged) co_return error_response(request, tagged.error());
    co_return Response::json(200, json::object{{"response", "tag added"}});
}

// Open where either face is. Both are on loopback addresses.
http::Filter tag_filter(const FaceContext& context) {
    const auto& open = context.options.anonymous;
    const bool by_the_other = !open.contains(kApi.face) && open.contains(kOtherFace);
    return authenticating(context, std::string(by_the_other ? kOtherFace : kApi.face));
}

}  // namespace

void add_redis(http::Router& router, const FaceContext& context) {
    const auto face = add_cache(router, context, kApi);
    // As the original's document spells it.
    constexpr std::string_view kMisspelt = "/v1/redis/intance/:name";
    router.add(
        Method::delete_, kMisspelt, [face](Request& request) { return face->remove(request); },
        cache_route_options(kMisspelt));
    router.add(
        Method::post, "/v1/tag", [&context](Request& request) { return tag(context, request); },
        cache_route_options("/v1/tag"));
    router.group("/v1/tag", {.renderer = render_error, .filter = tag_filter(context)});
}

}  // namespace slipway::faces
