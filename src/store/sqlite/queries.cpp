#include "store/sqlite/queries.h"

#include "store/codec.h"
#include "store/rows.h"

namespace slipway::sqlite {
namespace {

// As holds_place() in the domain. The body is looked at of those only that are being removed: the rest is counted
// in the index.
constexpr std::string_view kHoldsPlace =
    "p.state IN ('requested', 'provisioning', 'ready', 'updating', 'deprovisioning') "
    "AND (p.state <> 'deprovisioning' OR NOT json_valid(p.body) "
    "OR json_extract(p.body, '$.state.after_failure') IS NULL)";

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

Result<std::vector<HostLoad>> read_host_loads(Database& database, const OrganizationId& organization, Kind kind,
                                              const std::string& engine) {
    static const std::string sql = fmt::format(
        "SELECT r.id, (SELECT count(*) FROM resources p INDEXED BY resources_placed WHERE p.placed_on = r.id AND "
        "{}) "
        "FROM resources r INDEXED BY resources_organization WHERE r.organization = ?1 "
        "AND r.state IN ('requested', 'provisioning', 'ready', 'updating') AND r.kind = ?2 AND r.engine = ?3 "
        "AND r.pooled = 0 ORDER BY r.id",
        kHoldsPlace);
    Cursor row = database.statement(sql).run(organization.str(), to_string(kind), engine);
    std::vector<HostLoad> loads;
    while (row.next()) loads.push_back({ResourceId(row.string(0)), row.natural(1)});
    return loads;
}

Result<std::vector<Resource>> read_expiring(Database& database, TimePoint until, std::uint32_t limit) {
    Cursor row = database
                     .statement(
                         "SELECT id, version, body FROM resources INDEXED BY resources_expiry "
                         "WHERE expiry_due IS NOT NULL AND expiry_due <= ?1 ORDER BY expiry_due, id LIMIT ?2")
                     .run(until, store::page_limit(limit));
    std::vector<Resource> found;
    while (row.next()) {
        auto resource = store::decode_resource(row.text(0), row.text(2), row.natural(1));
        if (!resource) return fail(resource.error());
        found.push_back(std::move(*resource));
    }
    return found;
}

std::uint64_t count_placed(Database& database, const ResourceId& host) {
    static const std::string sql = fmt::format(
        "SELECT count(*) FROM resources p INDEXED BY resources_placed WHERE p.placed_on = ?1 AND {}", kHoldsPlace);
    Cursor row = database.statement(sql).run(host.str());
    return row.next() ? row.natural(0) : 0;
}

Result<std::optional<Operation>> find_operation(Database& database, const OperationId& id) {
    Cursor row = database.statement("SELECT version, blocked_by, body FROM operations WHERE id = ?1").run(id.str());
    if (!row.next()) return std::nullopt;
    return store::decode_operation(id.str(), row.text(2), row.natural(0), row.text(1));
}

Result<std::vector<Duration>> read_durations(Database& database, const DurationQuery& query) {
    Cursor row = database
                     .statement(
                         "SELECT json_extract(o.body, '$.state.at') - json_extract(o.body, '$.created_at') "
                         "FROM (SELECT id, resource, kind, body FROM operations INDEXED BY operations_ended "
                         "WHERE open = 0 AND state = 'succeeded' ORDER BY id DESC LIMIT ?1) o "
                         "CROSS JOIN resources r ON r.id = o.resource "
                         "WHERE o.kind = ?2 AND r.kind = ?3 AND r.engine = ?4 AND r.plan = ?5 "
                         "ORDER BY o.id DESC LIMIT ?6")
                     .run(store::kMaxDurationsLookedAt, to_string(query.operation), to_string(query.kind),
                          query.engine, query.plan, store::kMaxDurations);
    std::vector<Duration> durations;
    while (row.next()) durations.emplace_back(row.integer(0));
    return durations;
}

Result<std::vector<LiveCount>> read_live_counts(Database& database, const OrganizationId& organization) {
    Cursor row = database
                     .statement(
                         "SELECT kind, engine, plan, live FROM live_counts WHERE organization = ?1 "
                         "ORDER BY kind, engine, plan")
                     .run(organization.str());
    std::vector<LiveCount> counts;
    while (row.next()) {
        const auto kind = parse_kind(row.text(0));
        if (!kind) return fail(ErrorCode::storage, "a stored count has an unknown kind");
        counts.push_back({*kind, row.string(1), row.string(2), row.natural(3)});
    }
    return counts;
}

Result<std::vector<ResourceCount>> read_resource_counts(Database& database) {
    Cursor row = database
                     .statement(
                         "SELECT kind, engine, state, pooled, resources FROM resource_counts WHERE resources > 0 "
                         "ORDER BY kind, engine, state, pooled")
                     .run();
    std::vector<ResourceCount> counts;
    while (row.next()) {
        const auto kind = parse_kind(row.text(0));
        if (!kind) return fail(ErrorCode::storage, "a stored count has an unknown kind");
        counts.push_back({*kind, row.string(1), row.string(2), row.integer(3) != 0, row.natural(4)});
    }
    return counts;
}

Result<std::optional<IdempotencyRecord>> find_idempotency(Database& database, const std::string& scope,
                                                          const std::string& key, TimePoint now) {
    Cursor row = database
                     .statement(
                         "SELECT request_hash, resource, operation, expires_at, made, secret_key, secret "
                         "FROM idempotency "
                         "WHERE scope = ?1 AND key = ?2 AND expires_at > ?3")
                     .run(scope, key, now);
    if (!row.next()) return std::nullopt;
    return IdempotencyRecord{scope,
                             key,
                             row.string(0),
                             ResourceId(row.string(1)),
                             OperationId(row.string(2)),
                             row.time(3),
                             row.string(4),
                             {row.string(5), row.string(6)}};
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
