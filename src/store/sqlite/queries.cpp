#include "store/sqlite/queries.h"

#include "store/codec.h"
#include "store/rows.h"

namespace slipway::sqlite {
namespace {

// Rows of `id, version, body`.
Result<std::optional<Resource>> one_resource(Cursor row) {
    if (!row.next()) return std::nullopt;
    return store::decode_resource(row.text(0), row.text(2), row.natural(1));
}

std::optional<TimePoint> maybe_time(const Cursor& row, int column) {
    return row.null(column) ? std::nullopt : std::optional(row.time(column));
}

}  // namespace

Result<std::optional<Resource>> find_resource(Database& database, const ResourceId& id) {
    return one_resource(database.statement("SELECT id, version, body FROM resources WHERE id = ?1").run(id.str()));
}

Result<std::optional<Resource>> find_resource_by_external_name(Database& database, const std::string& provider,
                                                               const std::string& external_name) {
    return one_resource(
        database.statement("SELECT id, version, body FROM resources WHERE provider = ?1 AND external_name = ?2")
            .run(provider, external_name));
}

Result<std::optional<Resource>> find_claimable(Database& database, Kind kind, const std::string& engine,
                                               const std::string& plan, std::uint32_t skip) {
    return one_resource(
        database
            .statement("SELECT id, version, body FROM resources INDEXED BY resources_pool "
                       "WHERE pooled = 1 AND state IN ('requested', 'provisioning', 'ready') AND kind = ?1 "
                       "AND engine = ?2 AND plan = ?3 AND state = 'ready' ORDER BY id LIMIT 1 OFFSET ?4")
            .run(to_string(kind), engine, plan, skip));
}

Result<std::vector<PoolLevel>> read_pool_levels(Database& database) {
    std::vector<PoolLevel> levels;
    Cursor row = database
                     .statement(
                         "SELECT kind, engine, plan, sum(state = 'ready'), sum(state <> 'ready') "
                         "FROM resources INDEXED BY resources_pool "
                         "WHERE pooled = 1 AND state IN ('requested', 'provisioning', 'ready') "
                         "GROUP BY kind, engine, plan ORDER BY kind, engine, plan")
                     .run();
    while (row.next()) {
        const auto kind = parse_kind(row.text(0));
        if (!kind) return fail(ErrorCode::storage, "a stored resource has an unknown kind");
        levels.push_back({*kind, row.string(1), row.string(2), static_cast<std::uint32_t>(row.integer(3)),
                          static_cast<std::uint32_t>(row.integer(4))});
    }
    return levels;
}

Result<std::optional<Operation>> find_operation(Database& database, const OperationId& id) {
    Cursor row = database.statement("SELECT version, blocked_by, body FROM operations WHERE id = ?1").run(id.str());
    if (!row.next()) return std::nullopt;
    return store::decode_operation(id.str(), row.text(2), row.natural(0), row.text(1));
}

Result<std::vector<Event>> read_events(Database& database, std::uint64_t after,
                                       const std::optional<ResourceId>& resource, std::uint32_t limit) {
    limit = store::page_limit(limit);
    // Sequences are signed in the database.
    const std::uint64_t from = std::min<std::uint64_t>(after, INT64_MAX);
    Cursor row = resource ? database
                                .statement(
                                    "SELECT sequence, body FROM events WHERE resource = ?1 "
                                    "AND sequence > ?2 ORDER BY sequence LIMIT ?3")
                                .run(resource->str(), from, limit)
                          : database
                                .statement(
                                    "SELECT sequence, body FROM events WHERE sequence > ?1 "
                                    "ORDER BY sequence LIMIT ?2")
                                .run(from, limit);
    std::vector<Event> events;
    while (row.next()) {
        auto event = store::decode_event(row.text(1), row.natural(0));
        if (!event) return fail(event.error());
        events.push_back(std::move(*event));
    }
    return events;
}

Result<std::optional<IdempotencyRecord>> find_idempotency(Database& database, const std::string& scope,
                                                          const std::string& key, TimePoint now) {
    Cursor row = database
                     .statement(
                         "SELECT request_hash, resource, operation, expires_at FROM idempotency "
                         "WHERE scope = ?1 AND key = ?2 AND expires_at > ?3")
                     .run(scope, key, now);
    if (!row.next()) return std::nullopt;
    return IdempotencyRecord{scope,      key, row.string(0), ResourceId(row.string(1)), OperationId(row.string(2)),
                             row.time(3)};
}

Result<std::optional<ApiKey>> find_api_key(Database& database, const std::string& hash) {
    Cursor row = database
                     .statement(
                         "SELECT id, organization, role, description, created_at, revoked_at "
                         "FROM api_keys WHERE hash = ?1")
                     .run(hash);
    if (!row.next()) return std::nullopt;
    const auto role = parse_role(row.text(2));
    if (!role) return fail(ErrorCode::storage, "a stored API key has an unknown role");
    return ApiKey{ApiKeyId(row.string(0)), hash, OrganizationId(row.string(1)), *role, row.string(3), row.time(4),
                  maybe_time(row, 5)};
}

Result<std::optional<Organization>> find_organization(Database& database, const OrganizationId& id) {
    Cursor row = database.statement("SELECT title, created_at FROM organizations WHERE id = ?1").run(id.str());
    if (!row.next()) return std::nullopt;
    return Organization{id, row.string(0), row.time(1)};
}

Result<std::vector<Orphan>> read_orphans(Database& database) {
    std::vector<Orphan> orphans;
    Cursor row = database
                     .statement(
                         "SELECT provider, external_name, kind, detail, resource, generation, first_seen, "
                         "last_seen, removed_at FROM orphans ORDER BY provider, external_name")
                     .run();
    while (row.next()) {
        orphans.push_back({row.string(0), row.string(1), row.string(2), row.string(3), ResourceId(row.string(4)),
                           row.natural(5), row.time(6), row.time(7), maybe_time(row, 8)});
    }
    return orphans;
}

Result<std::optional<std::string>> find_setting(Database& database, const std::string& key) {
    Cursor row = database.statement("SELECT value FROM settings WHERE key = ?1").run(key);
    if (!row.next()) return std::nullopt;
    return row.string(0);
}

}  // namespace slipway::sqlite
