#include "store/rows.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "domain/expiry.h"
#include "domain/overloaded.h"

namespace slipway {

std::string_view to_string(OpenState state) {
    switch (state) {
        case OpenState::queued: return "queued";
        case OpenState::blocked: return "blocked";
        case OpenState::running: return "running";
        case OpenState::waiting: return "waiting";
        case OpenState::retrying: return "retrying";
    }
    return "";
}

}  // namespace slipway

namespace slipway::store {

std::optional<TimePoint> due_at(const Operation& operation) {
    using namespace operation_state;
    using Due = std::optional<TimePoint>;
    return std::visit(Overloaded{
                          [&](const Queued&) { return Due(operation.run_at); },
                          [](const Running& in) { return Due(in.until); },
                          [](const Waiting& in) { return Due(in.until); },
                          [](const Retrying& in) { return Due(in.until); },
                          [](const Succeeded&) { return Due(); },
                          [](const Failed&) { return Due(); },
                          [](const Cancelled&) { return Due(); },
                      },
                      operation.state);
}

const OperationId* waits_for(const Operation& operation) {
    if (operation.blocked_by.empty() || is_terminal(operation.state)) return nullptr;
    if (std::holds_alternative<operation_state::Running>(operation.state)) return nullptr;
    return &operation.blocked_by;
}

OpenState open_state(std::string_view word) {
    for (const OpenState state : {OpenState::running, OpenState::waiting, OpenState::retrying}) {
        if (to_string(state) == word) return state;
    }
    return OpenState::queued;
}

bool is_gone(const ResourceState& state) { return std::holds_alternative<resource_state::Gone>(state); }

bool is_live(const ResourceState& state) {
    return !is_gone(state) && !std::holds_alternative<resource_state::Failed>(state);
}

bool takes_placements(std::string_view state) {
    return state == "ready" || state == "provisioning" || state == "requested" || state == "updating";
}

std::string plan_subject(const precondition::PlanResourcesBelow& below) {
    return below.organization.str() + "/" + below.engine + "/" + below.plan;
}

bool stays_administrator(const ApiKey& key) {
    return key.role == Role::administrator && !key.revoked_at && !key.expires_at;
}

const OrganizationId* gives_to(const Write& write) {
    if (const auto* put = std::get_if<write::PutResource>(&write)) {
        return is_gone(put->resource.state) ? nullptr : &put->resource.organization;
    }
    if (const auto* put = std::get_if<write::PutApiKey>(&write)) {
        return put->key.revoked_at ? nullptr : &put->key.organization;
    }
    if (const auto* put = std::get_if<write::PutOrganization>(&write)) return &put->organization.id;
    if (const auto* put = std::get_if<write::PutQuota>(&write)) return &put->quota.organization;
    if (const auto* put = std::get_if<write::PutWebhook>(&write)) return &put->webhook.organization;
    if (const auto* put = std::get_if<write::PutCluster>(&write)) return &put->cluster.organization;
    return nullptr;
}

bool counts_in_pool(const Resource& resource) {
    using namespace resource_state;
    return resource.pooled &&
           (std::holds_alternative<Requested>(resource.state) ||
            std::holds_alternative<Provisioning>(resource.state) || std::holds_alternative<Ready>(resource.state));
}

namespace {

Status refuse(std::string message) { return fail(ErrorCode::invalid_argument, std::move(message)); }

// Collects what a commit writes, to find rows that are written twice.
class FormCheck {
  public:
    Status operator()(const write::PutResource& put) {
        const Resource& in = put.resource;
        if (in.id.empty()) return refuse("a resource needs an id");
        if (in.organization.empty()) return refuse("resource " + in.id.str() + " needs an organization");
        if (!resources.insert(in.id).second) return refuse("resource " + in.id.str() + " is written twice");
        return {};
    }
    Status operator()(const write::PutOperation& put) {
        const Operation& in = put.operation;
        if (in.id.empty()) return refuse("an operation needs an id");
        if (in.organization.empty()) return refuse("operation " + in.id.str() + " needs an organization");
        if (in.blocked_by == in.id) return refuse("operation " + in.id.str() + " waits for itself");
        if (!operations.insert(in.id).second) return refuse("operation " + in.id.str() + " is written twice");
        const auto* running = std::get_if<operation_state::Running>(&in.state);
        if (running != nullptr && running->token.empty()) {
            return refuse("operation " + in.id.str() + " runs without a lease token");
        }
        return {};
    }
    Status operator()(const write::Unblock&) { return {}; }
    Status operator()(const write::ReleaseAllocations&) { return {}; }
    Status operator()(const write::PutIdempotency&) { return {}; }
    Status operator()(const write::PutOrganization& put) {
        if (put.organization.deleted_at) return refuse("an organization is not written as a deleted one");
        return put.organization.id.empty() ? refuse("an organization needs an id") : Status();
    }
    Status operator()(const write::DeleteOrganization& deletion) {
        const std::string& id = deletion.organization.str();
        if (id.empty()) return refuse("an organization needs an id");
        return deleted.insert(deletion.organization).second ? Status() : refuse(id + " is deleted twice");
    }
    Status operator()(const write::PutApiKey& put) {
        if (put.key.id.empty() || put.key.hash.empty() || put.key.organization.empty()) {
            return refuse("an API key needs an id, a hash and an organization");
        }
        if (!keys.insert(put.key.id).second) return refuse("API key " + put.key.id.str() + " is written twice");
        if (!hashes.insert(put.key.hash).second) return refuse("two API keys have one hash");
        return {};
    }
    Status operator()(const write::PutQuota& put) { return check_quota(put.quota); }
    Status operator()(const write::DropQuota& drop) { return check_quota(drop.quota); }
    Status operator()(const write::PutWebhook& put) {
        const Webhook& in = put.webhook;
        if (in.id.empty() || in.url.empty()) return refuse("a webhook needs an id and a url");
        if (!webhooks.insert(in.id).second) return refuse("webhook " + in.id.str() + " is written twice");
        return {};
    }
    Status operator()(const write::DropWebhook& drop) {
        return drop.webhook.empty() ? refuse("a webhook needs an id") : Status();
    }
    Status operator()(const write::PutCluster& put) {
        const Cluster& in = put.cluster;
        if (in.organization.empty() || in.name.empty() || in.slug.empty()) {
            return refuse("a cluster needs an organization, a name and a slug");
        }
        if (!slugs.insert(in.slug).second) return refuse("two clusters have the slug " + in.slug);
        return check_once(in);
    }
    Status operator()(const write::DropCluster& drop) { return check_once(drop.cluster); }
    Status operator()(const write::PutOrphan& put) {
        static constexpr std::array<std::string_view, 3> kinds = {"lost", "gone", "foreign"};
        if (std::ranges::find(kinds, put.orphan.kind) == kinds.end()) {
            return refuse("an orphan is lost, gone or foreign");
        }
        return {};
    }
    Status operator()(const write::DropOrphan&) { return {}; }
    Status operator()(const write::PutSetting& put) {
        return put.key.empty() ? refuse("a setting needs a key") : Status();
    }

