#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/native/values.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

WebhookId id_in(const Request& request) { return WebhookId(std::string(request.param("id"))); }

}  // namespace

Task<Response> NativeFace::create_webhook(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto wanted = read_new_webhook(std::move(*body));
    if (!wanted) co_return error(request, wanted.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    wanted->idempotency_key = std::move(*key);
    const auto made = co_await administration().create_webhook(call_of(request), std::move(*wanted));
    if (!made) co_return error(request, made.error());
    json::object out = webhook_json(made->record);
    out["secret"] = made->secret.reveal();
    co_return Response::json(201, out)
        .with("Location", "/api/v1/webhooks/" + made->record.id.str())
        .with("Cache-Control", "no-store");
}

Task<Response> NativeFace::list_webhooks(Request& request) const {
    QueryReader query(request);
    auto organization = take_organization(query);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().webhooks(call_of(request), std::move(organization));
    if (!found) co_return error(request, found.error());
    json::array webhooks;
    for (const Webhook& each : *found) webhooks.push_back(webhook_json(each));
    co_return Response::json(200, page_json("webhooks", std::move(webhooks), ""));
}

Task<Response> NativeFace::show_webhook(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().webhook(call_of(request), id_in(request));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, webhook_json(*found));
}

Task<Response> NativeFace::change_webhook(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto change = read_webhook_change(std::move(*body));
    if (!change) co_return error(request, change.error());
    const auto changed =
        co_await administration().change_webhook(call_of(request), id_in(request), std::move(*change));
    if (!changed) co_return error(request, changed.error());
    co_return Response::json(200, webhook_json(*changed));
}

Task<Response> NativeFace::remove_webhook(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const Status removed = co_await administration().remove_webhook(call_of(request), id_in(request));
    if (!removed) co_return error(request, removed.error());
    co_return Response::empty(204);
}

Task<Response> NativeFace::test_webhook(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    if (const Status good = finish_strictly(*body, {}); !good) co_return error(request, good.error());
    const auto found = co_await administration().changeable_webhook(call_of(request), id_in(request));
    if (!found) co_return error(request, found.error());
    if (!ports_.test_webhook) co_return not_here("the delivery of webhooks");
    const auto posted = co_await ports_.test_webhook(found->id);
    if (!posted) co_return error(request, posted.error());
    json::object out{{"delivered", posted->delivered}, {"status", nullptr}, {"error", text_or_null(posted->error)}};
    if (posted->status) out["status"] = *posted->status;
    co_return Response::json(200, out);
}

}  // namespace slipway::faces
