#include "faces/redis/redis_face.h"

#include <fmt/format.h>

#include "faces/query.h"
#include "faces/redis/names.h"
#include "faces/redis/shapes.h"
#include "faces/request_body.h"
#include "faces/url.h"

namespace slipway::faces {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::string_view kFace = "redis";
constexpr std::string_view kEngine = "redis";
constexpr std::size_t kMaxBody = 64UL * 1024;  // bytes; the largest sensible request has some hundred

// A field of the request that names a plan, or a problem that says which there are.
std::string take_plan(http::BodyReader& body, const Catalog& catalog) {
    std::string names;
    for (const Plan* plan : catalog.of(Kind::cache, kEngine)) names += (names.empty() ? "" : ", ") + plan->name;
    const json::value* given = body.object().if_contains("plan");
    if (given == nullptr || given->is_null()) {
        body.problem("plan", "is required; one of: " + names);
    } else if (!given->is_string()) {
        body.problem("plan", "must be a string; one of: " + names);
    } else if (catalog.find(Kind::cache, kEngine, std::string_view(given->get_string())) == nullptr) {
        body.problem("plan", "is unknown; one of: " + names);
    } else {
        return std::string(given->get_string());
    }
    return {};
}

// The broker's names of fields in those of this protocol.
Error in_its_words(Error error) {
    for (FieldProblem& problem : error.problems) {
        if (problem.field == "billing_code") problem.field = "billingcode";
    }
    return error;
}

class RedisFace {
  public:
    explicit RedisFace(const FaceContext& context) : context_(context) {}

    Task<Response> plans(Request& request) const;
    Task<Response> create(Request& request) const;
    Task<Response> url(Request& request) const;
    Task<Response> remove(Request& request) const;
    Task<Response> tag(Request& request) const;
    Task<Response> list(Request& request) const;
    Task<Response> show(Request& request) const;

  private:
    [[nodiscard]] Broker& broker() const { return context_.broker; }
    Task<Result<Resource>> find(const Request& request, std::string_view text) const;
    Task<Result<std::string>> url_for(const CallContext& call, const Resource& resource) const;
    Task<Response> answer_url(const Request& request, const Resource& resource) const;
    Task<Response> answer_created(const Request& request, Accepted accepted) const;