    std::set<ResourceId> resources;
    std::set<OperationId> operations;
    std::set<WebhookId> webhooks;
    std::set<ApiKeyId> keys;
    std::set<std::string> hashes;
    std::set<std::pair<OrganizationId, std::string>> clusters;
    std::set<std::string> slugs;
    std::set<OrganizationId> deleted;

  private:
    Status check_once(const Cluster& in) {
        if (clusters.emplace(in.organization, in.name).second) return {};
        return refuse("cluster " + in.name + " is written twice");
    }
    static Status check_quota(const Quota& in) {
        if (in.organization.empty()) return refuse("a quota needs an organization");
        if (in.kind.has_value() == in.engine.empty() || in.kind.has_value() == in.plan.empty()) {
            return refuse("a quota has a kind, an engine and a plan, or none of them");
        }
        if (in.limit > INT64_MAX) return refuse("a quota is at most 9223372036854775807");
        return {};
    }
};

}  // namespace

Status check_form(const Commit& commit) {
    FormCheck check;
    for (const Write& write : commit.writes) {
        if (Status status = std::visit(check, write); !status) return status;
    }
    for (const Write& write : commit.writes) {
        const OrganizationId* to = check.deleted.empty() ? nullptr : gives_to(write);
        if (to != nullptr && check.deleted.contains(*to)) {
            return refuse("organization " + to->str() + " is deleted and given something by one commit");
        }
    }
    std::set<std::tuple<ResourceId, std::string, std::string>> allocated;
    for (const Allocation& allocation : commit.allocations) {
        const std::string& of = allocation.resource.str();
        if (!check.resources.contains(allocation.resource)) {
            return refuse("an allocation for resource " + of + " needs a write of it in the same commit");
        }
        if (!allocated.emplace(allocation.resource, allocation.range, allocation.key).second) {
            return refuse("resource " + of + " is given one allocation twice");
        }
    }
    return {};
}

Status check_identity(const Resource& resource, const std::string* stored_provider,
                      const std::string* stored_external_name,
                      std::set<std::pair<std::string, std::string>>& made) {
    if (stored_provider == nullptr || stored_external_name == nullptr) {
        if (made.emplace(resource.provider, resource.external_name).second) return {};
        return refuse("two new resources have the external name " + resource.external_name);
    }
    if (*stored_provider == resource.provider && *stored_external_name == resource.external_name) return {};
    return refuse("resource " + resource.id.str() + " keeps its provider and external name");
}

void give_allocations(Commit& commit, const AllocationBook::Plan& plan) {
    for (std::size_t i = 0; i < commit.allocations.size(); ++i) {
        const Allocation& allocation = commit.allocations[i];
        for (Write& write : commit.writes) {
            auto* put = std::get_if<write::PutResource>(&write);
            if (put == nullptr || put->resource.id != allocation.resource) continue;
            put->resource.allocations[allocation.key] = plan.given[i];
        }
    }
}

void tell(CommitNotice& notice, const Resource& resource) {
    notice.resources.push_back(resource.id);
    const auto due = expiry_due(resource);
    if (due && (!notice.expiry_due || *due < *notice.expiry_due)) notice.expiry_due = due;
}

bool is_work(const Operation& operation) {
    return !is_terminal(operation.state) && waits_for(operation) == nullptr &&
           !std::holds_alternative<operation_state::Running>(operation.state);
}

void settle_waits(Commit& commit, const std::function<bool(const OperationId&)>& is_open) {
    std::vector<write::PutOperation*> waiting;
    for (Write& write : commit.writes) {
        auto* put = std::get_if<write::PutOperation>(&write);
        if (put != nullptr && !put->operation.blocked_by.empty()) waiting.push_back(put);
    }
    if (waiting.empty()) return;
    std::map<OperationId, bool> open_after;
    for (const Write& write : commit.writes) {
        if (const auto* put = std::get_if<write::PutOperation>(&write)) {
            open_after.try_emplace(put->operation.id, !is_terminal(put->operation.state));
        } else if (const auto* unblock = std::get_if<write::Unblock>(&write)) {
            open_after[unblock->operation] = false;
        }
    }
    for (write::PutOperation* put : waiting) {
        const auto known = open_after.find(put->operation.blocked_by);
        const bool open = known != open_after.end() ? known->second : is_open(put->operation.blocked_by);
        if (!open) put->operation.blocked_by = {};
    }
}

bool matches(const EventFilter& filter, const EventKey& event) {
    const auto begins = [&](const std::string& type) { return event.type.starts_with(type); };
    return (!filter.resource || filter.resource->str() == event.resource) &&
           (!filter.operation || filter.operation->str() == event.operation) &&
           (!filter.organization || filter.organization->str() == event.organization) &&
           (filter.types.empty() || std::ranges::any_of(filter.types, begins));
}

std::uint32_t page_limit(std::uint32_t asked) { return std::clamp<std::uint32_t>(asked, 1, kMaxPage); }

}  // namespace slipway::store
