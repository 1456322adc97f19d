// Who may ask, for how much, for what, and who is told: keys, organizations, quotas, clusters and webhooks.
#include "store/codec.h"
#include "store/rows.h"
#include "store/sqlite/queries.h"

namespace slipway::sqlite {
namespace {

std::optional<TimePoint> maybe_time(const Cursor& row, int column) {
    return row.null(column) ? std::nullopt : std::optional(row.time(column));
}

// Rows of `id, hash, organization, role, description, created_at, revoked_at, expires_at`.
Result<ApiKey> api_key_of(const Cursor& row) {
    const auto role = parse_role(row.text(3));
    if (!role) return fail(ErrorCode::storage, "a stored API key has an unknown role");
    return ApiKey{ApiKeyId(row.string(0)),
                  row.string(1),
                  OrganizationId(row.string(2)),
                  *role,
                  row.string(4),
                  row.time(5),
                  maybe_time(row, 6),
                  maybe_time(row, 7)};
}

Result<std::optional<ApiKey>> one_api_key(Cursor row) {
    if (!row.next()) return std::nullopt;
    return api_key_of(row);
}

// Rows of `organization, name, slug, resource, created_at, version`.
Cluster cluster_of(const Cursor& row) {
    return {OrganizationId(row.string(0)), row.string(1), row.string(2),
            ResourceId(row.string(3)),     row.time(4),   row.natural(5)};
}

// One row more than the page has tells whether there is another.
template <class T>
bool page_is_full(Page<T>& page, std::uint32_t limit) {
    if (page.items.size() < limit) return false;
    page.next = page.items.back().id.str();
    return true;
}

}  // namespace

Result<std::optional<ApiKey>> find_api_key_by_hash(Database& database, const std::string& hash) {
    return one_api_key(
        database
            .statement("SELECT id, hash, organization, role, description, created_at, revoked_at, expires_at "
                       "FROM api_keys WHERE hash = ?1")
            .run(hash));
}

Result<std::optional<ApiKey>> find_api_key(Database& database, const ApiKeyId& id) {
    return one_api_key(
        database
            .statement("SELECT id, hash, organization, role, description, created_at, revoked_at, expires_at "
                       "FROM api_keys WHERE id = ?1")
            .run(id.str()));
}

Result<Page<ApiKey>> read_api_keys(Database& database, const std::optional<OrganizationId>& organization,
                                   const PageRequest& request) {
    const std::uint32_t limit = store::page_limit(request.limit);
    Cursor row =
        organization
            ? database
                  .statement(
                      "SELECT id, hash, organization, role, description, created_at, revoked_at, expires_at "
                      "FROM api_keys WHERE organization = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
                  .run(organization->str(), request.after, limit + 1)
            : database
                  .statement(
                      "SELECT id, hash, organization, role, description, created_at, revoked_at, expires_at "
                      "FROM api_keys WHERE id > ?1 ORDER BY id LIMIT ?2")
                  .run(request.after, limit + 1);
    Page<ApiKey> page;
    while (row.next() && !page_is_full(page, limit)) {
        auto key = api_key_of(row);
        if (!key) return fail(key.error());
        page.items.push_back(std::move(*key));
    }
    return page;
}

Result<std::optional<Organization>> find_organization(Database& database, const OrganizationId& id) {
    Cursor row =
        database.statement("SELECT title, created_at, deleted_at FROM organizations WHERE id = ?1").run(id.str());
    if (!row.next()) return std::nullopt;
    return Organization{id, row.string(0), row.time(1), maybe_time(row, 2)};
}

Result<Page<Organization>> read_organizations(Database& database, const PageRequest& request) {
    const std::uint32_t limit = store::page_limit(request.limit);
    Cursor row = database
                     .statement(
                         "SELECT id, title, created_at FROM organizations "
                         "WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2")
                     .run(request.after, limit + 1);
    Page<Organization> page;
    while (row.next() && !page_is_full(page, limit)) {
        page.items.push_back({OrganizationId(row.string(0)), row.string(1), row.time(2), std::nullopt});
    }
    return page;
}

Result<std::vector<Quota>> read_quotas(Database& database, const OrganizationId& organization) {
    Cursor row = database
                     .statement(
                         "SELECT kind, engine, plan, most FROM quotas WHERE organization = ?1 "
                         "ORDER BY kind, engine, plan")
                     .run(organization.str());
    std::vector<Quota> quotas;
    while (row.next()) {
        const auto kind = parse_kind(row.text(0));
        if (!kind && !row.text(0).empty()) return fail(ErrorCode::storage, "a stored quota has an unknown kind");
        quotas.push_back({organization, kind, row.string(1), row.string(2), row.natural(3)});
    }
    return quotas;
}

Result<std::optional<Cluster>> find_cluster(Database& database, const OrganizationId& organization,
                                            const std::string& name) {
    Cursor row = database
                     .statement(
                         "SELECT organization, name, slug, resource, created_at, version FROM clusters "
                         "WHERE organization = ?1 AND name = ?2")
                     .run(organization.str(), name);
    if (!row.next()) return std::nullopt;
    return cluster_of(row);
}

Result<Page<Cluster>> read_clusters(Database& database, const OrganizationId& organization,
                                    const PageRequest& request) {
    const std::uint32_t limit = store::page_limit(request.limit);
    Cursor row = database
                     .statement(
                         "SELECT organization, name, slug, resource, created_at, version FROM clusters "
                         "WHERE organization = ?1 AND name > ?2 ORDER BY name LIMIT ?3")
                     .run(organization.str(), request.after, limit + 1);
    Page<Cluster> page;
    while (row.next()) {
        if (page.items.size() == limit) {
            page.next = page.items.back().name;
            break;
        }
        page.items.push_back(cluster_of(row));
    }
    return page;
}

Result<std::vector<Webhook>> read_webhooks(Database& database) {
    Cursor row = database.statement("SELECT id, version, body FROM webhooks ORDER BY id").run();
    std::vector<Webhook> webhooks;
    while (row.next()) {
        auto webhook = store::decode_webhook(row.text(0), row.text(2), row.natural(1));
        if (!webhook) return fail(webhook.error());
        webhooks.push_back(std::move(*webhook));
    }
    return webhooks;
}

}  // namespace slipway::sqlite
