// What only administrators may ask, and what anybody may: whether the server lives.
#include <algorithm>

#include "faces/native/handlers.h"
#include "faces/native/openapi.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::string_view kYamlType = "application/yaml; charset=UTF-8";
constexpr std::int64_t kMaxGrace = 366LL * 24 * 3600;  // seconds

json::array orphans_json(const std::vector<Orphan>& orphans) {
    json::array all;
    for (const Orphan& orphan : orphans) all.push_back(orphan_json(orphan));
    return all;
}

}  // namespace

Response not_here(std::string_view what) {
    return NativeFace::render(
        501, Error{ErrorCode::unavailable, std::string(what) + " is not part of this server", {}, {}});
}

Task<Response> NativeFace::orphans(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (const Status may = Administration::only_administrators(call_of(request)); !may) {
        co_return error(request, may.error());
    }
    if (!ports_.orphans) co_return not_here("the sweep");
    const auto found = co_await ports_.orphans();
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, page_json("orphans", orphans_json(*found), ""));
}

Task<Response> NativeFace::adopt_orphan(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto read = read_adopt(std::move(*body), longest_wait());
    if (!read) co_return error(request, read.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    read->request.idempotency_key = std::move(*key);
    read->request.provider = std::string(request.param("provider"));
    read->request.external_name = std::string(request.param("name"));
    auto accepted = co_await broker().adopt(call_of(request), std::move(read->request));
    if (!accepted) co_return error(request, accepted.error());
    co_return co_await answer_accepted(request, std::move(*accepted), read->wait, false);
}

Task<Response> NativeFace::remove_orphan(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (const Status may = Administration::only_administrators(call_of(request)); !may) {
        co_return error(request, may.error());
    }
    if (!ports_.remove_orphan) co_return not_here("the sweep");
    const auto removal =
        co_await ports_.remove_orphan(std::string(request.param("provider")), std::string(request.param("name")));
    if (!removal) co_return error(request, removal.error());
    co_return Response::json(200,
                             json::object{{"removed", removal->removed}, {"orphan", orphan_json(removal->orphan)}});
}

Task<Response> NativeFace::sweep(Request& request) const {
    if (const Status may = Administration::only_administrators(call_of(request)); !may) {
        co_return error(request, may.error());
    }
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    SweepRequest wanted;
    // Removing is asked for in so many words: without a body it only looks.
    wanted.dry_run = body->optional_boolean("dry_run").value_or(true);
    if (const auto grace = body->optional_integer("grace_seconds", 0, kMaxGrace)) {
        wanted.grace = std::chrono::seconds(*grace);
    }
    if (const Status good = finish_strictly(*body, {"dry_run", "grace_seconds"}); !good) {
        co_return error(request, good.error());
    }
    if (!ports_.sweep) co_return not_here("the sweep");
    const auto swept = co_await ports_.sweep(wanted);
    if (!swept) co_return error(request, swept.error());
    co_return Response::json(200, json::object{{"dry_run", wanted.dry_run},
                                               {"found", orphans_json(swept->found)},
                                               {"inventory", swept->inventory},
                                               {"removed", swept->removed},
                                               {"failed", swept->failed}});
}

Task<Response> NativeFace::doctor(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (const Status may = Administration::only_administrators(call_of(request)); !may) {
        co_return error(request, may.error());
    }
    if (!ports_.doctor) co_return not_here("the doctor");
    const auto found = co_await ports_.doctor();
    if (!found) co_return error(request, found.error());
    json::array findings;
    for (const Finding& finding : *found) findings.push_back(finding_json(finding));
    co_return Response::json(200, json::object{{"findings", std::move(findings)}});
}

Task<Response> NativeFace::health(Request& /*request*/) const { co_return Response::text(200, "ok\n"); }

Task<Response> NativeFace::readiness(Request& /*request*/) const {
    const std::vector<ReadinessCheck> checks =
        ports_.readiness ? ports_.readiness() : std::vector<ReadinessCheck>();
    const bool ready =
        std::ranges::all_of(checks, [](const ReadinessCheck& check) { return check.ready || !check.needed; });
    json::array items;
    for (const ReadinessCheck& check : checks) items.push_back(check_json(check));
    const json::object body{{"ready", ready}, {"checks", std::move(items)}};
    if (ready) co_return Response::json(200, body);
    co_return Response::json(503, body).with("Retry-After", "1");
}

namespace {

Response yaml(std::string_view document) {
    Response response = Response::text(200, std::string(document));
    response.content_type = kYamlType;
    return response;
}

}  // namespace

Task<Response> NativeFace::openapi(Request& /*request*/) const { co_return yaml(kNativeOpenApi); }
Task<Response> NativeFace::openapi_redis(Request& /*request*/) const { co_return yaml(kRedisOpenApi); }
Task<Response> NativeFace::openapi_memcached(Request& /*request*/) const { co_return yaml(kMemcachedOpenApi); }
Task<Response> NativeFace::openapi_harbourmaster(Request& /*request*/) const {
    co_return yaml(kHarbourMasterOpenApi);
}
Task<Response> NativeFace::openapi_ec2(Request& /*request*/) const { co_return yaml(kEc2OpenApi); }

}  // namespace slipway::faces
