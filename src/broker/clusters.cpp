#include "broker/clusters.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/backups.h"
#include "broker/check.h"
#include "broker/orders.h"

namespace slipway {
namespace {

// A slug of 10 random digits is taken once in a blue moon.
constexpr int kSlugTries = 16;
// Each loss follows a change of the same cluster by somebody else.
constexpr int kTries = 64;
constexpr std::size_t kSlugDigits = 10;
constexpr Duration kKeyKept = std::chrono::hours(24);
constexpr std::string_view kFace = "harbourmaster";  // the only one that has clusters

std::unexpected<Error> no_such_cluster() { return fail(ErrorCode::not_found, "there is no such cluster"); }

std::string make_slug(Random& random) {
    std::string slug = "cluster-";
    for (std::size_t i = 0; i < kSlugDigits; ++i) slug += static_cast<char>('0' + random.below(10));
    return slug;
}

bool lives(const Resource& resource) {
    return !std::holds_alternative<resource_state::Gone>(resource.state) &&
           !std::holds_alternative<resource_state::Failed>(resource.state);
}

bool filled_from(const Resource& database, const Resource& backup) {
    return json::get_string(database.own_parameters, "restore_from") == backup.id.str();
}

// What was left of the former database is removed with the same commit, and before the next one is made. (One that
// waits for its server is on another one than the former.)
void clear_first(Commit& commit, const ResourceId& database, Commit clearance) {
    OperationId removal;
    for (const Write& each : clearance.writes) {
        if (const auto* put = std::get_if<write::PutOperation>(&each)) removal = put->operation.id;
    }
    for (Write& each : commit.writes) {
        auto* put = std::get_if<write::PutOperation>(&each);
        const bool its = put != nullptr && put->operation.resource == database;
        if (its && put->operation.blocked_by.empty()) put->operation.blocked_by = removal;
    }
    std::ranges::move(clearance.preconditions, std::back_inserter(commit.preconditions));
    std::ranges::move(clearance.events, std::back_inserter(commit.events));
    std::ranges::move(clearance.writes, std::back_inserter(commit.writes));
}

ProvisionRequest order_of(const Cluster& cluster, const ClusterDatabaseRequest& request) {
    ProvisionRequest wanted;
    wanted.face = request.face;
    wanted.kind = Kind::database;
    wanted.engine = request.engine;
    wanted.plan = request.plan;
    wanted.billing_code = request.billing_code.empty() ? cluster.organization.str() : request.billing_code;
    wanted.idempotency_key = request.idempotency_key;
    wanted.organization = cluster.organization;
    wanted.parameters = {{"database", cluster.slug}, {"user", "hephy-" + cluster.slug}};
    if (request.restore_from) fill_from(*request.restore_from, wanted);
    return wanted;
}

EventDraft event_of(const CallContext& context, const Cluster& cluster, TimePoint at, std::string type,
                    std::string message) {
    EventDraft event;
    event.at = at;
    event.type = std::move(type);
    event.message = std::move(message);
    event.organization = cluster.organization;
    event.actor = context.caller.actor;
    event.request_id = context.request_id;
    event.trace = context.trace;
    return event;
}

}  // namespace

// What is not the caller's does not exist for it; nor do clusters of the system, which owns what is shared.
Task<Status> Clusters::may_look(const CallContext& context, const OrganizationId& organization) {
    const bool own = context.caller.organization == organization;
    if (organization == OrganizationId(kSystemOrganization) ||
        (!own && context.caller.role != Role::administrator)) {
        co_return fail(no_such_organization());
    }
    if (own) co_return Status();
    const auto known = co_await living_organization(parts_.store, organization);
    if (!known) co_return fail(known.error());
    co_return Status();
}

Task<Result<Cluster>> Clusters::show(CallContext context, OrganizationId organization, std::string name) {
    if (Status may = co_await may_look(context, organization); !may) co_return fail(may.error());
    auto found = co_await parts_.store.cluster(std::move(organization), std::move(name));
    if (!found) co_return fail(found.error());
    if (!*found) co_return no_such_cluster();
    co_return std::move(**found);
}

Task<Result<Cluster>> Clusters::changeable(const CallContext& context, const OrganizationId& organization,
                                           const std::string& name) {
    auto found = co_await show(context, organization, name);
    if (found && context.caller.role == Role::reader) co_return fail(only_reading());
    co_return found;
}

Task<Result<Page<Cluster>>> Clusters::list(CallContext context, OrganizationId organization, PageRequest page) {
    if (Status may = co_await may_look(context, organization); !may) co_return fail(may.error());
    co_return co_await parts_.store.clusters(std::move(organization), std::move(page));
}

struct Clusters::Memory {
    std::string scope;
    std::string key;  // empty: the request has none
    std::string request_hash;
};

// It is known by its slug, which no other ever has: the name may have been given to another one since.
Task<Result<std::optional<Cluster>>> Clusters::made_before(const Memory& memory, OrganizationId organization,
                                                           std::string name) {
    if (memory.key.empty()) co_return std::optional<Cluster>();
    const auto record = co_await parts_.store.idempotency(memory.scope, memory.key);
    if (!record) co_return fail(record.error());
    if (!*record) co_return std::optional<Cluster>();
    if ((*record)->request_hash != memory.request_hash) co_return fail(another_request());
    auto found = co_await parts_.store.cluster(std::move(organization), std::move(name));
    if (!found) co_return fail(found.error());
    if (!*found || (*found)->slug != (*record)->made) {
        co_return fail(ErrorCode::conflict, "what this Idempotency-Key made was removed since; use a new key");
    }
    co_return std::move(*found);
}

Task<Result<Cluster>> Clusters::create(CallContext context, OrganizationId organization, std::string name,
                                       std::string idempotency_key) {
    if (Status may = co_await may_look(context, organization); !may) co_return fail(may.error());
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    std::vector<FieldProblem> problems;
    if (!valid_name(name)) {
        problems.push_back({"name", "must be 1 to 63 of a-z 0-9 -, and neither begin nor end with -"});
    }
    check_idempotency_key(idempotency_key, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    const Memory memory{
        idempotency_scope(context, kFace), std::move(idempotency_key),
        fingerprint_of({{"verb", "cluster"}, {"organization", organization.str()}, {"name", name}})};
    for (int tries = 0; tries < kSlugTries; ++tries) {
        auto earlier = co_await made_before(memory, organization, name);
        if (!earlier) co_return fail(earlier.error());
        if (*earlier) co_return std::move(**earlier);
        Cluster cluster{organization, name, make_slug(parts_.random), {}, parts_.clock.now(), 0};
        Commit commit;
        if (!memory.key.empty()) {
            // First: who lost a race against itself is told what became of it, not that the name is taken.
            commit.preconditions.emplace_back(precondition::IdempotencyKeyFree{memory.scope, memory.key});
            IdempotencyRecord record;
            record.scope = memory.scope;
            record.key = memory.key;
            record.request_hash = memory.request_hash;
            record.expires_at = cluster.created_at + kKeyKept;
            record.made = cluster.slug;
            commit.writes.emplace_back(write::PutIdempotency{std::move(record)});
        }
        commit.preconditions.emplace_back(precondition::ClusterFree{organization, name});
        commit.events.push_back(event_of(context, cluster, cluster.created_at, "cluster.created",
                                         fmt::format("cluster {} was made; its slug is {}", name, cluster.slug)));
        commit.writes.emplace_back(write::PutCluster{cluster});
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (std::holds_alternative<Committed>(*answer)) {
            cluster.version = 1;
            co_return cluster;
        }
        const Obstacle obstacle = std::get<Rejected>(*answer).obstacle;
        if (obstacle == Obstacle::organization_gone) co_return fail(no_such_organization());
        if (obstacle == Obstacle::cluster_taken) {
            co_return fail({ErrorCode::conflict,
                            fmt::format("the organization has a cluster {} already", name),
                            "",
                            {{"name", "is taken"}}});
        }
    }
    co_return fail(ErrorCode::internal, "no free slug was found");
}

Task<Status> Clusters::remove(CallContext context, OrganizationId organization, std::string name) {
    for (int tries = 0; tries < kTries; ++tries) {
        const auto cluster = co_await changeable(context, organization, name);
        if (!cluster) co_return fail(cluster.error());
        Commit commit;
        if (!cluster->database.empty()) {
            const auto database = co_await parts_.store.resource(cluster->database);
            if (!database) co_return fail(database.error());
            if (*database && lives(**database)) {
                co_return fail(ErrorCode::conflict,
                               fmt::format("its database is {}; delete it first", state_name((*database)->state)));
            }
            if (*database) {
                commit.preconditions.emplace_back(
                    precondition::ResourceUnchanged{(*database)->id, (*database)->version});
            }
        }
        commit.events.push_back(event_of(context, *cluster, parts_.clock.now(), "cluster.removed",
                                         fmt::format("cluster {} was removed", name)));
        commit.writes.emplace_back(write::DropCluster{*cluster});
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (std::holds_alternative<Committed>(*answer)) co_return Status();
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Task<Result<std::optional<Resource>>> Clusters::server_of(const Resource& database) {
    if (database.placed_on.empty()) co_return std::optional<Resource>();
    co_return co_await parts_.store.resource(database.placed_on);
}

Task<Result<ClusterDatabase>> Clusters::view(Cluster cluster) {
    ClusterDatabase found;
    found.cluster = std::move(cluster);
    if (found.cluster.database.empty()) co_return found;
    auto database = co_await parts_.store.resource(found.cluster.database);
    if (!database) co_return fail(database.error());
    if (!*database) co_return fail(ErrorCode::internal, "the database of a cluster is missing");
    auto server = co_await server_of(**database);
    if (!server) co_return fail(server.error());
    found.server = std::move(*server);
    if (const OperationId active = active_operation((*database)->state); !active.empty()) {
        auto operation = co_await parts_.store.operation(active);
        if (!operation) co_return fail(operation.error());
        found.operation = std::move(*operation);
    }
    found.database = std::move(*database);
    co_return found;
}

// As it was committed: a worker may be at it already, and who asks is told what was accepted.
Task<Result<ClusterDatabase>> Clusters::accepted_view(Cluster cluster, Accepted accepted) {
    auto server = co_await server_of(accepted.resource);
    if (!server) co_return fail(server.error());
    co_return ClusterDatabase{std::move(cluster), std::move(accepted.resource), std::move(*server),
                              std::move(accepted.operation), false};
}

// Of one that failed and left something behind, which keeps the names that the next one is to have.
Task<Result<std::optional<Commit>>> Clusters::clearance(const CallContext& context,
                                                        const std::optional<Resource>& former) {
    const bool failed = former && std::holds_alternative<resource_state::Failed>(former->state);
    if (!failed || former->remnants.empty()) co_return std::optional<Commit>();
    auto commit = co_await parts_.broker.deletion(context, *former);
    if (!commit) co_return fail(commit.error());
    co_return std::optional<Commit>(std::move(*commit));
}

Task<Result<std::optional<ResourceId>>> Clusters::named_server(const CallContext& context,
                                                               const ClusterDatabaseRequest& request) {
    if (!request.server_name) co_return std::optional<ResourceId>();
    if (context.caller.role != Role::administrator) {
        co_return fail(ErrorCode::forbidden, "only administrators may name the server");
    }
    ResourceFilter filter;
    filter.organization = OrganizationId(kSystemOrganization);
    filter.kind = Kind::database_server;
    filter.engine = request.engine;
    filter.pooled = false;
    filter.name = *request.server_name;
    const auto found = co_await parts_.store.resources(filter, {"", 1});
    if (!found) co_return fail(found.error());
    if (found->items.empty()) {
        co_return fail(
            status_of({{"server_name", fmt::format("is no registered {} server", request.engine)}}).error());
    }
    const Resource& server = found->items[0];
    if (std::holds_alternative<resource_state::Failed>(server.state) ||
        std::holds_alternative<resource_state::Deprovisioning>(server.state)) {
        co_return fail(
            status_of({{"server_name", fmt::format("takes no new databases: it is {}", state_name(server.state))}})
                .error());
    }
    co_return std::optional<ResourceId>(server.id);
}

Task<Result<ClusterDatabase>> Clusters::create_database(CallContext context, OrganizationId organization,
                                                        std::string name, ClusterDatabaseRequest request) {
    for (int tries = 0; tries < kTries; ++tries) {
        auto cluster = co_await changeable(context, organization, name);
        if (!cluster) co_return fail(cluster.error());
        auto present = co_await view(*cluster);
        if (!present) co_return present;
        if (present->database && lives(*present->database)) {
            if (!request.restore_from || filled_from(*present->database, *request.restore_from)) co_return present;
            co_return fail(
                ErrorCode::conflict,
                fmt::format("the cluster has a database, which is {}: a backup is restored into a new one",
                            state_name(present->database->state)));
        }
        const auto server = co_await named_server(context, request);
        if (!server) co_return fail(server.error());

        const auto clearing = co_await clearance(context, present->database);
        if (!clearing) co_return fail(clearing.error());
        const auto take = [&](Commit& commit, const ResourceId& database) {
            cluster->database = database;
            commit.writes.emplace_back(write::PutCluster{*cluster});
            if (*clearing) clear_first(commit, database, **clearing);
        };
        ProvisionRequest wanted = order_of(*cluster, request);
        wanted.placed_on = *server;
        auto accepted = co_await parts_.broker.provision_with(context, std::move(wanted), take);
        if (!accepted && accepted.error().code == ErrorCode::precondition_failed) continue;  // somebody was first
        if (!accepted) co_return fail(accepted.error());
        cluster->database = accepted->resource.id;
        if (accepted->replayed) co_return co_await view(std::move(*cluster));
        cluster->version += 1;
        auto made = co_await accepted_view(std::move(*cluster), std::move(*accepted));
        if (made) made->created = true;
        co_return made;
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Task<Result<ClusterDatabase>> Clusters::find_database(CallContext context, OrganizationId organization,
                                                      std::string name) {
    auto cluster = co_await show(std::move(context), std::move(organization), std::move(name));
    if (!cluster) co_return fail(cluster.error());
    if (cluster->database.empty()) co_return fail(ErrorCode::not_found, "the cluster never had a database");
    co_return co_await view(std::move(*cluster));
}

Task<Result<ClusterDatabase>> Clusters::remove_database(CallContext context, OrganizationId organization,
                                                        std::string name) {
    auto present = co_await find_database(context, organization, name);
    if (!present) co_return present;
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    const ResourceState& state = present->database->state;
    if (std::holds_alternative<resource_state::Gone>(state) ||
        std::holds_alternative<resource_state::Deprovisioning>(state)) {
        co_return present;
    }
    auto removed = co_await parts_.broker.deprovision(context, present->database->id);
    if (removed) co_return co_await accepted_view(std::move(present->cluster), std::move(*removed));
    // Not found: it has gone this very moment.
    if (removed.error().code != ErrorCode::not_found) co_return fail(removed.error());
    co_return co_await view(std::move(present->cluster));
}

}  // namespace slipway
