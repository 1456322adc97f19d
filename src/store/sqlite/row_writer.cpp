#include "store/sqlite/row_writer.h"

#include <map>
#include <tuple>

#include "domain/expiry.h"
#include "store/rows.h"

namespace slipway::sqlite {
namespace {

// How many expired records each new one sweeps away, so that they are bounded without a timer.
constexpr int kExpiredPerPut = 2;
// Beyond this many organizations their counts are read again when they are needed.
constexpr std::size_t kMaxCounts = 10'000;

bool counts_as_live(std::string_view state) { return state != "gone" && state != "failed"; }

// What of a resource decides in which count it is.
auto counted_as(const StoredResource& in) { return std::tie(in.organization, in.kind, in.engine, in.plan); }

// As usage_key() in the domain, from what is stored beside the body.
bool billed(const StoredResource& in) { return !in.pooled && (in.state == "ready" || in.state == "updating"); }
auto billed_as(const StoredResource& in) {
    return std::tie(in.organization, in.billing_code, in.kind, in.engine, in.plan);
}

std::string_view kind_of(const Quota& quota) { return quota.kind ? to_string(*quota.kind) : std::string_view(); }

// The columns that hardly ever change, apart from the state.
auto settled(const StoredResource& in) {
    return std::tie(in.organization, in.kind, in.engine, in.plan, in.name, in.billing_code, in.pooled, in.placed_on,
                    in.address, in.expiry_due);
}

std::string_view lease_token(const Operation& operation) {
    const auto* running = std::get_if<operation_state::Running>(&operation.state);
    return running != nullptr ? std::string_view(running->token.str()) : std::string_view();
}

}  // namespace

StoredResource stored_form(const Resource& in) {
    return {in.version,
            in.provider,
            in.external_name,
            in.organization.str(),
            std::string(to_string(in.kind)),
            in.engine,
            in.plan,
            in.name,
            in.billing_code,
            in.pooled,
            std::string(state_name(in.state)),
            in.placed_on.str(),
            in.address,
            expiry_due(in)};
}

StoredOperation stored_form(const Operation& in) {
    return {
        in.version,  in.fence,      in.resource.str(),     in.organization.str(), std::string(to_string(in.kind)),
        in.provider, in.host.str(), !is_terminal(in.state)};
}

std::optional<StoredResource> RowWriter::find_resource(const ResourceId& id) {
    Cursor row = database_
                     .statement(
                         "SELECT version, provider, external_name, organization, kind, engine, plan, name, "
                         "billing_code, pooled, state, coalesce(placed_on, ''), coalesce(address, ''), "
                         "expiry_due "
                         "FROM resources WHERE id = ?1")
                     .run(id.str());
    if (!row.next()) return std::nullopt;
    return StoredResource{row.natural(0), row.string(1),
                          row.string(2),  row.string(3),
                          row.string(4),  row.string(5),
                          row.string(6),  row.string(7),
                          row.string(8),  row.integer(9) != 0,
                          row.string(10), row.string(11),
                          row.string(12), row.null(13) ? std::nullopt : std::optional(row.time(13))};
}

std::optional<StoredOperation> RowWriter::find_operation(const OperationId& id) {
    Cursor row = database_
                     .statement(
                         "SELECT version, fence, resource, organization, kind, provider, host, open "
                         "FROM operations WHERE id = ?1")
                     .run(id.str());
    if (!row.next()) return std::nullopt;
    return StoredOperation{row.natural(0), row.natural(1), row.string(2), row.string(3),
                           row.string(4),  row.string(5),  row.string(6), row.integer(7) != 0};
}

void RowWriter::put(const Resource& in, std::string_view body, const StoredResource* before) {
    const StoredResource after = stored_form(in);
    const std::string& id = in.id.str();
    if (before == nullptr) {
        database_
            .statement(
                "INSERT INTO resources (id, version, provider, external_name, organization, kind, engine, "
                "plan, name, billing_code, pooled, state, body, placed_on, address, expiry_due) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)")
            .run(id, after.version, after.provider, after.external_name, after.organization, after.kind,
                 after.engine, after.plan, after.name, after.billing_code, after.pooled, after.state, body,
                 NullIfEmpty{after.placed_on}, NullIfEmpty{after.address}, after.expiry_due)
            .done();
    } else if (settled(*before) != settled(after)) {
        database_
            .statement(
                "UPDATE resources SET version = ?2, organization = ?3, kind = ?4, engine = ?5, plan = ?6, "
                "name = ?7, billing_code = ?8, pooled = ?9, state = ?10, body = ?11, placed_on = ?12, address = "
                "?13, expiry_due = ?14 "
                "WHERE id = ?1")
            .run(id, after.version, after.organization, after.kind, after.engine, after.plan, after.name,
                 after.billing_code, after.pooled, after.state, body, NullIfEmpty{after.placed_on},
                 NullIfEmpty{after.address}, after.expiry_due)
            .done();
    } else if (before->state != after.state) {
        // Columns that are left out leave their indexes alone.
        database_.statement("UPDATE resources SET version = ?2, state = ?3, body = ?4 WHERE id = ?1")
            .run(id, after.version, after.state, body)
            .done();
    } else {
        database_.statement("UPDATE resources SET version = ?2, body = ?3 WHERE id = ?1")
            .run(id, after.version, body)
            .done();
    }
    put_labels(in, before);
    count_change(before, after);
    meter(in.id, before, after, in.updated_at);
}

void RowWriter::put_labels(const Resource& in, const StoredResource* before) {
    const std::string& id = in.id.str();
    if (before != nullptr && before->row != nullptr) {
        if (before->row->labels == in.labels) return;
        database_.statement("DELETE FROM labels WHERE resource = ?1").run(id).done();
    } else if (before != nullptr) {
        std::map<std::string, std::string> stored;
        {
            Cursor rows = database_.statement("SELECT key, value FROM labels WHERE resource = ?1").run(id);
            while (rows.next()) stored.emplace(rows.text(0), rows.text(1));
        }
        if (stored == in.labels) return;
        database_.statement("DELETE FROM labels WHERE resource = ?1").run(id).done();
    }
    for (const auto& [key, value] : in.labels) {
        database_.statement("INSERT INTO labels (key, value, resource) VALUES (?1, ?2, ?3)")
            .run(key, value, id)
            .done();
    }
}

RowWriter::Counts& RowWriter::counts(const std::string& organization) {
    const auto [it, added] = counts_.try_emplace(organization);
    if (added) {
        Cursor row = database_.statement("SELECT kind, engine, plan, live FROM live_counts WHERE organization = ?1")
                         .run(organization);
        while (row.next()) {
            it->second.live += row.integer(3);
            it->second.plans[{row.string(0), row.string(1), row.string(2)}].live = row.integer(3);
        }
    }
    return it->second;
}

void RowWriter::count_change(const StoredResource* before, const StoredResource& after) {
    const auto counted_in = [](const StoredResource& of) {
        return StateCounts::Key{of.kind, of.engine, of.state, of.pooled};
    };
    if (before == nullptr || counted_in(*before) != counted_in(after)) {
        if (before != nullptr) state_counts_.add(counted_in(*before), -1);
        state_counts_.add(counted_in(after), 1);
    }
    const bool was = before != nullptr && counts_as_live(before->state);
    const bool is = counts_as_live(after.state);
    if (was == is && (before == nullptr || counted_as(*before) == counted_as(after))) return;
    const auto add = [&](const StoredResource& to, std::int64_t delta) {
        Counts& of = counts(to.organization);
        of.live += delta;
        of.changed = true;
        Count& of_plan = of.plans[{to.kind, to.engine, to.plan}];
        of_plan.live += delta;
        of_plan.changed = true;
    };
    if (was) add(*before, -1);
    if (is) add(after, 1);
}

std::uint64_t RowWriter::live_resources(const std::string& organization) {
    return static_cast<std::uint64_t>(counts(organization).live);
}

std::uint64_t RowWriter::live_resources(const std::string& organization, const PlanKey& plan) {
    const auto& plans = counts(organization).plans;
    const auto found = plans.find(plan);
    return found != plans.end() ? static_cast<std::uint64_t>(found->second.live) : 0;
}

void RowWriter::flush_counts() {
    state_counts_.flush(database_);
    for (auto& [organization, of] : counts_) {
        if (!of.changed) continue;
        of.changed = false;
        for (auto plan = of.plans.begin(); plan != of.plans.end();) {
            auto& [key, count] = *plan;
            if (count.changed && count.live == 0) {
                database_
                    .statement(
                        "DELETE FROM live_counts "
                        "WHERE organization = ?1 AND kind = ?2 AND engine = ?3 AND plan = ?4")
                    .run(organization, key.kind, key.engine, key.plan)
                    .done();
                plan = of.plans.erase(plan);
                continue;
            }
            if (count.changed) {
                database_
                    .statement(
                        "INSERT INTO live_counts (organization, kind, engine, plan, live) "
                        "VALUES (?1, ?2, ?3, ?4, ?5) "
                        "ON CONFLICT (organization, kind, engine, plan) DO UPDATE SET live = excluded.live")
                    .run(organization, key.kind, key.engine, key.plan, count.live)
                    .done();
                count.changed = false;
            }
            ++plan;
        }
    }
    if (counts_.size() > kMaxCounts) counts_.clear();
}

void RowWriter::meter(const ResourceId& id, const StoredResource* before, const StoredResource& after,
                      TimePoint at) {
    const bool was = before != nullptr && billed(*before);
    const bool is = billed(after);
    if (was == is && (!is || billed_as(*before) == billed_as(after))) return;
    if (was) {
        database_
            .statement("UPDATE usage SET ended_at = max(started_at, ?2) WHERE resource = ?1 AND ended_at IS NULL")
            .run(id.str(), at)
            .done();
    }
    if (is) {
        database_
            .statement(
                "INSERT INTO usage (resource, started_at, organization, billing_code, kind, engine, plan) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .run(id.str(), at, after.organization, after.billing_code, after.kind, after.engine, after.plan)
            .done();
    }
}

void RowWriter::put(const Operation& in, std::string_view body, const StoredOperation* before) {
    const StoredOperation after = stored_form(in);
    const std::string& id = in.id.str();
    const std::string_view state = state_name(in.state);
    const auto due = store::due_at(in);
    const NullIfEmpty token{lease_token(in)};
    const NullIfEmpty blocked_by{in.blocked_by.str()};
    if (before == nullptr) {
        database_
            .statement(
                "INSERT INTO operations (id, version, fence, resource, organization, kind, provider, host, "
                "state, open, due_at, lease_token, blocked_by, body) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")
            .run(id, after.version, after.fence, after.resource, after.organization, after.kind, after.provider,
                 after.host, state, after.open, due, token, blocked_by, body)
            .done();
        return;
    }
    const bool moved = std::tie(before->organization, before->kind, before->provider, before->host) !=
                       std::tie(after.organization, after.kind, after.provider, after.host);
    if (moved) {
        database_
            .statement(
                "UPDATE operations SET version = ?2, fence = ?3, organization = ?4, kind = ?5, "
                "provider = ?6, host = ?7, state = ?8, open = ?9, due_at = ?10, lease_token = ?11, "
                "blocked_by = ?12, body = ?13 WHERE id = ?1")
            .run(id, after.version, after.fence, after.organization, after.kind, after.provider, after.host, state,
                 after.open, due, token, blocked_by, body)
            .done();
        return;
    }
    if (before->open != after.open) {
        database_
            .statement(
                "UPDATE operations SET version = ?2, fence = ?3, state = ?4, open = ?5, due_at = ?6, "
                "lease_token = ?7, blocked_by = ?8, body = ?9 WHERE id = ?1")
            .run(id, after.version, after.fence, state, after.open, due, token, blocked_by, body)
            .done();
        return;
    }
    database_
        .statement(
            "UPDATE operations SET version = ?2, fence = ?3, state = ?4, due_at = ?5, lease_token = ?6, "
            "blocked_by = ?7, body = ?8 WHERE id = ?1")
        .run(id, after.version, after.fence, state, due, token, blocked_by, body)
        .done();
}

void RowWriter::unblock(const OperationId& id) {
    database_.statement("UPDATE operations SET version = version + 1, blocked_by = NULL WHERE id = ?1")
        .run(id.str())
        .done();
}

void RowWriter::put(const store::AllocationBook::Change& change) {
    const bool freed = change.resource.empty();
    database_
        .statement(
            "INSERT INTO allocations (range, value, resource, key, rest_until) "
            "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (range, value) DO UPDATE SET "
            "resource = excluded.resource, key = excluded.key, rest_until = excluded.rest_until")
        .run(change.range, change.value, NullIfEmpty{change.resource.str()},
             freed ? std::optional<std::string_view>() : std::optional<std::string_view>(change.key),
             freed ? std::optional(change.rest_until) : std::nullopt)
        .done();
}

void RowWriter::put(const IdempotencyRecord& record, TimePoint now) {
    database_
        .statement(
            "DELETE FROM idempotency WHERE (scope, key) IN (SELECT scope, key FROM idempotency "
            "WHERE expires_at <= ?1 ORDER BY expires_at, scope, key LIMIT ?2)")
        .run(now, kExpiredPerPut)
        .done();
    database_
        .statement(
            "INSERT INTO idempotency (scope, key, request_hash, resource, operation, expires_at, made, "
            "secret_key, secret) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
            "ON CONFLICT (scope, key) DO UPDATE SET "
            "request_hash = excluded.request_hash, resource = excluded.resource, "
            "operation = excluded.operation, expires_at = excluded.expires_at, made = excluded.made, "
            "secret_key = excluded.secret_key, secret = excluded.secret")
        .run(record.scope, record.key, record.request_hash, record.resource.str(), record.operation.str(),
             record.expires_at, record.made, record.secret.key_id, record.secret.ciphertext)
        .done();
}

void RowWriter::put(const Organization& in) {
    database_
        .statement(
            "INSERT INTO organizations (id, title, created_at) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (id) DO UPDATE SET title = excluded.title, created_at = excluded.created_at")
        .run(in.id.str(), in.title, in.created_at)
        .done();
}

void RowWriter::put(const ApiKey& in) {
    database_
        .statement(
            "INSERT INTO api_keys (id, hash, organization, role, description, created_at, revoked_at, "
            "expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET hash = "
            "excluded.hash, "
            "organization = excluded.organization, role = excluded.role, "
            "description = excluded.description, created_at = excluded.created_at, "
            "revoked_at = excluded.revoked_at, expires_at = excluded.expires_at")
        .run(in.id.str(), in.hash, in.organization.str(), to_string(in.role), in.description, in.created_at,
             in.revoked_at, in.expires_at)
        .done();
}

void RowWriter::put(const Quota& in) {
    database_
        .statement(
            "INSERT INTO quotas (organization, kind, engine, plan, most) VALUES (?1, ?2, ?3, ?4, ?5) "
            "ON CONFLICT (organization, kind, engine, plan) DO UPDATE SET most = excluded.most")
        .run(in.organization.str(), kind_of(in), in.engine, in.plan, in.limit)
        .done();
}

void RowWriter::drop(const Quota& in) {
    database_.statement("DELETE FROM quotas WHERE organization = ?1 AND kind = ?2 AND engine = ?3 AND plan = ?4")
        .run(in.organization.str(), kind_of(in), in.engine, in.plan)
        .done();
}

void RowWriter::put(const Webhook& in, std::string_view body) {
    database_
        .statement(
            "INSERT INTO webhooks (id, version, body) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body")
        .run(in.id.str(), in.version + 1, body)
        .done();
}

void RowWriter::drop(const WebhookId& webhook) {
    database_.statement("DELETE FROM webhooks WHERE id = ?1").run(webhook.str()).done();
}

void RowWriter::put(const Cluster& in) {
    database_
        .statement(
            "INSERT INTO clusters (organization, name, version, slug, resource, created_at) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (organization, name) DO UPDATE SET "
            "version = excluded.version, resource = excluded.resource, created_at = excluded.created_at")
        .run(in.organization.str(), in.name, in.version + 1, in.slug, in.database.str(), in.created_at)
        .done();
}

void RowWriter::drop(const Cluster& cluster) {
    database_.statement("DELETE FROM clusters WHERE organization = ?1 AND name = ?2")
        .run(cluster.organization.str(), cluster.name)
        .done();
}

void RowWriter::put(const Orphan& in) {
    database_
        .statement(
            "INSERT INTO orphans (provider, external_name, kind, detail, resource, generation, first_seen, "
            "last_seen, removed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
            "ON CONFLICT (provider, external_name) DO UPDATE SET kind = excluded.kind, "
            "detail = excluded.detail, resource = excluded.resource, generation = excluded.generation, "
            "first_seen = excluded.first_seen, last_seen = excluded.last_seen, "
            "removed_at = excluded.removed_at")
        .run(in.provider, in.external_name, in.kind, in.detail, in.resource.str(), in.generation, in.first_seen,
             in.last_seen, in.removed_at)
        .done();
}

void RowWriter::drop_orphan(const std::string& provider, const std::string& external_name) {
    database_.statement("DELETE FROM orphans WHERE provider = ?1 AND external_name = ?2")
        .run(provider, external_name)
        .done();
}

void RowWriter::put_setting(const std::string& key, const std::string& value) {
    database_
        .statement(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .run(key, value)
        .done();
}

void RowWriter::append(std::uint64_t sequence, const EventDraft& event, std::string_view body) {
    database_
        .statement(
            "INSERT INTO events (sequence, at, resource, organization, operation, type, body) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .run(sequence, event.at, NullIfEmpty{event.resource.str()}, event.organization.str(), event.operation.str(),
             event.type, body)
        .done();
}

}  // namespace slipway::sqlite
