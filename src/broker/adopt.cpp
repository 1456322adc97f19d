// Taking over what is out there and no resource accounts for: a thing of ours whose record was lost.
#include <algorithm>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/check.h"
#include "broker/orders.h"
#include "domain/draft.h"

namespace slipway {
namespace {

constexpr int kTries = 5;
constexpr std::string_view kForeign = "foreign";

std::string fingerprint(const AdoptRequest& request, const OrganizationId& organization) {
    json::object body{{"verb", "adopt"},
                      {"provider", request.provider},
                      {"external_name", request.external_name},
                      {"plan", request.plan},
                      {"engine", request.engine},
                      {"kind", request.kind ? std::string(to_string(*request.kind)) : ""},
                      {"billing_code", request.billing_code},
                      {"name", request.name},
                      {"organization", organization.str()}};
    if (!request.server.empty()) body["server"] = request.server;
    return fingerprint_of(body);
}

// The one plan of the provider that is meant, or the field that is wrong.
std::expected<const Plan*, FieldProblem> plan_of(const Catalog& catalog, const AdoptRequest& request) {
    std::vector<const Plan*> found;
    std::string known;
    for (const Plan& plan : catalog.plans()) {
        if (plan.provider != request.provider || (request.kind && plan.kind != *request.kind) ||
            (!request.engine.empty() && plan.engine != request.engine)) {
            continue;
        }
        known += fmt::format("{}{}", known.empty() ? "" : ", ", plan.name);
        if (plan.name == request.plan) found.push_back(&plan);
    }
    if (found.size() == 1) return found[0];
    if (found.empty()) {
        return std::unexpected(FieldProblem{
            "plan", fmt::format("{}; provider {} has: {}", request.plan.empty() ? "is required" : "is unknown",
                                request.provider, known)});
    }
    return std::unexpected(FieldProblem{"engine", "is required, with kind: several have a plan of this name"});
}

// The record of something that has none. Its name, its id and its generation are what its tag says.
Resource record_of(const Orphan& orphan, TimePoint now) {
    Resource resource;
    resource.id = orphan.resource;
    resource.provider = orphan.provider;
    resource.external_name = orphan.external_name;
    resource.generation = orphan.generation;
    resource.created_at = now;
    return resource;
}

// `server`: the one that it is on; "": it lives by itself.
std::string words_of(const Resource& adopted, const Plan& plan, const std::string& server) {
    // What a machine takes as its login only its owner knows.
    const std::string_view login =
        adopted.kind == Kind::machine ? "keeps the login that it has" : "gets new credentials";
    return fmt::format(
        "{} was found at provider {} with nobody to account for it; it is taken over with plan {}{} and {}{}{}",
        adopted.external_name, adopted.provider, plan.name, server.empty() ? "" : ", stays on " + server, login,
        adopted.expiry ? "; " : "", adopted.expiry ? slipway::words_of(adopted.expiry) : "");
}

}  // namespace

// The record that the orphan is to have: a new one, or that of a failed resource that it belongs to.
Task<Result<Resource>> Broker::accounted(const Orphan& orphan) {
    if (orphan.kind == kForeign) {
        co_return fail(ErrorCode::conflict, "it is not of this installation: it is never touched");
    }
    if (orphan.resource.empty() || orphan.generation == 0) {
        co_return fail(ErrorCode::conflict, "its tag does not say which resource it was");
    }
    auto stored = co_await parts_.store.resource(orphan.resource);
    if (!stored) co_return fail(stored.error());
    if (!*stored) co_return record_of(orphan, parts_.clock.now());
    Resource& resource = **stored;
    if (resource.provider != orphan.provider || resource.external_name != orphan.external_name ||
        resource.generation != orphan.generation) {
        co_return fail(ErrorCode::conflict, fmt::format("its resource {} is another thing now: {}",
                                                        resource.id.str(), resource.external_name));
    }
    if (!std::holds_alternative<resource_state::Failed>(resource.state)) {
        co_return fail(ErrorCode::conflict,
                       fmt::format("its resource {} is {}", resource.id.str(), state_name(resource.state)));
    }
    co_return std::move(resource);
}

// What serves the thing that is taken over: what its record says, else what the administrator says.
Task<Result<Resource>> Broker::server_of(const Resource& resource, const Plan& plan, const std::string& named) {
    std::optional<Resource> found;
    if (!resource.placed_on.empty()) {
        auto stored = co_await parts_.store.resource(resource.placed_on);
        if (!stored) co_return fail(stored.error());
        found = std::move(*stored);
    } else {
        ResourceFilter filter;
        filter.organization = OrganizationId(kSystemOrganization);
        filter.kind = Kind::database_server;
        filter.engine = plan.engine;
        filter.name = named;
        auto servers = co_await parts_.store.resources(filter, {"", 1});
        if (!servers) co_return fail(servers.error());
        if (!servers->items.empty()) found = std::move(servers->items[0]);
    }
    if (found) co_return std::move(*found);
    const std::string_view wrong =
        named.empty() ? "is required: nothing says on which shared server it lives" : "is no shared server";
    co_return fail(status_of({{"server", std::string(wrong)}}).error());
}

Task<Result<Broker::Taking>> Broker::draft_adoption(const CallContext& context, const AdoptRequest& request,
                                                    OrganizationId organization, const Memory& memory) {
    const auto orphans = co_await parts_.store.orphans();
    if (!orphans) co_return fail(orphans.error());
    const auto orphan = std::ranges::find_if(*orphans, [&](const Orphan& each) {
        return each.provider == request.provider && each.external_name == request.external_name;
    });
    if (orphan == orphans->end()) co_return fail(ErrorCode::not_found, "no sweep has found such an orphan");
    const auto wanted = plan_of(parts_.catalog, request);
    if (!wanted) co_return fail(status_of({wanted.error()}).error());
    const Plan& plan = **wanted;
    if (!plan.placement && !request.server.empty()) {
        co_return fail(status_of({{"server", "belongs to plans of databases on shared servers"}}).error());
    }
    auto resource = co_await accounted(*orphan);
    if (!resource) co_return fail(resource.error());
    const auto traits = parts_.providers.traits(plan.provider, plan.kind, plan.engine);
    if (!traits) co_return fail(traits.error());
    // A shared server stays everybody's, unless somebody is named who is to have it.
    const OrganizationId everybody(kSystemOrganization);
    const bool shared = plan.kind == Kind::database_server && resource->organization == everybody;
    if (shared && !request.organization) organization = everybody;
    const auto quotas = co_await parts_.store.quotas(organization);
    if (!quotas) co_return fail(quotas.error());

    const TimePoint now = parts_.clock.now();
    Taking taking;
    taking.quotas = rules_for(*quotas, organization, plan, options_.max_resources_per_organization);
    const std::string name = request.name.empty() ? resource->external_name : request.name;
    const bool has_it_already = resource->name == name && resource->organization == organization;
    resource->name = name;
    resource->organization = organization;
    const std::string payer = organization == everybody ? kSharedBillingCode : organization.str();
    resource->billing_code = request.billing_code.empty() ? payer : request.billing_code;
    resource->face = request.face;
    make_of(*resource, plan, *traits, options_.host, parts_.random, parts_.sealer);
    std::optional<Resource> server;
    if (plan.placement) {
        auto found = co_await server_of(*resource, plan, request.server);
        if (!found) co_return fail(found.error());
        server = std::move(*found);
        resource->placed_on = server->id;
        resource->host = server->host;
    }
    resource->expiry = first_expiry(plan, {}, now).value_or(std::nullopt);
    resource->remnants.clear();
    resource->updated_at = resource->health_at = now;
    Operation operation = draft_operation(OperationKind::update, *resource, context.cause(), now,
                                          options_.provision_limit, parts_.random);
    operation.steps = {Step{.kind = StepKind::update}, Step{.kind = StepKind::verify}};
    resource->state = resource_state::Updating{operation.id, Endpoint{}};

    Commit& commit = taking.commit;
    // First: who came too late is to look again, not to be told of names and quotas that the other took.
    commit.preconditions.emplace_back(precondition::ResourceUnchanged{resource->id, resource->version});
    if (server) {
        commit.preconditions.emplace_back(
            precondition::PlaceFree{server->id, places_of(plan.placement->threshold)});
    }
    for (const QuotaRule& rule : taking.quotas) commit.preconditions.push_back(precondition_of(rule));
    if (!has_it_already) commit.preconditions.emplace_back(precondition::NameFree{organization, name});
    for (const AllocationRange& range : traits->ranges) {
        if (resource->allocations.contains(range.key)) continue;  // a failed one keeps what it may still use
        commit.allocations.push_back(
            {range.range, range.key, range.first, range.last, resource->id, false, TimePoint()});
    }
    EventDraft event = draft_event(*resource, context.cause(), now, "resource.adopted",
                                   words_of(*resource, plan, server ? server->name : ""));
    event.operation = operation.id;
    commit.events.push_back(std::move(event));
    remember(commit, memory, resource->id, operation.id);
    taking.resource = *resource;
    taking.operation = operation;
    if (server) taking.server = server->name;
    commit.writes.emplace_back(write::DropOrphan{orphan->provider, orphan->external_name});
    commit.writes.emplace_back(write::PutResource{std::move(*resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(operation), std::nullopt});
    co_return taking;
}

// Whose it is to be, where the request is well formed and the caller may adopt.
Task<Result<OrganizationId>> Broker::adopter(const CallContext& context, const AdoptRequest& request) {
    if (context.caller.role != Role::administrator) co_return fail(administrators_only());
    std::vector<FieldProblem> problems;
    if (!request.name.empty() && request.name != request.external_name) {
        check_name(request.name, options_.name_prefix, problems);
    }
    if (!request.billing_code.empty()) check_billing_code(request.billing_code, problems);
    check_idempotency_key(request.idempotency_key, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    OrganizationId organization = request.organization.value_or(context.caller.organization);
    if (Status may = may_name(context.caller, organization); !may) co_return fail(may.error());
    const auto known = co_await living_organization(parts_.store, organization);
    if (!known) co_return fail(known.error());
    co_return organization;
}

Task<Result<Accepted>> Broker::adopt(CallContext context, AdoptRequest request) {
    const auto organization = co_await adopter(context, request);
    if (!organization) co_return fail(organization.error());
    const Memory memory{idempotency_scope(context, request.face), request.idempotency_key,
                        fingerprint(request, *organization)};
    for (int tries = 0; tries < kTries; ++tries) {
        auto earlier = co_await replay(memory);
        if (!earlier) co_return fail(earlier.error());
        if (*earlier) co_return std::move(**earlier);
        auto taking = co_await draft_adoption(context, request, *organization, memory);
        if (!taking) co_return fail(taking.error());
        auto answer = co_await parts_.store.commit(std::move(taking->commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            co_return Accepted{std::move(committed->resources.at(0)), std::move(committed->operations.at(0)),
                               false};
        }
        const auto& rejected = std::get<Rejected>(*answer);
        const bool raced =
            rejected.obstacle == Obstacle::resource_changed || rejected.obstacle == Obstacle::idempotency_key_used;
        if (!raced) co_return refused(rejected, taking->quotas);
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

}  // namespace slipway
