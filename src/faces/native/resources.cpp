#include <array>

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/native/values.h"
#include "faces/query.h"
#include "faces/request_body.h"
#include "faces/url.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::array<std::string_view, 7> kStates = {"requested", "provisioning",   "ready", "updating",
                                                     "failed",    "deprovisioning", "gone"};
constexpr std::array<std::string_view, 6> kKinds = {"cache",   "database-server", "database",
                                                    "machine", "cluster",         "backup"};

std::string etag_of(const Resource& resource) { return fmt::format("\"{}\"", resource.version); }

std::string path_of(const Resource& resource) { return "/api/v1/resources/" + resource.id.str(); }

std::string path_of(const Operation& operation) { return "/api/v1/operations/" + operation.id.str(); }

bool open(const std::optional<Operation>& operation) { return operation && !is_terminal(operation->state); }

LabelSelector take_selector(QueryReader& query) {
    const auto text = query.text("selector", 1'024);
    if (!text) return {};
    auto selector = parse_selector(*text);
    if (selector) return std::move(*selector);
    query.problem("selector", selector.error().message);
    return {};
}

}  // namespace

Task<Response> NativeFace::list_resources(Request& request) const {
    QueryReader query(request);
    ResourceFilter filter;
    filter.organization = take_organization(query);
    if (const auto kind = query.one_of("kind", kKinds)) filter.kind = parse_kind(*kind);
    filter.engine = query.text("engine");
    filter.plan = query.text("plan");
    filter.provider = query.text("provider");
    filter.state = query.one_of("state", kStates);
    filter.billing_code = query.text("billing_code");
    filter.name = query.text("name");
    filter.address = query.text("address");
    filter.pooled = query.boolean("pooled");
    filter.labels = query.prefixed("label.");
    const auto server = query.text("server");
    filter.include_gone = query.boolean("include_gone").value_or(filter.state == "gone");
    LabelSelector selector = take_selector(query);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (server) {
        auto id = co_await broker().shared_server(*server);
        if (!id) co_return error(request, id.error());
        // Whatever there is may be there for others: nothing lives on it is all that is said.
        if (!*id) co_return Response::json(200, page_json("resources", {}, ""));
        filter.placed_on = std::move(*id);
    }
    const auto found =
        co_await broker().list(call_of(request), std::move(filter), std::move(selector), std::move(page));
    if (!found) co_return error(request, found.error());
    const auto shared = co_await broker().sharing(call_of(request), found->items);
    if (!shared) co_return error(request, shared.error());
    json::array resources;
    for (std::size_t i = 0; i < found->items.size(); ++i) {
        resources.push_back(resource_json(found->items[i], (*shared)[i]));
    }
    co_return Response::json(200, page_json("resources", std::move(resources), found->next));
}

Task<Result<Sharing>> NativeFace::sharing_of(const CallContext& call, const Resource& resource) const {
    auto shared = co_await broker().sharing(call, std::span(&resource, 1));
    if (!shared) co_return fail(shared.error());
    co_return std::move((*shared)[0]);
}

Task<Response> NativeFace::show_resource(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    const auto shared = co_await sharing_of(call_of(request), *found);
    if (!shared) co_return error(request, shared.error());
    co_return Response::json(200, resource_json(*found, *shared)).with("ETag", etag_of(*found));
}

Task<Result<Operation>> NativeFace::wait_for(Operation operation, Duration limit) const {
    if (limit == Duration::zero() || is_terminal(operation.state)) co_return operation;
    co_return co_await broker().wait(operation.id, limit);
}

// What was accepted goes on whether anybody waits or not.
Task<Response> NativeFace::answer_accepted(const Request& request, Accepted accepted, Duration wait,
                                           bool made) const {
    if (accepted.operation && wait > Duration::zero()) {
        auto ended = co_await wait_for(std::move(*accepted.operation), wait);
        if (!ended) co_return error(request, ended.error());
        accepted.operation = std::move(*ended);
        auto now = co_await broker().find(call_of(request), accepted.resource.id);
        if (!now) co_return error(request, now.error());
        accepted.resource = std::move(*now);
    }
    const auto shared = co_await sharing_of(call_of(request), accepted.resource);
    if (!shared) co_return error(request, shared.error());
    int status = open(accepted.operation) ? 202 : 200;
    const bool there = endpoint_of(accepted.resource.state) != nullptr ||
                       std::holds_alternative<resource_state::Ready>(accepted.resource.state);
    if (made) status = there ? 201 : 202;
    co_return Response::json(status, accepted_json(accepted.resource, *shared, accepted.operation))
        .with("Location", path_of(accepted.resource))
        .with("ETag", etag_of(accepted.resource));
}

Task<Response> NativeFace::create_resource(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto read = read_provision(std::move(*body), broker().catalog(), call_of(request), longest_wait());
    if (!read) co_return error(request, read.error());
    if (const Status filled = co_await name_backup(call_of(request), *read); !filled) {
        co_return error(request, filled.error());
    }
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    read->request.idempotency_key = std::move(*key);
    auto accepted = co_await broker().provision(call_of(request), std::move(read->request));
    if (!accepted) co_return error(request, accepted.error());
    co_return co_await answer_accepted(request, std::move(*accepted), read->wait, true);
}

Task<Response> NativeFace::change_resource(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto read = read_update(std::move(*body), longest_wait());
    if (!read) co_return error(request, read.error());
    auto version = version_of(request);
    if (!version) co_return error(request, version.error());
    read->request.if_version = *version;
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    auto accepted = co_await broker().update(call_of(request), found->id, std::move(read->request));
    if (!accepted) co_return error(request, accepted.error());
    co_return co_await answer_accepted(request, std::move(*accepted), read->wait, false);
}

Task<Response> NativeFace::delete_resource(Request& request) const {
    QueryReader query(request);
    const Duration wait = take_wait(query, "wait_seconds", longest_wait());
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    auto accepted = co_await broker().deprovision(call_of(request), found->id);
    if (!accepted) co_return error(request, accepted.error());
    if (!accepted->operation) {
        co_return error(request, Error{ErrorCode::internal, "the removal has no operation", {}, {}});
    }
    const auto operation = co_await wait_for(std::move(*accepted->operation), wait);
    if (!operation) co_return error(request, operation.error());
    co_return Response::json(is_terminal(operation->state) ? 200 : 202, operation_json(*operation, found->kind))
        .with("Location", path_of(*operation));
}

// The one answer that shows a password, to the organization that it belongs to.
Task<Response> NativeFace::credentials(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    const auto password = co_await broker().password(call_of(request), *found);
    if (!password) co_return error(request, password.error());
    const Endpoint* endpoint = endpoint_of(found->state);
    if (endpoint == nullptr) {
        co_return error(request,
                        Error{ErrorCode::conflict,
                              fmt::format("it is {}: nothing can be reached there", state_name(found->state)),
                              {},
                              {}});
    }
    const Access access = access_of(*found, *endpoint, *password);
    json::object out{{"url", access.url},
                     {"scheme", endpoint->scheme},
                     {"host", endpoint->host},
                     {"port", endpoint->port},
                     {"username", text_or_null(access.user)},
                     {"password", nullptr},
                     {"database", text_or_null(access.database)}};
    if (*password) out["password"] = (*password)->reveal();
    co_return Response::json(200, out).with("Cache-Control", "no-store");
}

}  // namespace slipway::faces
