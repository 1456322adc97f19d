// API keys: shown once, listed without what they are.
#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

Task<Response> NativeFace::create_key(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto wanted = read_new_key(std::move(*body));
    if (!wanted) co_return error(request, wanted.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    wanted->idempotency_key = std::move(*key);
    const auto made = co_await administration().create_key(call_of(request), std::move(*wanted));
    if (!made) co_return error(request, made.error());
    json::object out = key_json(made->record);
    out["key"] = made->key.reveal();
    co_return Response::json(201, out)
        .with("Location", "/api/v1/keys/" + made->record.id.str())
        .with("Cache-Control", "no-store");
}

Task<Response> NativeFace::list_keys(Request& request) const {
    QueryReader query(request);
    auto organization = take_organization(query);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().keys(call_of(request), std::move(organization), std::move(page));
    if (!found) co_return error(request, found.error());
    json::array keys;
    for (const ApiKey& each : found->items) keys.push_back(key_json(each));
    co_return Response::json(200, page_json("keys", std::move(keys), found->next));
}

Task<Response> NativeFace::show_key(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().key(call_of(request), ApiKeyId(std::string(request.param("id"))));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, key_json(*found));
}

Task<Response> NativeFace::revoke_key(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto revoked =
        co_await administration().revoke_key(call_of(request), ApiKeyId(std::string(request.param("id"))));
    if (!revoked) co_return error(request, revoked.error());
    co_return Response::empty(204);
}

}  // namespace slipway::faces
