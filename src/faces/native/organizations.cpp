// Organizations, what they may have, and what they used.
#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

OrganizationId id_in(const Request& request) { return OrganizationId(std::string(request.param("id"))); }

TimePoint take_time(QueryReader& query, std::string_view name, TimePoint otherwise) {
    const auto text = query.text(name, 64);
    if (!text) return otherwise;
    const auto time = parse_time(*text);
    if (!time) query.problem(name, "must be a time of RFC 3339, e.g. 2016-05-20T04:28:03Z");
    return time.value_or(otherwise);
}

TimePoint start_of_month(TimePoint now) {
    const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
    return TimePoint(std::chrono::sys_days(today.year() / today.month() / 1));
}

}  // namespace

Task<Response> NativeFace::create_organization(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    NewOrganization wanted;
    wanted.id = OrganizationId(body->required_string("id", {.min_length = 1, .max_length = 128}));
    wanted.title = body->optional_string("title", {.min_length = 1, .max_length = 1'024}).value_or("");
    if (const Status good = finish_strictly(*body, {"id", "title"}); !good) co_return error(request, good.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    wanted.idempotency_key = std::move(*key);
    const auto made = co_await administration().create_organization(call_of(request), std::move(wanted));
    if (!made) co_return error(request, made.error());
    co_return Response::json(201, organization_json(*made))
        .with("Location", "/api/v1/organizations/" + made->organization.id.str());
}

Task<Response> NativeFace::list_organizations(Request& request) const {
    QueryReader query(request);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().organizations(call_of(request), std::move(page));
    if (!found) co_return error(request, found.error());
    json::array organizations;
    for (const OrganizationView& each : found->items) organizations.push_back(organization_json(each));
    co_return Response::json(200, page_json("organizations", std::move(organizations), found->next));
}

Task<Response> NativeFace::show_organization(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().organization(call_of(request), id_in(request));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, organization_json(*found));
}

Task<Response> NativeFace::delete_organization(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto deleted = co_await administration().delete_organization(call_of(request), id_in(request));
    if (!deleted) co_return error(request, deleted.error());
    co_return Response::json(200, organization_json(*deleted));
}

Task<Response> NativeFace::show_quotas(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().organization(call_of(request), id_in(request));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, json::object{{"quotas", quotas_json(found->quotas)}});
}

Task<Response> NativeFace::set_quotas(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body);
    if (!body) co_return error(request, body.error());
    auto quotas = read_quotas(std::move(*body));
    if (!quotas) co_return error(request, quotas.error());
    const auto set = co_await administration().set_quotas(call_of(request), id_in(request), std::move(*quotas));
    if (!set) co_return error(request, set.error());
    co_return Response::json(200, json::object{{"quotas", quotas_json(*set)}});
}

Task<Response> NativeFace::usage(Request& request) const {
    QueryReader query(request);
    const TimePoint now = broker().now();
    UsageFilter filter;
    filter.organization = take_organization(query);
    filter.billing_code = query.text("billing_code");
    filter.to = take_time(query, "to", now);
    filter.from = take_time(query, "from", start_of_month(filter.to));
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const TimePoint from = filter.from;
    const TimePoint to = filter.to;
    const auto lines = co_await administration().usage(call_of(request), std::move(filter));
    if (!lines) co_return error(request, lines.error());
    co_return Response::json(200, usage_json(from, to, *lines));
}

}  // namespace slipway::faces
