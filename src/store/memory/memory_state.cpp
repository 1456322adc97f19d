#include "store/memory/memory_state.h"

#include <algorithm>

#include "domain/expiry.h"
#include "domain/overloaded.h"
#include "store/rows.h"

namespace slipway::store {
namespace {

// How many expired records each new one sweeps away, so that they are bounded without a timer.
constexpr int kExpiredPerPut = 2;

template <class Map, class Key>
auto find_row(const Map& rows, const Key& key) -> decltype(rows.begin()->second.get()) {
    const auto found = rows.find(key);
    return found != rows.end() ? found->second.get() : nullptr;
}

auto key_of(const Quota& quota) {
    return std::tuple(quota.kind ? to_string(*quota.kind) : std::string_view(), quota.engine, quota.plan);
}

}  // namespace

std::optional<Rejected> MemoryState::check(const Precondition& precondition, TimePoint now) const {
    using Answer = std::optional<Rejected>;
    return std::visit(
        Overloaded{
            [&](const precondition::ExternalNameFree& p) {
                const bool taken = external_names_.contains({p.provider, p.external_name});
                return taken ? Answer({Obstacle::external_name_taken, p.external_name}) : Answer();
            },
            [&](const precondition::IdempotencyKeyFree& p) {
                const bool used = idempotency(p.scope, p.key, now) != nullptr;
                return used ? Answer({Obstacle::idempotency_key_used, p.key}) : Answer();
            },
            [&](const precondition::PoolBelow& p) {
                const auto pool = pools_.find({p.kind, p.engine, p.plan});
                const std::size_t size =
                    pool != pools_.end() ? pool->second.ready.size() + pool->second.coming.size() : 0;
                return size >= p.limit ? Answer({Obstacle::pool_full, p.plan}) : Answer();
            },
            [&](const precondition::LiveResourcesBelow& p) {
                std::uint64_t count = 0;
                for (const LiveCount& of : live_counts(p.organization)) count += of.live;
                return count >= p.limit ? Answer({Obstacle::quota_reached, p.organization.str()}) : Answer();
            },
            [&](const precondition::PlanResourcesBelow& p) {
                std::uint64_t count = 0;
                for (const LiveCount& of : live_counts(p.organization)) {
                    if (of.kind == p.kind && of.engine == p.engine && of.plan == p.plan) count = of.live;
                }
                return count >= p.limit ? Answer({Obstacle::quota_reached, plan_subject(p)}) : Answer();
            },
            [&](const precondition::NameFree& p) {
                const bool taken = names_.contains({p.organization, p.name});
                return taken ? Answer({Obstacle::name_taken, p.name}) : Answer();
            },
            [&](const precondition::OrganizationFree& p) {
                const bool taken = organizations_.contains(p.organization);
                return taken ? Answer({Obstacle::organization_taken, p.organization.str()}) : Answer();
            },
            [&](const precondition::AnotherAdministrator& p) {
                const bool another = std::ranges::any_of(api_keys_, [&](const auto& each) {
                    return each.first != p.key && stays_administrator(each.second);
                });
                return another ? Answer() : Answer({Obstacle::last_administrator, p.key.str()});
            },
            [&](const precondition::ResourceUnchanged& p) {
                const Resource* stored = resource(p.resource);
                const std::uint64_t version = stored != nullptr ? stored->version : 0;
                return version != p.version ? Answer({Obstacle::resource_changed, p.resource.str()}) : Answer();
            },
            [&](const precondition::PlaceFree& p) {
                return has_place(p.host, p.limit) ? Answer() : Answer({Obstacle::no_place, p.host.str()});
            },
            [&](const precondition::PlacesFull& p) {
                return has_place(p.host, p.limit) ? Answer({Obstacle::place_free, p.host.str()}) : Answer();
            },
            [&](const precondition::NothingPlaced& p) {
                return placed_on(p.host) > 0 ? Answer({Obstacle::place_taken, p.host.str()}) : Answer();
            },
            [&](const precondition::SettingIs& p) {
                const std::string* stored = setting(p.key);
                const bool same = stored != nullptr ? *stored == p.value : p.value.empty();
                return same ? Answer() : Answer({Obstacle::setting_changed, p.key});
            },
            [&](const precondition::ClusterFree& p) {
                const bool taken = cluster(p.organization, p.name) != nullptr;
                return taken ? Answer({Obstacle::cluster_taken, p.name}) : Answer();
            },
        },
        precondition);
}

std::optional<Rejected> MemoryState::check(const write::PutResource& put) const {
    const Resource& in = put.resource;
    const Resource* stored = resource(in.id);
    if (in.version != (stored != nullptr ? stored->version : 0)) {
        return Rejected{Obstacle::resource_changed, in.id.str()};
    }
    if (stored == nullptr && external_names_.contains({in.provider, in.external_name})) {
        return Rejected{Obstacle::external_name_taken, in.external_name};
    }
    return std::nullopt;
}

std::optional<Rejected> MemoryState::check(const write::PutOperation& put, const Commit& commit) const {
    const Operation& in = put.operation;
    const Operation* stored = operation(in.id);
    if (stored != nullptr && put.fence && *put.fence != stored->fence) {
        return Rejected{Obstacle::fenced, in.id.str()};
    }
    if (in.version != (stored != nullptr ? stored->version : 0) || (stored == nullptr && put.fence)) {
        return Rejected{Obstacle::operation_changed, in.id.str()};
    }
    if (stored != nullptr || resource(in.resource) != nullptr) return std::nullopt;
    for (const Write& write : commit.writes) {
        const auto* of = std::get_if<write::PutResource>(&write);
        if (of != nullptr && of->resource.id == in.resource) return std::nullopt;
    }
    return Rejected{Obstacle::resource_changed, in.resource.str()};
}

std::optional<Rejected> MemoryState::check(const write::PutWebhook& put) const {
    const auto stored = webhooks_.find(put.webhook.id);
    const std::uint64_t version = stored != webhooks_.end() ? stored->second.version : 0;
    if (put.webhook.version == version) return std::nullopt;
    return Rejected{Obstacle::webhook_changed, put.webhook.id.str()};
}

std::optional<Rejected> MemoryState::check(const write::PutCluster& put) const {
    const Cluster* stored = cluster(put.cluster.organization, put.cluster.name);
    if (put.cluster.version != (stored != nullptr ? stored->version : 0)) {
        return Rejected{Obstacle::cluster_changed, put.cluster.name};
    }
    if (stored == nullptr && slugs_.contains(put.cluster.slug)) {
        return Rejected{Obstacle::slug_taken, put.cluster.slug};
    }
    return std::nullopt;
}

std::optional<Rejected> MemoryState::check(const write::DropCluster& drop) const {
    const Cluster* stored = cluster(drop.cluster.organization, drop.cluster.name);
    if (drop.cluster.version == (stored != nullptr ? stored->version : 0)) return std::nullopt;
    return Rejected{Obstacle::cluster_changed, drop.cluster.name};
}

std::optional<Rejected> MemoryState::check(const write::DeleteOrganization& deletion) const {
    const OrganizationId& id = deletion.organization;
    const Organization* stored = organization(id);
    if (stored == nullptr || stored->deleted_at) return Rejected{Obstacle::organization_gone, id.str()};
    const auto of = by_organization_.find(id);
    const bool resources = of != by_organization_.end() && std::ranges::any_of(of->second, [&](const auto& each) {
                               return !is_gone(resources_.at(each)->state);
                           });
    const auto first = clusters_.lower_bound({id, std::string()});
    if (resources || (first != clusters_.end() && first->first.first == id)) {
        return Rejected{Obstacle::organization_used, id.str()};
    }
    bool within = false;
    bool elsewhere = false;
    for (const auto& [key_id, key] : api_keys_) {
        if (stays_administrator(key)) (key.organization == id ? within : elsewhere) = true;
    }
    if (within && !elsewhere) return Rejected{Obstacle::last_administrator, id.str()};
    return std::nullopt;
}

std::optional<Rejected> MemoryState::check_receiver(const Write& write) const {
    const OrganizationId* to = gives_to(write);
    const Organization* stored = to != nullptr ? organization(*to) : nullptr;
    if (stored == nullptr || !stored->deleted_at) return std::nullopt;
    return Rejected{Obstacle::organization_gone, to->str()};
}

std::uint64_t MemoryState::placed_on(const ResourceId& host) const {
    const auto found = placed_.find(host);
    return found != placed_.end() ? found->second : 0;
}

bool MemoryState::has_place(const ResourceId& host, std::uint64_t limit) const {
    const Resource* of = resource(host);
    return of != nullptr && takes_placements(state_name(of->state)) && placed_on(host) < limit;
}

Status MemoryState::check_constraints(const Commit& commit) const {
    std::set<std::pair<std::string, std::string>> names;
    for (const Write& write : commit.writes) {
        if (const auto* put = std::get_if<write::PutResource>(&write)) {
            const Resource* stored = resource(put->resource.id);
            const Status status = check_identity(put->resource, stored != nullptr ? &stored->provider : nullptr,
                                                 stored != nullptr ? &stored->external_name : nullptr, names);
            if (!status) return status;
        } else if (const auto* operation_put = std::get_if<write::PutOperation>(&write)) {
            const Operation* stored = operation(operation_put->operation.id);
            if (stored != nullptr && stored->resource != operation_put->operation.resource) {
                return fail(ErrorCode::invalid_argument, "an operation keeps its resource");
            }
        } else if (const auto* key = std::get_if<write::PutApiKey>(&write)) {
            const auto found = api_key_hashes_.find(key->key.hash);
            if (found != api_key_hashes_.end() && found->second != key->key.id) {
                return fail(ErrorCode::conflict, "another API key has this hash");
            }
        } else if (const auto* of = std::get_if<write::PutCluster>(&write)) {
            const Cluster* stored = cluster(of->cluster.organization, of->cluster.name);
            if (stored != nullptr && stored->slug != of->cluster.slug) {
                return fail(ErrorCode::invalid_argument, "a cluster keeps its slug");
            }
        }
    }
    return {};
}

Result<CommitAnswer> MemoryState::apply(Commit commit, TimePoint now, CommitNotice* notice) {
    if (Status status = check_form(commit); !status) return fail(status.error());
    for (const Precondition& precondition : commit.preconditions) {
        if (auto rejected = check(precondition, now)) return *rejected;
    }
    for (const Write& write : commit.writes) {
        std::optional<Rejected> rejected;
        if (const auto* put = std::get_if<write::PutResource>(&write)) rejected = check(*put);
        if (const auto* put = std::get_if<write::PutOperation>(&write)) rejected = check(*put, commit);
        if (const auto* put = std::get_if<write::PutWebhook>(&write)) rejected = check(*put);
        if (const auto* put = std::get_if<write::PutCluster>(&write)) rejected = check(*put);
        if (const auto* drop = std::get_if<write::DropCluster>(&write)) rejected = check(*drop);
        if (const auto* of = std::get_if<write::DeleteOrganization>(&write)) rejected = check(*of);
        if (!rejected) rejected = check_receiver(write);
        if (rejected) return *rejected;
    }
    if (Status status = check_constraints(commit); !status) return fail(status.error());
    AllocationBook::Plan plan = allocations_.plan(commit.allocations, now);
    if (plan.exhausted) return Rejected{Obstacle::range_exhausted, *plan.exhausted};

    if (commit.trial) return Committed{};

    // Everything is checked: from here on nothing fails.
    allocations_.apply(plan);
    give_allocations(commit, plan);
    settle_waits(commit, [this](const OperationId& id) { return due_.is_open(id); });
    CommitNotice changed;
    Committed answer;
    for (Write& write : commit.writes) {
        std::visit(
            Overloaded{
                [&](write::PutResource& w) { answer.resources.push_back(put(std::move(w.resource), changed)); },
                [&](write::PutOperation& w) { answer.operations.push_back(put(std::move(w.operation), changed)); },
                [&](write::Unblock&) {},  // after the puts, below
                [&](write::ReleaseAllocations& w) { allocations_.release(w.resource, w.rest_until); },
                [&](write::PutIdempotency& w) { put(std::move(w.record), now); },
                [&](write::PutOrganization& w) { organizations_[w.organization.id] = w.organization; },
                [&](write::DeleteOrganization& w) { end(w); },
                [&](write::PutApiKey& w) { put(std::move(w.key)); },
                [&](write::PutQuota& w) { quotas_[w.quota.organization][key_of(w.quota)] = w.quota; },
                [&](write::DropQuota& w) { quotas_[w.quota.organization].erase(key_of(w.quota)); },
                [&](write::PutWebhook& w) {
                    w.webhook.version += 1;
                    webhooks_.insert_or_assign(w.webhook.id, std::move(w.webhook));
                },
                [&](write::DropWebhook& w) { webhooks_.erase(w.webhook); },
                [&](write::PutCluster& w) {
                    w.cluster.version += 1;
                    slugs_.insert(w.cluster.slug);
                    clusters_.insert_or_assign({w.cluster.organization, w.cluster.name}, std::move(w.cluster));
                },
                [&](write::DropCluster& w) {
                    if (const Cluster* stored = cluster(w.cluster.organization, w.cluster.name)) {
                        slugs_.erase(stored->slug);
                    }
                    clusters_.erase({w.cluster.organization, w.cluster.name});
                },
                [&](write::PutOrphan& w) {
                    orphans_.insert_or_assign({w.orphan.provider, w.orphan.external_name}, w.orphan);
                },
                [&](write::DropOrphan& w) { orphans_.erase({w.provider, w.external_name}); },
                [&](write::PutSetting& w) { settings_.insert_or_assign(w.key, w.value); },
            },
            write);
    }
    for (const Write& write : commit.writes) {
        if (const auto* ended = std::get_if<write::Unblock>(&write)) unblock(ended->operation, changed);
    }
    for (EventDraft& draft : commit.events) answer.last_event = append(std::move(draft));
    changed.last_event = answer.last_event;
    if (notice != nullptr) *notice = std::move(changed);
    return answer;
}

Result<LeaseAnswer> MemoryState::lease(const LeaseRequest& request, TimePoint now, CommitNotice* notice) {
    CommitNotice changed;
    LeaseAnswer answer;
    answer.now = now;
    for (const OperationId& id : due_.select(request, now)) {
        const Operation* stored = operation(id);
        const Resource* of = stored != nullptr ? resource(stored->resource) : nullptr;
        if (of == nullptr) continue;
        const auto token = make_lease_token(request.host, now, random_);
        auto outcome = slipway::lease(*stored, *of, token, now, request.duration, policy_);
        if (!outcome) continue;
        LeasedWork work{put(std::move(outcome->operation), changed), *of, outcome->fresh, outcome->takeover};
        if (outcome->resource_changed) work.resource = put(std::move(outcome->resource), changed);
        for (EventDraft& draft : outcome->events) changed.last_event = append(std::move(draft));
        if (is_terminal(work.operation.state)) {
            unblock(id, changed);
        } else {
            answer.work.push_back(std::move(work));
        }
    }
    answer.next_due = due_.next_due(request.host, now);
    if (notice != nullptr) *notice = std::move(changed);
    return answer;
}

Resource MemoryState::put(Resource in, CommitNotice& notice) {
    in.version += 1;
    const Resource* stored = resource(in.id);
    meter(stored, in);
    if (stored != nullptr) {
        unindex(*stored);
    } else {
        external_names_.emplace(std::pair(in.provider, in.external_name), in.id);
    }
    index(in);
    tell(notice, in);
    resources_[in.id.str()] = std::make_shared<const Resource>(in);
    return in;
}

void MemoryState::index(const Resource& in) {
    by_organization_[in.organization].insert(in.id.str());
    if (is_live(in.state)) ++live_[in.organization][{to_string(in.kind), in.engine, in.plan}];
    if (!is_gone(in.state)) {
        ++names_[{in.organization, in.name}];
        ++in_state_[{to_string(in.kind), in.engine, state_name(in.state), in.pooled}];
    }
    if (holds_place(in)) ++placed_[in.placed_on];
    if (const auto due = expiry_due(in)) expiries_.emplace(*due, in.id);
    if (!counts_in_pool(in)) return;
    Pool& pool = pools_[{in.kind, in.engine, in.plan}];
    const bool ready = std::holds_alternative<resource_state::Ready>(in.state);
    (ready ? pool.ready : pool.coming).insert(in.id);
}

void MemoryState::unindex(const Resource& in) {
    by_organization_[in.organization].erase(in.id.str());
    if (is_live(in.state)) {
        auto& live = live_[in.organization];
        const auto of_plan = live.find(PlanKey(to_string(in.kind), in.engine, in.plan));
        if (--of_plan->second == 0) live.erase(of_plan);
    }
    if (!is_gone(in.state)) {
        const auto name = names_.find({in.organization, in.name});
        if (--name->second == 0) names_.erase(name);
        const auto counted = in_state_.find({to_string(in.kind), in.engine, state_name(in.state), in.pooled});
        if (--counted->second == 0) in_state_.erase(counted);
    }
    if (holds_place(in)) {
        const auto placed = placed_.find(in.placed_on);
        if (--placed->second == 0) placed_.erase(placed);
    }
    if (const auto due = expiry_due(in)) expiries_.erase({*due, in.id});
    if (!counts_in_pool(in)) return;
    const auto pool = pools_.find({in.kind, in.engine, in.plan});
    pool->second.ready.erase(in.id);
    pool->second.coming.erase(in.id);
    if (pool->second.ready.empty() && pool->second.coming.empty()) pools_.erase(pool);
}

void MemoryState::meter(const Resource* before, const Resource& after) {
    const auto was = before != nullptr ? usage_key(*before) : std::nullopt;
    auto is = usage_key(after);
    if (was == is) return;
    auto& intervals = usage_[after.id];
    if (was) intervals.back().to = std::max(intervals.back().from, after.updated_at);
    if (is) intervals.push_back({std::move(*is), after.updated_at, std::nullopt});
}

Operation MemoryState::put(Operation in, CommitNotice& notice) {
    in.version += 1;
    operations_of_[in.resource].insert(in.id.str());
    due_.put(in);
    notice.operations.push_back(in.id);
    notice.work |= is_work(in);
    operations_[in.id.str()] = std::make_shared<const Operation>(in);
    return in;
}

void MemoryState::unblock(const OperationId& id, CommitNotice& notice) {
    for (const OperationId& freed : due_.unblock(id)) {
        auto changed = std::make_shared<Operation>(*operation(freed));
        changed->blocked_by = {};
        changed->version += 1;
        operations_[freed.str()] = std::move(changed);
        notice.operations.push_back(freed);
        notice.work = true;
    }
}

void MemoryState::put(IdempotencyRecord record, TimePoint now) {
    for (int i = 0; i < kExpiredPerPut && !idempotency_expiry_.empty(); ++i) {
        const auto& [expires_at, scope, key] = *idempotency_expiry_.begin();
        if (expires_at > now) break;
        idempotency_.erase({scope, key});
        idempotency_expiry_.erase(idempotency_expiry_.begin());
    }
    const std::pair at(record.scope, record.key);
    if (const auto old = idempotency_.find(at); old != idempotency_.end()) {
        idempotency_expiry_.erase({old->second.expires_at, at.first, at.second});
    }
    idempotency_expiry_.emplace(record.expires_at, at.first, at.second);
    idempotency_.insert_or_assign(at, std::move(record));
}

void MemoryState::put(ApiKey key) {
    if (const auto old = api_keys_.find(key.id); old != api_keys_.end()) api_key_hashes_.erase(old->second.hash);
    api_key_hashes_.insert_or_assign(key.hash, key.id);
    api_keys_.insert_or_assign(key.id, std::move(key));
}

void MemoryState::end(const write::DeleteOrganization& deletion) {
    const OrganizationId& id = deletion.organization;
    organizations_.at(id).deleted_at = deletion.at;
    for (auto& [key_id, key] : api_keys_) {
        if (key.organization == id && !key.revoked_at) key.revoked_at = deletion.at;
    }
    quotas_.erase(id);
    std::erase_if(webhooks_, [&](const auto& each) { return each.second.organization == id; });
}

std::uint64_t MemoryState::append(EventDraft draft) {
    const std::uint64_t sequence = events_.size() + 1;
    if (!draft.resource.empty()) events_of_[draft.resource].push_back(sequence);
    events_.push_back(std::make_shared<const Event>(Event{sequence, std::move(draft)}));
    return sequence;
}

const Resource* MemoryState::resource(const ResourceId& id) const { return find_row(resources_, id.str()); }
const Operation* MemoryState::operation(const OperationId& id) const { return find_row(operations_, id.str()); }

}  // namespace slipway::store
