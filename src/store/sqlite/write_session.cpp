#include "store/sqlite/write_session.h"

#include "base/log.h"
#include "domain/overloaded.h"
#include "store/codec.h"
#include "store/rows.h"
#include "store/sqlite/queries.h"

namespace slipway::sqlite {
namespace {

std::string body_of(const Write& write) {
    if (const auto* put = std::get_if<write::PutResource>(&write)) return store::encode(put->resource);
    if (const auto* put = std::get_if<write::PutOperation>(&write)) return store::encode(put->operation);
    if (const auto* put = std::get_if<write::PutWebhook>(&write)) return store::encode(put->webhook);
    return {};
}

PreparedCommit::Original original_of(const Write& write) {
    if (const auto* put = std::get_if<write::PutResource>(&write)) return {put->resource.version, {}};
    if (const auto* put = std::get_if<write::PutOperation>(&write)) {
        return {put->operation.version, put->operation.blocked_by};
    }
    return {};
}

void restore(PreparedCommit& work) {
    for (std::size_t i = 0; i < work.originals.size(); ++i) {
        if (auto* put = std::get_if<write::PutResource>(&work.commit.writes[i])) {
            put->resource.version = work.originals[i].version;
        } else if (auto* operation_put = std::get_if<write::PutOperation>(&work.commit.writes[i])) {
            operation_put->operation.version = work.originals[i].version;
            operation_put->operation.blocked_by = work.originals[i].blocked_by;
        }
    }
}

}  // namespace

void collect(PreparedCommit& work, Committed& answer) {
    if (work.commit.trial) return;
    for (Write& write : work.commit.writes) {
        if (auto* put = std::get_if<write::PutResource>(&write)) {
            answer.resources.push_back(std::move(put->resource));
        } else if (auto* operation_put = std::get_if<write::PutOperation>(&write)) {
            answer.operations.push_back(std::move(operation_put->operation));
        }
    }
}

Result<PreparedCommit> prepare(Commit commit) {
    if (Status status = store::check_form(commit); !status) return fail(status.error());
    PreparedCommit work;
    work.bodies.reserve(commit.writes.size());
    work.originals.reserve(commit.writes.size());
    for (const Write& write : commit.writes) {
        work.bodies.push_back(body_of(write));
        work.originals.push_back(original_of(write));
    }
    work.event_bodies.reserve(commit.events.size());
    for (const EventDraft& event : commit.events) work.event_bodies.push_back(store::encode(event));
    work.commit = std::move(commit);
    return work;
}

WriteSession::WriteSession(const Database::Open& open, const Needs& needs)
    : needs_(needs), database_(open), rows_(database_) {
    database_.execute(fmt::format("PRAGMA synchronous = {}", needs.durable ? "FULL" : "OFF"));
    database_.execute("PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY");
    // In place of SQLite's own checkpoint, which runs within COMMIT.
    const auto note_pages = [](void* pages, sqlite3*, const char*, int now) {
        *static_cast<int*>(pages) = now;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(database_.handle(), note_pages, &log_pages_);
    load();
}

void WriteSession::load() {
    Cursor open = database_
                      .statement(
                          "SELECT id, provider, host, organization, due_at, blocked_by, state, kind "
                          "FROM operations WHERE open = 1")
                      .run();
    while (open.next()) {
        // As waits_for(): who runs is not held back.
        const OperationId waits(open.text(6) == "running" ? std::string() : open.string(5));
        due_.put({OperationId(open.string(0)), open.string(1), HostId(open.string(2)),
                  OrganizationId(open.string(3)), open.time(4), waits,
                  parse_operation_kind(open.text(7)).value_or(OperationKind::provision),
                  store::open_state(open.text(6))});
    }
    Cursor given = database_.statement("SELECT range, value, resource, key, rest_until FROM allocations").run();
    while (given.next()) {
        allocations_.restore(
            {given.string(0), given.integer(1), ResourceId(given.string(2)), given.string(3), given.time(4)});
    }
    Cursor deleted = database_.statement("SELECT id FROM organizations WHERE deleted_at IS NOT NULL").run();
    while (deleted.next()) deleted_organizations_.emplace(deleted.string(0));
    Cursor last = database_.statement("SELECT max(sequence) FROM events").run();
    if (last.next()) last_event_ = last.natural(0);
}

void WriteSession::end() {
    rows_.flush_counts();
    needs_.recent.withdraw(changed_);
    transaction_->commit();
    transaction_.reset();
    needs_.recent.publish(changed_);
    changed_.clear();
}

std::shared_ptr<const Resource> WriteSession::recent(const ResourceId& id) const {
    auto row = changed_.resource(id);
    return row ? row : needs_.recent.resource(id);
}

std::shared_ptr<const Operation> WriteSession::recent(const OperationId& id) const {
    auto row = changed_.operation(id);
    return row ? row : needs_.recent.operation(id);
}

std::optional<StoredResource> WriteSession::stored(const ResourceId& id) {
    auto row = recent(id);
    if (!row) return rows_.find_resource(id);
    StoredResource form = stored_form(*row);
    form.row = std::move(row);
    return form;
}

std::optional<StoredOperation> WriteSession::stored(const OperationId& id) {
    const auto row = recent(id);
    return row ? std::optional(stored_form(*row)) : rows_.find_operation(id);
}

bool WriteSession::name_is_taken(const precondition::NameFree& wanted) {
    return exists(
               "SELECT 1 FROM resources INDEXED BY resources_name "
               "WHERE name = ?1 AND name <> external_name AND organization = ?2 AND state <> 'gone' LIMIT 1",
               wanted.name, wanted.organization.str()) ||
           exists(
               "SELECT 1 FROM resources INDEXED BY resources_external_name "
               "WHERE external_name = ?1 AND name = ?1 AND organization = ?2 AND state <> 'gone' LIMIT 1",
               wanted.name, wanted.organization.str());
}

bool WriteSession::has_place(const ResourceId& host, std::uint64_t limit) {
    const auto of = stored(host);
    return of && store::takes_placements(of->state) && count_placed(database_, host) < limit;
}

bool WriteSession::setting_is(const precondition::SettingIs& wanted) {
    Cursor row = database_.statement("SELECT value FROM settings WHERE key = ?1").run(wanted.key);
    return row.next() ? row.text(0) == wanted.value : wanted.value.empty();
}

bool WriteSession::exists(std::string_view sql, const std::string& a, const std::string& b) {
    return database_.statement(sql).run(a, b).next();
}

std::optional<Rejected> WriteSession::check(const Precondition& precondition, TimePoint now) {
    const auto unless = [](bool ok, Obstacle obstacle, const std::string& subject) {
        return ok ? std::nullopt : std::optional(Rejected{obstacle, subject});
    };
    return std::visit(
        Overloaded{
            [&](const precondition::ExternalNameFree& p) {
                const bool taken = exists("SELECT 1 FROM resources WHERE provider = ?1 AND external_name = ?2",
                                          p.provider, p.external_name);
                return unless(!taken, Obstacle::external_name_taken, p.external_name);
            },
            [&](const precondition::IdempotencyKeyFree& p) {
                const bool used =
                    database_
                        .statement("SELECT 1 FROM idempotency WHERE scope = ?1 AND key = ?2 AND expires_at > ?3")
                        .run(p.scope, p.key, now)
                        .next();
                return unless(!used, Obstacle::idempotency_key_used, p.key);
            },
            [&](const precondition::PoolBelow& p) {
                Cursor row = database_
                                 .statement(
                                     "SELECT count(*) FROM resources INDEXED BY resources_pool "
                                     "WHERE pooled = 1 AND kind = ?1 AND engine = ?2 AND plan = ?3 "
                                     "AND state IN ('requested', 'provisioning', 'ready')")
                                 .run(to_string(p.kind), p.engine, p.plan);
                return unless(row.next() && row.natural(0) < p.limit, Obstacle::pool_full, p.plan);
            },
            [&](const precondition::LiveResourcesBelow& p) {
                const bool below = rows_.live_resources(p.organization.str()) < p.limit;
                return unless(below, Obstacle::quota_reached, p.organization.str());
            },
            [&](const precondition::PlanResourcesBelow& p) {
                const bool below = rows_.live_resources(p.organization.str(), {std::string(to_string(p.kind)),
                                                                               p.engine, p.plan}) < p.limit;
                return unless(below, Obstacle::quota_reached, store::plan_subject(p));
            },
            [&](const precondition::NameFree& p) {
                return unless(!name_is_taken(p), Obstacle::name_taken, p.name);
            },
            [&](const precondition::OrganizationFree& p) {
                const std::string& id = p.organization.str();
                Cursor row = database_.statement("SELECT 1 FROM organizations WHERE id = ?1").run(id);
                return unless(!row.next(), Obstacle::organization_taken, id);
            },
            [&](const precondition::AnotherAdministrator& p) {
                const bool another = database_
                                         .statement(
                                             "SELECT 1 FROM api_keys WHERE role = 'administrator' "
                                             "AND revoked_at IS NULL AND expires_at IS NULL AND id <> ?1 LIMIT 1")
                                         .run(p.key.str())
                                         .next();
                return unless(another, Obstacle::last_administrator, p.key.str());
            },
            [&](const precondition::ResourceUnchanged& p) {
                Cursor row =
                    database_.statement("SELECT version FROM resources WHERE id = ?1").run(p.resource.str());
                const std::uint64_t version = row.next() ? row.natural(0) : 0;
                return unless(version == p.version, Obstacle::resource_changed, p.resource.str());
            },
            [&](const precondition::PlaceFree& p) {
                return unless(has_place(p.host, p.limit), Obstacle::no_place, p.host.str());
            },
            [&](const precondition::PlacesFull& p) {
                return unless(!has_place(p.host, p.limit), Obstacle::place_free, p.host.str());
            },
            [&](const precondition::NothingPlaced& p) {
                return unless(count_placed(database_, p.host) == 0, Obstacle::place_taken, p.host.str());
            },
            [&](const precondition::SettingIs& p) {
                return unless(setting_is(p), Obstacle::setting_changed, p.key);
            },
            [&](const precondition::ClusterFree& p) {
                return unless(version_of(p.organization, p.name) == 0, Obstacle::cluster_taken, p.name);
            },
        },
        precondition);
}

std::optional<Rejected> WriteSession::check(const write::PutResource& put, Stored& stored) {
    const Resource& in = put.resource;
    stored.resource = this->stored(in.id);
    if (in.version != (stored.resource ? stored.resource->version : 0)) {
        return Rejected{Obstacle::resource_changed, in.id.str()};
    }
    if (!stored.resource && exists("SELECT 1 FROM resources WHERE provider = ?1 AND external_name = ?2",
                                   in.provider, in.external_name)) {
        return Rejected{Obstacle::external_name_taken, in.external_name};
    }
    return std::nullopt;
}

std::optional<Rejected> WriteSession::check(const write::PutOperation& put, Stored& stored, const Commit& commit) {
    const Operation& in = put.operation;
    stored.operation = this->stored(in.id);
    if (stored.operation && put.fence && *put.fence != stored.operation->fence) {
        return Rejected{Obstacle::fenced, in.id.str()};
    }
    if (in.version != (stored.operation ? stored.operation->version : 0) || (!stored.operation && put.fence)) {
        return Rejected{Obstacle::operation_changed, in.id.str()};
    }
    if (stored.operation) return std::nullopt;
    for (const Write& write : commit.writes) {
        const auto* of = std::get_if<write::PutResource>(&write);
        if (of != nullptr && of->resource.id == in.resource) return std::nullopt;
    }
    if (database_.statement("SELECT 1 FROM resources WHERE id = ?1").run(in.resource.str()).next()) {
        return std::nullopt;
    }
    return Rejected{Obstacle::resource_changed, in.resource.str()};
}

std::optional<Rejected> WriteSession::check(const write::PutWebhook& put) {
    const Webhook& in = put.webhook;
    Cursor row = database_.statement("SELECT version FROM webhooks WHERE id = ?1").run(in.id.str());
    const std::uint64_t version = row.next() ? row.natural(0) : 0;
    if (in.version == version) return std::nullopt;
    return Rejected{Obstacle::webhook_changed, in.id.str()};
}

std::uint64_t WriteSession::version_of(const OrganizationId& organization, const std::string& cluster) {
    Cursor row = database_.statement("SELECT version FROM clusters WHERE organization = ?1 AND name = ?2")
                     .run(organization.str(), cluster);
    return row.next() ? row.natural(0) : 0;
}

std::optional<Rejected> WriteSession::check(const write::PutCluster& put) {
    const Cluster& in = put.cluster;
    if (in.version != version_of(in.organization, in.name)) return Rejected{Obstacle::cluster_changed, in.name};
    if (in.version == 0 && database_.statement("SELECT 1 FROM clusters WHERE slug = ?1").run(in.slug).next()) {
        return Rejected{Obstacle::slug_taken, in.slug};
    }
    return std::nullopt;
}

std::optional<Rejected> WriteSession::check(const write::DropCluster& drop) {
    if (drop.cluster.version == version_of(drop.cluster.organization, drop.cluster.name)) return std::nullopt;
    return Rejected{Obstacle::cluster_changed, drop.cluster.name};
}

Status WriteSession::check_constraints(const Commit& commit, const std::vector<Stored>& stored) {
    std::set<std::pair<std::string, std::string>> names;
    for (std::size_t i = 0; i < commit.writes.size(); ++i) {
        if (const auto* put = std::get_if<write::PutResource>(&commit.writes[i])) {
            const auto& of = stored[i].resource;
            const Status status = store::check_identity(put->resource, of ? &of->provider : nullptr,
                                                        of ? &of->external_name : nullptr, names);
            if (!status) return status;
        } else if (const auto* operation_put = std::get_if<write::PutOperation>(&commit.writes[i])) {
            const auto& of = stored[i].operation;
            if (of && of->resource != operation_put->operation.resource.str()) {
                return fail(ErrorCode::invalid_argument, "an operation keeps its resource");
            }
        } else if (const auto* key = std::get_if<write::PutApiKey>(&commit.writes[i])) {
            if (exists("SELECT 1 FROM api_keys WHERE hash = ?1 AND id <> ?2", key->key.hash, key->key.id.str())) {
                return fail(ErrorCode::conflict, "another API key has this hash");
            }
        } else if (const auto* cluster = std::get_if<write::PutCluster>(&commit.writes[i])) {
            const Cluster& in = cluster->cluster;
            if (in.version == 0) continue;
            Cursor row = database_.statement("SELECT slug FROM clusters WHERE organization = ?1 AND name = ?2")
                             .run(in.organization.str(), in.name);
            if (row.next() && row.text(0) != in.slug) {
                return fail(ErrorCode::invalid_argument, "a cluster keeps its slug");
            }
        }
    }
    return {};
}

Result<CommitAnswer> WriteSession::commit(PreparedCommit& work, CommitNotice& notice) {
    restore(work);
    Commit& commit = work.commit;
    const TimePoint now = needs_.clock.now();
    for (const Precondition& precondition : commit.preconditions) {
        if (auto rejected = check(precondition, now)) return *rejected;
    }
    std::vector<Stored> stored(commit.writes.size());
    for (std::size_t i = 0; i < commit.writes.size(); ++i) {
        std::optional<Rejected> rejected;
        if (const auto* put = std::get_if<write::PutResource>(&commit.writes[i])) rejected = check(*put, stored[i]);
        if (const auto* put = std::get_if<write::PutOperation>(&commit.writes[i])) {
            rejected = check(*put, stored[i], commit);
        }
        if (const auto* put = std::get_if<write::PutWebhook>(&commit.writes[i])) rejected = check(*put);
        if (const auto* put = std::get_if<write::PutCluster>(&commit.writes[i])) rejected = check(*put);
        if (const auto* drop = std::get_if<write::DropCluster>(&commit.writes[i])) rejected = check(*drop);
        if (const auto* of = std::get_if<write::DeleteOrganization>(&commit.writes[i])) rejected = check(*of);
        if (!rejected) rejected = check_receiver(commit.writes[i]);
        if (rejected) return *rejected;
    }
    if (Status status = check_constraints(commit, stored); !status) return fail(status.error());
    store::AllocationBook::Plan plan = allocations_.plan(commit.allocations, now);
    if (plan.exhausted) return Rejected{Obstacle::range_exhausted, *plan.exhausted};

    if (commit.trial) return Committed{};

    // Everything is checked: from here on only SQLite can fail, and then the whole session goes.
    if (!commit.allocations.empty()) {
        allocations_.apply(plan);
        store::give_allocations(commit, plan);
        for (std::size_t i = 0; i < commit.writes.size(); ++i) {
            if (std::holds_alternative<write::PutResource>(commit.writes[i])) {
                work.bodies[i] = body_of(commit.writes[i]);
            }
        }
        for (const auto& change : plan.changes) rows_.put(change);
    }
    write(work, stored, now, notice);
    return Committed{{}, {}, commit.events.empty() ? 0 : last_event_};
}

void WriteSession::write(PreparedCommit& work, const std::vector<Stored>& stored, TimePoint now,
                         CommitNotice& notice) {
    Commit& commit = work.commit;
    store::settle_waits(commit, [this](const OperationId& id) { return due_.is_open(id); });
    for (std::size_t i = 0; i < commit.writes.size(); ++i) {
        std::visit(Overloaded{
                       [&](write::PutResource& w) {
                           w.resource.version += 1;
                           rows_.put(w.resource, work.bodies[i],
                                     stored[i].resource ? &*stored[i].resource : nullptr);
                           changed_.put(std::make_shared<const Resource>(w.resource));
                           store::tell(notice, w.resource);
                       },
                       [&](write::PutOperation& w) {
                           w.operation.version += 1;
                           store(w.operation, work.bodies[i], stored[i].operation ? &*stored[i].operation : nullptr,
                                 notice);
                       },
                       [&](write::Unblock&) {},  // after the puts, below
                       [&](write::ReleaseAllocations& w) {
                           for (const auto& change : allocations_.release(w.resource, w.rest_until)) {
                               rows_.put(change);
                           }
                       },
                       [&](write::PutIdempotency& w) { rows_.put(w.record, now); },
                       [&](write::PutOrganization& w) { rows_.put(w.organization); },
                       [&](write::DeleteOrganization& w) {
                           rows_.end(w.organization, w.at);
                           deleted_organizations_.insert(w.organization);
                           changed_.put_key();
                       },
                       [&](write::PutApiKey& w) {
                           rows_.put(w.key);
                           changed_.put_key();
                       },
                       [&](write::PutQuota& w) { rows_.put(w.quota); },
                       [&](write::DropQuota& w) { rows_.drop(w.quota); },
                       [&](write::PutWebhook& w) { rows_.put(w.webhook, work.bodies[i]); },
                       [&](write::DropWebhook& w) { rows_.drop(w.webhook); },
                       [&](write::PutCluster& w) { rows_.put(w.cluster); },
                       [&](write::DropCluster& w) { rows_.drop(w.cluster); },
                       [&](write::PutOrphan& w) { rows_.put(w.orphan); },
                       [&](write::DropOrphan& w) { rows_.drop_orphan(w.provider, w.external_name); },
                       [&](write::PutSetting& w) { rows_.put_setting(w.key, w.value); },
                   },
                   commit.writes[i]);
    }
    for (const Write& write : commit.writes) {
        if (const auto* ended = std::get_if<write::Unblock>(&write)) unblock(ended->operation, notice);
    }
    for (std::size_t i = 0; i < commit.events.size(); ++i) {
        rows_.append(++last_event_, commit.events[i], work.event_bodies[i]);
        notice.last_event = last_event_;
    }
}

void WriteSession::store(const Operation& operation, std::string_view body, const StoredOperation* before,
                         CommitNotice& notice) {
    rows_.put(operation, body, before);
    changed_.put(std::make_shared<const Operation>(operation));
    due_.put(operation);
    notice.operations.push_back(operation.id);
    notice.work |= store::is_work(operation);
}

void WriteSession::unblock(const OperationId& id, CommitNotice& notice) {
    for (const OperationId& freed : due_.unblock(id)) {
        rows_.unblock(freed);
        if (const auto row = recent(freed)) {
            Operation now = *row;
            now.version += 1;
            now.blocked_by = {};
            changed_.put(std::make_shared<const Operation>(std::move(now)));
        }
        notice.operations.push_back(freed);
        notice.work = true;
    }
}

LeaseAnswer WriteSession::lease(const LeaseRequest& request, CommitNotice& notice) {
    LeaseAnswer answer;
    answer.now = needs_.clock.now();
    for (const OperationId& id : due_.select(request, answer.now)) lease_one(id, request, answer, notice);
    answer.next_due = due_.next_due(request.host, answer.now);
    return answer;
}

std::optional<LeasedWork> WriteSession::read_work(const OperationId& id) {
    const auto known = recent(id);
    const auto of = known ? recent(known->resource) : nullptr;
    if (known && of) return LeasedWork{*known, *of};
    Cursor row = database_
                     .statement(
                         "SELECT o.version, o.blocked_by, o.body, r.id, r.version, r.body FROM operations o "
                         "JOIN resources r ON r.id = o.resource WHERE o.id = ?1")
                     .run(id.str());
    if (!row.next()) return std::nullopt;
    auto operation = store::decode_operation(id.str(), row.text(2), row.natural(0), row.text(1));
    auto resource = store::decode_resource(row.text(3), row.text(5), row.natural(4));
    if (operation && resource) return LeasedWork{std::move(*operation), std::move(*resource)};
    const Error& error = !operation ? operation.error() : resource.error();
    log::error("store", error.message, {{"operation", id.str()}, {"detail", error.detail}});
    return std::nullopt;
}

void WriteSession::lease_one(const OperationId& id, const LeaseRequest& request, LeaseAnswer& answer,
                             CommitNotice& notice) {
    auto work = read_work(id);
    if (!work) {
        due_.erase(id);  // it cannot be read: others go on, and the next start will say so again
        return;
    }
    const auto token = store::make_lease_token(request.host, answer.now, needs_.random);
    auto outcome =
        slipway::lease(work->operation, work->resource, token, answer.now, request.duration, needs_.policy);
    if (!outcome) {
        log::warning("store", "a due operation refused its lease", {{"why", outcome.error().why}});
        return;
    }
    const StoredOperation before = stored_form(work->operation);
    Operation& operation = outcome->operation;
    operation.version = work->operation.version + 1;
    store(operation, store::encode(operation), &before, notice);
    if (outcome->resource_changed) {
        const StoredResource resource_before = stored_form(work->resource);
        work->resource = std::move(outcome->resource);
        work->resource.version = resource_before.version + 1;
        rows_.put(work->resource, store::encode(work->resource), &resource_before);
        changed_.put(std::make_shared<const Resource>(work->resource));
        store::tell(notice, work->resource);
    }
    for (const EventDraft& event : outcome->events) {
        rows_.append(++last_event_, event, store::encode(event));
        notice.last_event = last_event_;
    }
    if (is_terminal(operation.state)) return unblock(id, notice);
    answer.work.push_back({std::move(operation), std::move(work->resource), outcome->fresh, outcome->takeover});
}

}  // namespace slipway::sqlite