    const FaceContext& context_;
};

// Accepted, and not there yet: where to look again.
Response pending(const Resource& resource, const OperationId& operation) {
    const json::object body{{"REDIS_URL", ""}, {"name", resource.name}, {"operation", operation.str()}};
    return Response::json(202, body)
        .with("Location", "/v1/redis/instance/" + resource.name)
        .with("Retry-After", "1");
}

Task<Response> RedisFace::plans(Request& /*request*/) const {
    json::object body;
    for (const Plan* plan : broker().catalog().of(Kind::cache, kEngine)) body[plan->name] = plan->title;
    co_return Response::json(200, body);
}

Task<Result<Resource>> RedisFace::find(const Request& request, std::string_view text) const {
    const std::string_view name = instance_name(text);
    if (name.empty()) co_return fail(ErrorCode::not_found, "no such resource");
    co_return co_await broker().find_by_name(call_of(request), Kind::cache, std::string(kEngine),
                                             std::string(name));
}

// With the password for its owner. Administrators of others and keys that may only read get it without.
Task<Result<std::string>> RedisFace::url_for(const CallContext& call, const Resource& resource) const {
    const Endpoint* endpoint = endpoint_of(resource.state);
    if (endpoint == nullptr) co_return std::string();
    const bool owner = call.caller.organization == resource.organization && call.caller.role != Role::reader;
    if (!owner) co_return url_of(*endpoint, std::nullopt);
    const auto password = co_await broker().password(call, resource);
    if (!password) co_return fail(password.error());
    co_return url_of(*endpoint, *password);
}

// Where an instance stands, in the words of the contract.
Task<Response> RedisFace::answer_url(const Request& request, const Resource& resource) const {
    if (endpoint_of(resource.state) != nullptr) {
        const auto url = co_await url_for(call_of(request), resource);
        if (!url) co_return error_response(request, url.error());
        co_return Response::json(200, json::object{{"REDIS_URL", *url}});
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

Task<Response> RedisFace::create(Request& request) const {
    auto body = read_body(request.body);
    if (!body) co_return error_response(request, body.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error_response(request, key.error());
    ProvisionRequest wanted;
    wanted.face = kFace;
    wanted.kind = Kind::cache;
    wanted.engine = kEngine;
    wanted.plan = take_plan(*body, broker().catalog());
    wanted.billing_code = body->required_string("billingcode", {.min_length = 1, .max_length = 128});
    wanted.idempotency_key = std::move(*key);
    if (const Status good = body->finish(); !good) co_return error_response(request, good.error());
    auto accepted = co_await broker().provision(call_of(request), std::move(wanted));
    if (!accepted) co_return error_response(request, in_its_words(accepted.error()));
    co_return co_await answer_created(request, std::move(*accepted));
}

// Waits for the instance. What was accepted goes on whether anybody waits or not.
Task<Response> RedisFace::answer_created(const Request& request, Accepted accepted) const {
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

Task<Response> RedisFace::url(Request& request) const {
    const auto found = co_await find(request, request.param("name"));
    if (!found) co_return error_response(request, found.error());
    co_return co_await answer_url(request, *found);
}

Task<Response> RedisFace::remove(Request& request) const {
    const auto found = co_await find(request, request.param("name"));
    if (!found) co_return error_response(request, found.error());
    const auto accepted = co_await broker().deprovision(call_of(request), found->id);
    if (!accepted) co_return error_response(request, accepted.error());
    co_return Response::json(200, deleted_cluster(accepted->resource));
}

Task<Response> RedisFace::tag(Request& request) const {
    auto body = read_body(request.body);
    if (!body) co_return error_response(request, body.error());
    const std::string resource = body->required_string("resource");
    std::string name = body->required_string("name");
    if (!body->has("value")) body->problem("value", "is required");
    std::string value = body->optional_string("value").value_or("");
    if (const Status good = body->finish(); !good) co_return error_response(request, good.error());
    const auto found = co_await find(request, resource);
    if (!found) co_return error_response(request, found.error());
    const auto tagged = co_await broker().tag(call_of(request), found->id, std::move(name), std::move(value));
    if (!tagged) co_return error_response(request, tagged.error());
    co_return Response::json(200, json::object{{"response", "tag added"}});
}

Task<Response> RedisFace::list(Request& request) const {
    QueryReader query(request);
    ResourceFilter filter;
    filter.kind = Kind::cache;
    filter.engine = kEngine;
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
        summary["REDIS_URL"] = endpoint != nullptr ? url_of(*endpoint, std::nullopt) : "";
        instances.push_back(std::move(summary));
    }
    json::object body{{"instances", std::move(instances)}, {"next", nullptr}};
    if (!found->next.empty()) body["next"] = found->next;
    co_return Response::json(200, body);
}

Task<Response> RedisFace::show(Request& request) const {
    const auto found = co_await find(request, request.param("name"));
    if (!found) co_return error_response(request, found.error());
    const auto url = co_await url_for(call_of(request), *found);
    if (!url) co_return error_response(request, url.error());
    json::object body = instance_summary(*found);
    body["REDIS_URL"] = *url;
    if (const OperationId operation = active_operation(found->state); !operation.empty()) {
        body["operation"] = operation.str();
    }
    co_return Response::json(200, body);
}

}  // namespace

void add_redis(http::Router& router, const FaceContext& context) {
    const auto face = std::make_shared<const RedisFace>(context);
    using Member = Task<Response> (RedisFace::*)(Request&) const;
    const auto add = [&](Method method, std::string_view pattern, Member member) {
        http::RouteOptions options{.max_body = kMaxBody};
        // Names come with passwords in front of them: no path of this face is logged as it came.
        if (pattern.ends_with("/:name")) options.redacted = {"name"};
        router.add(
            method, pattern, [face, member](Request& request) { return ((*face).*member)(request); },
            std::move(options));
    };
    add(Method::get, "/v1/redis/plans", &RedisFace::plans);
    add(Method::post, "/v1/redis/instance", &RedisFace::create);
    add(Method::get, "/v1/redis/instance", &RedisFace::list);
    add(Method::get, "/v1/redis/instance/:name", &RedisFace::show);
    add(Method::delete_, "/v1/redis/instance/:name", &RedisFace::remove);
    add(Method::delete_, "/v1/redis/intance/:name", &RedisFace::remove);  // as the original's document spells it
    add(Method::get, "/v1/redis/url/:name", &RedisFace::url);
    add(Method::post, "/v1/tag", &RedisFace::tag);
    for (const std::string_view prefix : {"/v1/redis", "/v1/tag"}) {
        router.group(prefix, {.renderer = render_error, .filter = authenticating(context, std::string(kFace))});
    }
}

}  // namespace slipway::faces
