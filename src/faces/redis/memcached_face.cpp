#include "faces/redis/memcached_face.h"

#include "faces/redis/cache_face.h"
#include "faces/url.h"

namespace slipway::faces {
namespace {

using http::Method;
using http::Request;
using http::Response;

// HOST:PORT: memcached's clients know no scheme, and there is no password.
std::string bare(const Endpoint& endpoint, const std::optional<Secret>& /*password*/) {
    return address_of(endpoint);
}

constexpr CacheApi kApi{"memcached", "memcached", "/v1/memcached", "MEMCACHED_URL", bare};

class EngineHandlers {
  public:
    EngineHandlers(std::shared_ptr<const CacheFace> face, const EngineOperations& engines)
        : face_(std::move(face)), engines_(engines) {}

    Task<Response> statistics(Request& request) const {
        const auto found = co_await face_->find(request, request.param("name"));
        if (!found) co_return error_response(request, found.error());
        const auto told = co_await engines_.statistics(call_of(request), found->id);
        if (!told) co_return error_response(request, told.error());
        json::array figures;
        for (const Statistic& each : *told) {
            figures.push_back(json::object{{"key", each.key}, {"value", each.value}});
        }
        co_return Response::json(200, figures);
    }

    Task<Response> flush(Request& request) const {
        const auto found = co_await face_->find(request, request.param("name"));
        if (!found) co_return error_response(request, found.error());
        const auto flushed = co_await engines_.flush(call_of(request), found->id);
        if (!flushed) co_return error_response(request, flushed.error());
        co_return Response::json(200, json::object{{"flush_all", "OK"}});
    }

  private:
    std::shared_ptr<const CacheFace> face_;
    const EngineOperations& engines_;
};

}  // namespace

void add_memcached(http::Router& router, const FaceContext& context, const EngineOperations& engines) {
    const auto handlers = std::make_shared<const EngineHandlers>(add_cache(router, context, kApi), engines);
    constexpr std::string_view kStatistics = "/v1/memcached/operations/stats/:name";
    constexpr std::string_view kCache = "/v1/memcached/operations/cache/:name";
    router.add(
        Method::get, kStatistics, [handlers](Request& request) { return handlers->statistics(request); },
        cache_route_options(kStatistics));
    router.add(
        Method::delete_, kCache, [handlers](Request& request) { return handlers->flush(request); },
        cache_route_options(kCache));
}

}  // namespace slipway::faces
