#include "faces/redis/cache_face.h"

#include <fmt/format.h>

#include "faces/query.h"
#include "faces/redis/names.h"
#include "faces/redis/shapes.h"
#include "faces/request_body.h"

namespace slipway::faces {
namespace {

constexpr std::size_t kMaxBody = 64UL * 1024;  // bytes; the largest sensible request has some hundred

// The broker's names of fields in those of this protocol.
Error in_its_words(Error error) {
    for (FieldProblem& problem : error.problems) {
        if (problem.field == "billing_code") problem.field = "billingcode";
    }
    return error;
}

}  // namespace

using http::Method;
using http::Request;
using http::Response;

// A field of the request that names a plan, or a problem that says which there are.
std::string CacheFace::take_plan(http::BodyReader& body) const {
    const Catalog& catalog = broker().catalog();
    std::string names;
    for (const Plan* plan : catalog.of(Kind::cache, api_.engine)) names += (names.empty() ? "" : ", ") + plan->name;
    const std::string allowed = names.empty() ? "no plans are offered here" : "one of: " + names;
    const json::value* given = body.object().if_contains("plan");
    if (given == nullptr || given->is_null()) {
        body.problem("plan", "is required; " + allowed);
    } else if (!given->is_string()) {
        body.problem("plan", "must be a string; " + allowed);
    } else if (catalog.find(Kind::cache, api_.engine, std::string_view(given->get_string())) == nullptr) {
        body.problem("plan", "is unknown; " + allowed);
    } else {
        return std::string(given->get_string());
    }
    return {};
}

// Accepted, and not there yet: where to look again.
Response CacheFace::pending(const Resource& resource, const OperationId& operation) const {
    const json::object body{{api_.url_key, ""}, {"name", resource.name}, {"operation", operation.str()}};
    return Response::json(202, body)
        .with("Location", fmt::format("{}/instance/{}", api_.prefix, resource.name))
        .with("Retry-After", "1");
}

Task<Response> CacheFace::plans(Request& /*request*/) const {
    json::object body;
    for (const Plan* plan : broker().catalog().of(Kind::cache, api_.engine)) body[plan->name] = plan->title;
    co_return Response::json(200, body);
}

Task<Result<Resource>> find_cache(const FaceContext& context, const Request& request, std::string_view engine,
                                  std::string_view text) {
    const std::string_view name = instance_name(text);
    if (name.empty()) co_return fail(ErrorCode::not_found, "no such resource");
    co_return co_await context.broker.find_by_name(call_of(request), Kind::cache, std::string(engine),
                                                   std::string(name));
}

Task<Result<Resource>> CacheFace::find(const Request& request, std::string_view text) const {
    return find_cache(context_, request, api_.engine, text);
}

// With the password for its owner. Administrators of others and keys that may only read get it without.
Task<Result<std::string>> CacheFace::url_for(const CallContext& call, const Resource& resource) const {
    const Endpoint* endpoint = endpoint_of(resource.state);
    if (endpoint == nullptr) co_return std::string();
    const bool owner = call.caller.organization == resource.organization && call.caller.role != Role::reader;
    if (!owner) co_return api_.url(*endpoint, std::nullopt);
    const auto password = co_await broker().password(call, resource);
    if (!password) co_return fail(password.error());
    co_return api_.url(*endpoint, *password);
}

// Where an instance stands, in the words of the contract.
Task<Response> CacheFace::answer_url(const Request& request, const Resource& resource) const {
    if (endpoint_of(resource.state) != nullptr) {
        const auto url = co_await url_for(call_of(request), resource);
        if (!url) co_return error_response(request, url.error());
        co_return Response::json(200, json::object{{api_.url_key, *url}});
    }
    if (const auto* failed = std::get_if<resource_state::Failed>(&resource.state)) {
        co_return error_response(request, Error{ErrorCode::provider_failure, failed->reason, {}, {}});
    }
    if (const OperationId operation = active_operation(resource.state);
        !operation.empty() && !std::holds_alternative<resource_state::Deprovisioning>(resource.state)) {
        co_return pending(resource, operation);
    }
    co_return error_response(request, Error{ErrorCode::not_found, "no such resource: it is being deleted", {}, {}});
}

Task<Response> CacheFace::create(Request& request) const {
    auto body = read_body(request.body);
    if (!body) co_return error_response(request, body.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error_response(request, key.error());
    ProvisionRequest wanted;
    wanted.face = api_.face;
    wanted.kind = Kind::cache;
    wanted.engine = api_.engine;
    wanted.plan = take_plan(*body);
    wanted.billing_code = body->required_string("billingcode", {.min_length = 1, .max_length = 128});
    wanted.idempotency_key = std::move(*key);
    if (const Status good = body->finish(); !good) co_return error_response(request, good.error());
    auto accepted = co_await broker().provision(call_of(request), std::move(wanted));
    if (!accepted) co_return error_response(request, in_its_words(accepted.error()));
    co_return co_await answer_created(request, std::move(*accepted));
}

// Waits for the instance. What was accepted goes on whether anybody waits or not.
Task<Response> CacheFace::answer_created(const Request& request, Accepted accepted) const {
    if (accepted.operation) {
        const auto ended = co_await broker().wait(accepted.operation->id, context_.options.wait_limit);
        if (!ended) co_return error_response(request, ended.error());
        if (!is_terminal(ended->state)) co_return pending(accepted.resource, ended->id);
        if (const auto* failed = std::get_if<operation_state::Failed>(&ended->state)) {
            co_return error_response(request, Error{ErrorCode::provider_failure, failed->reason, {}, {}});
        }
        if (const auto* cancelled = std::get_if<operation_state::Cancelled>(&ended->state)) {
            co_return error_response(
                request, Error{ErrorCode::cancelled, "the creation was cancelled: " + cancelled->reason, {}, {}});
        }
    }
    const auto now = co_await broker().find(call_of(request), accepted.resource.id);
    if (!now) co_return error_response(request, now.error());
    const bool leaving = std::holds_alternative<resource_state::Deprovisioning>(now->state) ||
                         std::holds_alternative<resource_state::Gone>(now->state);
    if (leaving) {
        const std::string why = accepted.replayed
                                    ? "what this Idempotency-Key made was deleted since; use a new key"
                                    : "it was deleted while it was being made";
        co_return error_response(request, Error{ErrorCode::conflict, why, {}, {}});
    }
    co_return co_await answer_url(request, *now);
}

Task<Response> CacheFace::url(Request& request) const {
    const auto found = co_await find(request, request.param("name"));
    if (!found) co_return error_response(request, found.error());
    co_return co_await answer_url(request, *found);
}

Task<Response> CacheFace::remove(Request& request) const {
    const auto found = co_await find(request, request.param("name"));
    if (!found) co_return error_response(request, found.error());
    const auto accepted = co_await broker().deprovision(call_of(request), found->id);
    if (!accepted) co_return error_response(request, accepted.error());
    co_return Response::json(200, deleted_cluster(accepted->resource));
}

Task<Response> CacheFace::list(Request& request) const {
    QueryReader query(request);
    ResourceFilter filter;
    filter.kind = Kind::cache;
    filter.engine = api_.engine;
    filter.pooled = false;
    filter.billing_code = query.text("billingcode");
    filter.plan = query.text("plan");
    filter.labels = query.prefixed("tag.");
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error_response(request, good.error());
    const auto found = co_await broker().list(call_of(request), std::move(filter), std::move(page));
    if (!found) co_return error_response(request, found.error());
    json::array instances;
    for (const Resource& resource : found->items) {
        json::object summary = instance_summary(resource);
        const Endpoint* endpoint = endpoint_of(resource.state);
        summary[api_.url_key] = endpoint != nullptr ? api_.url(*endpoint, std::nullopt) : "";
        instances.push_back(std::move(summary));
    }
    co_return Response::json(200, page_json("instances", std::move(instances), found->next));
}

Task<Response> CacheFace::show(Request& request) const {
    const auto found = co_await find(request, request.param("name"));
    if (!found) co_return error_response(request, found.error());
    const auto url = co_await url_for(call_of(request), *found);
    if (!url) co_return error_response(request, url.error());
    json::object body = instance_summary(*found);
    body[api_.url_key] = *url;
    if (const OperationId operation = active_operation(found->state); !operation.empty()) {
        body["operation"] = operation.str();
    }
    co_return Response::json(200, body);
}

http::RouteOptions cache_route_options(std::string_view pattern) {
    http::RouteOptions options{.max_body = kMaxBody};
    if (pattern.ends_with("/:name")) options.redacted = {"name"};
    return options;
}

std::shared_ptr<const CacheFace> add_cache(http::Router& router, const FaceContext& context, const CacheApi& api) {
    const auto face = std::make_shared<const CacheFace>(context, api);
    const auto add = [&](Method method, std::string_view path, CacheFace::Handler member) {
        const std::string pattern = fmt::format("{}{}", api.prefix, path);
        router.add(
            method, pattern, [face, member](Request& request) { return ((*face).*member)(request); },
            cache_route_options(pattern));
    };
    add(Method::get, "/plans", &CacheFace::plans);
    add(Method::post, "/instance", &CacheFace::create);
    add(Method::get, "/instance", &CacheFace::list);
    add(Method::get, "/instance/:name", &CacheFace::show);
    add(Method::delete_, "/instance/:name", &CacheFace::remove);
    add(Method::get, "/url/:name", &CacheFace::url);
    router.group(std::string(api.prefix),
                 {.renderer = render_error, .filter = authenticating(context, std::string(api.face))});
    return face;
}

}  // namespace slipway::faces
