#include <array>

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::array<std::string_view, 7> kStates = {"requested", "provisioning",   "ready", "updating",
                                                     "failed",    "deprovisioning", "gone"};
constexpr std::array<std::string_view, 5> kKinds = {"cache", "database-server", "database", "machine", "cluster"};
constexpr std::string_view kIdPrefix = "res_";

}  // namespace

Task<Result<Resource>> NativeFace::find(const CallContext& call, std::string_view id_or_name) const {
    if (id_or_name.starts_with(kIdPrefix))
        co_return co_await broker().find(call, ResourceId(std::string(id_or_name)));
    ResourceFilter filter;
    filter.name = std::string(id_or_name);
    auto page = co_await broker().list(call, std::move(filter), {"", 2});
    if (!page) co_return fail(page.error());
    if (page->items.empty()) co_return fail(ErrorCode::not_found, "no such resource");
    if (page->items.size() > 1) co_return fail(ErrorCode::conflict, "several resources have this name; use an id");
    co_return std::move(page->items[0]);
}

Task<Response> NativeFace::list_resources(Request& request) const {
    QueryReader query(request);
    ResourceFilter filter;
    if (const auto kind = query.one_of("kind", kKinds)) filter.kind = parse_kind(*kind);
    filter.engine = query.text("engine");
    filter.plan = query.text("plan");
    filter.provider = query.text("provider");
    filter.state = query.one_of("state", kStates);
    filter.billing_code = query.text("billing_code");
    filter.name = query.text("name");
    filter.pooled = query.boolean("pooled");
    filter.labels = query.prefixed("label.");
    filter.include_gone = query.boolean("include_gone").value_or(filter.state == "gone");
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await broker().list(call_of(request), std::move(filter), std::move(page));
    if (!found) co_return error(request, found.error());
    json::array resources;
    for (const Resource& resource : found->items) resources.push_back(resource_json(resource));
    co_return Response::json(200, page_json("resources", std::move(resources), found->next));
}

Task<Response> NativeFace::show_resource(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await find(call_of(request), request.param("id"));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, resource_json(*found));
}

Task<Response> NativeFace::delete_resource(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await find(call_of(request), request.param("id"));
    if (!found) co_return error(request, found.error());
    const auto accepted = co_await broker().deprovision(call_of(request), found->id);
    if (!accepted) co_return error(request, accepted.error());
    if (!accepted->operation) {
        co_return error(request, Error{ErrorCode::internal, "the removal has no operation", {}, {}});
    }
    co_return Response::json(202, operation_json(*accepted->operation))
        .with("Location", "/api/v1/operations/" + accepted->operation->id.str());
}

Task<Response> NativeFace::timeline(Request& request) const {
    QueryReader query(request);
    const auto after = query.integer("after", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
    const auto limit = query.integer("limit", 1, 1000).value_or(100);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await find(call_of(request), request.param("id"));
    if (!found) co_return error(request, found.error());
    const auto events = co_await broker().timeline(call_of(request), found->id, static_cast<std::uint64_t>(after),
                                                   static_cast<std::uint32_t>(limit));
    if (!events) co_return error(request, events.error());
    json::array items;
    for (const Event& event : *events) items.push_back(event_json(event));
    // A full page may be the last one: the next, empty one tells.
    const bool full = std::ssize(*events) == limit;
    const std::string next = full ? std::to_string(events->back().sequence) : std::string();
    co_return Response::json(200, page_json("events", std::move(items), next));
}

}  // namespace slipway::faces
