// Organizations, their keys and their clusters: what a new installation needs before it can make a database.
#include "faces/harbourmaster/handlers.h"
#include "faces/harbourmaster/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

json::object organization_of(const Organization& organization) {
    return {{"name", organization.id.str()},
            {"title", organization.title},
            {"created_at", format_time(organization.created_at)},
            {"deleted_at",
             organization.deleted_at ? json::value(format_time(*organization.deleted_at)) : json::value(nullptr)}};
}

json::object key_of(const ApiKey& key) {
    json::object body{{"id", key.id.str()},
                      {"role", to_string(key.role)},
                      {"description", key.description},
                      {"created_at", format_time(key.created_at)},
                      {"revoked", key.revoked_at.has_value()}};
    return body;
}

template <class Item, class Shape>
Response page_of(std::string_view name, const Page<Item>& page, Shape shape) {
    json::array items;
    for (const Item& each : page.items) items.push_back(shape(each));
    return Response::json(200, page_json(name, std::move(items), page.next));
}

std::optional<Role> take_role(http::BodyReader& body) {
    const auto word = body.optional_string("role");
    if (!word) return Role::user;
    const auto role = parse_role(*word);
    if (!role) body.problem("role", "must be one of reader, user, administrator");
    return role;
}

}  // namespace

Task<Response> HarbourMasterFace::create_organization(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    NewOrganization wanted;
    wanted.id = OrganizationId(body->required_string("name", {.min_length = 1, .max_length = 128}));
    wanted.title = body->optional_string("title").value_or("");
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    wanted.idempotency_key = std::move(*key);
    auto made = co_await administration().create_organization(call_of(request), std::move(wanted));
    if (!made) {
        // In the words of this API.
        for (FieldProblem& each : made.error().problems) {
            if (each.field == "id") each.field = "name";
        }
        co_return error(request, made.error());
    }
    co_return Response::json(201, organization_of(made->organization));
}

Task<Response> HarbourMasterFace::list_organizations(Request& request) const {
    QueryReader query(request);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await administration().organizations(call_of(request), std::move(page));
    if (!found) co_return error(request, found.error());
    co_return page_of("organizations", *found,
                      [](const OrganizationView& each) { return organization_of(each.organization); });
}

Task<Response> HarbourMasterFace::show_organization(Request& request) const {
    const auto found = co_await administration().organization(call_of(request), organization_in(request));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, organization_of(found->organization));
}

Task<Response> HarbourMasterFace::delete_organization(Request& request) const {
    const auto deleted = co_await administration().delete_organization(call_of(request), organization_in(request));
    if (!deleted) co_return error(request, deleted.error());
    co_return Response::json(200, organization_of(deleted->organization));
}

Task<Response> HarbourMasterFace::create_key(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    NewKey wanted;
    wanted.organization = organization_in(request);
    wanted.role = take_role(*body).value_or(Role::user);
    wanted.description = body->optional_string("description").value_or("");
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    auto once = idempotency_key_of(request);
    if (!once) co_return error(request, once.error());
    wanted.idempotency_key = std::move(*once);
    const auto known = co_await administration().organization(call_of(request), organization_in(request));
    if (!known) co_return error(request, known.error());
    const auto made = co_await administration().create_key(call_of(request), std::move(wanted));
    if (!made) co_return error(request, made.error());
    json::object out = key_of(made->record);
    out["key"] = made->key.reveal();
    co_return Response::json(201, out).with("Cache-Control", "no-store");
}

Task<Response> HarbourMasterFace::list_keys(Request& request) const {
    QueryReader query(request);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto known = co_await administration().organization(call_of(request), organization_in(request));
    if (!known) co_return error(request, known.error());
    const auto found = co_await administration().keys(call_of(request), organization_in(request), std::move(page));
    if (!found) co_return error(request, found.error());
    co_return page_of("keys", *found, key_of);
}

Task<Response> HarbourMasterFace::revoke_key(Request& request) const {
    const ApiKeyId id(std::string(request.param("id")));
    const auto found = co_await administration().key(call_of(request), id);
    if (!found) co_return error(request, found.error());
    if (found->organization != organization_in(request)) {
        co_return error(request, Error{ErrorCode::not_found, "no such key in this organization", {}, {}});
    }
    const auto revoked = co_await administration().revoke_key(call_of(request), id);
    if (!revoked) co_return error(request, revoked.error());
    co_return Response::json(200, key_of(*revoked));
}

Task<Response> HarbourMasterFace::create_cluster(Request& request) const {
    auto body = read_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    std::string name = body->required_string("name", {.min_length = 1, .max_length = 128});
    if (const Status good = body->finish(); !good) co_return error(request, good.error());
    auto key = idempotency_key_of(request);
    if (!key) co_return error(request, key.error());
    const auto made = co_await ports_.clusters.create(call_of(request), organization_in(request), std::move(name),
                                                      std::move(*key));
    if (!made) co_return error(request, made.error());
    co_return Response::json(201, cluster_json(*made));
}

Task<Response> HarbourMasterFace::list_clusters(Request& request) const {
    QueryReader query(request);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await ports_.clusters.list(call_of(request), organization_in(request), std::move(page));
    if (!found) co_return error(request, found.error());
    co_return page_of("clusters", *found, cluster_json);
}

Task<Response> HarbourMasterFace::show_cluster(Request& request) const {
    const auto found =
        co_await ports_.clusters.show(call_of(request), organization_in(request), cluster_in(request));
    if (!found) co_return error(request, found.error());
    co_return Response::json(200, cluster_json(*found));
}

Task<Response> HarbourMasterFace::remove_cluster(Request& request) const {
    const auto found =
        co_await ports_.clusters.show(call_of(request), organization_in(request), cluster_in(request));
    if (!found) co_return error(request, found.error());
    const auto removed =
        co_await ports_.clusters.remove(call_of(request), organization_in(request), cluster_in(request));
    if (!removed) co_return error(request, removed.error());
    co_return Response::json(200, cluster_json(*found));
}

}  // namespace slipway::faces
