// The API that caches of every kind share. What differs between kinds is a row of words; the handlers are the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "faces/face.h"
#include "http/body.h"

namespace slipway::faces {

struct CacheApi {
    std::string_view face;  // for keys, anonymous callers and the record
    std::string_view engine;
    std::string_view prefix;   // of its paths
    std::string_view url_key;  // the member of answers that holds the URL
    std::string (*url)(const Endpoint& endpoint, const std::optional<Secret>& password);
};

// The instance of this kind that the text names (names.h), if the caller may see it.
Task<Result<Resource>> find_cache(const FaceContext& context, const http::Request& request, std::string_view engine,
                                  std::string_view text);

class CacheFace {
  public:
    CacheFace(const FaceContext& context, const CacheApi& api) : context_(context), api_(api) {}

    using Handler = Task<http::Response> (CacheFace::*)(http::Request&) const;
    Task<http::Response> plans(http::Request& request) const;
    Task<http::Response> create(http::Request& request) const;
    Task<http::Response> url(http::Request& request) const;
    Task<http::Response> remove(http::Request& request) const;
    Task<http::Response> list(http::Request& request) const;
    Task<http::Response> show(http::Request& request) const;

    Task<Result<Resource>> find(const http::Request& request, std::string_view text) const;

  private:
    [[nodiscard]] Broker& broker() const { return context_.broker; }
    [[nodiscard]] std::string take_plan(http::BodyReader& body) const;
    [[nodiscard]] http::Response pending(const Resource& resource, const OperationId& operation) const;
    Task<Result<std::string>> url_for(const CallContext& call, const Resource& resource) const;
    Task<http::Response> answer_url(const http::Request& request, const Resource& resource) const;
    Task<http::Response> answer_created(const http::Request& request, Accepted accepted) const;

    const FaceContext& context_;
    const CacheApi& api_;
};

// Names come with passwords in front of them: no path that holds one is logged as it came.
http::RouteOptions cache_route_options(std::string_view pattern);

// Adds plans, instances and URLs below the prefix, and who may call there. The context outlives the router; the
// words live for ever.
std::shared_ptr<const CacheFace> add_cache(http::Router& router, const FaceContext& context, const CacheApi& api);

}  // namespace slipway::faces
