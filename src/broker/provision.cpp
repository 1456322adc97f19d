#include <fmt/format.h>

#include "broker/access.h"
#include "broker/check.h"
#include "broker/orders.h"
#include "domain/machine.h"
#include "domain/resource_step.h"

namespace slipway {
namespace {

// Callers who lose a race for one pooled resource try the next; after so many they get a new one made.
constexpr std::uint32_t kClaimTries = 8;
// A name of 8 random hex digits is taken once in a blue moon; twice in a row means that something is wrong.
constexpr int kNameTries = 5;

// The password is in it in a form that nobody can guess at from what is stored: `scope` and the key keep two
// requests with one password apart.
std::string fingerprint(const ProvisionRequest& request, const Sealer& sealer, std::string_view scope) {
    json::object body{{"kind", std::string(to_string(request.kind))},
                      {"engine", request.engine},
                      {"plan", request.plan},
                      {"billing_code", request.billing_code}};
    json::object labels;
    for (const auto& [key, value] : request.labels) labels[key] = value;
    body["labels"] = std::move(labels);
    if (!request.name.empty()) body["name"] = request.name;
    if (request.organization) body["organization"] = request.organization->str();
    if (!request.parameters.empty()) body["parameters"] = request.parameters;
    if (request.placed_on) body["placed_on"] = request.placed_on->str();
    if (std::string lifetime = text_of(request.expires_in); !lifetime.empty()) body["expires_in"] = lifetime;
    if (!request.username.empty()) body["username"] = request.username;
    if (!request.password.empty()) {
        body["password"] =
            sealer.mac(request.password, fmt::format("idempotency/{}/{}", scope, request.idempotency_key));
    }
    return fingerprint_of(body);
}

}  // namespace

Broker::Broker(Parts parts, BrokerOptions options) : parts_(parts), options_(std::move(options)) {}
Broker::~Broker() = default;

std::string fingerprint_of(const json::object& body) { return hash_key(Secret(json::dump(body))); }

std::unexpected<Error> Broker::refused(const Rejected& rejected, const std::vector<QuotaRule>& quotas) const {
    switch (rejected.obstacle) {
        case Obstacle::quota_reached: return fail(quota_reached(quotas, rejected.subject));
        case Obstacle::name_taken:
            return fail({ErrorCode::conflict,
                         fmt::format("the name {} is taken in this organization", rejected.subject),
                         "",
                         {{"name", "is taken"}}});
        case Obstacle::range_exhausted:
            return fail(ErrorCode::unavailable, fmt::format("no free number is left in {}", rejected.subject));
        case Obstacle::no_place:
            return fail(ErrorCode::conflict, "its server is full, or takes no new ones any more", rejected.subject);
        case Obstacle::place_taken:
            return fail(ErrorCode::conflict, "it serves others; delete them first", rejected.subject);
        case Obstacle::organization_gone: return fail(no_such_organization());
        case Obstacle::place_free:
        case Obstacle::setting_changed:
        case Obstacle::cluster_taken:
        case Obstacle::slug_taken:
        case Obstacle::cluster_changed:
        case Obstacle::resource_changed:
            return fail(ErrorCode::precondition_failed, "it changed meanwhile; try again", rejected.subject);
        case Obstacle::external_name_taken:
        case Obstacle::idempotency_key_used:
        case Obstacle::pool_full:
        case Obstacle::organization_taken:
        case Obstacle::organization_used:
        case Obstacle::last_administrator:
        case Obstacle::webhook_changed:
        case Obstacle::operation_changed:
        case Obstacle::fenced:
            return fail(ErrorCode::conflict, "it changed meanwhile; try again",
                        fmt::format("obstacle {} on {}", static_cast<int>(rejected.obstacle), rejected.subject));
    }
    return fail(ErrorCode::internal, "unknown obstacle");
}

// Everything that is decided by the request and its caller alone, and stays so for a repeated request.
Task<Result<Broker::Order>> Broker::examine(const CallContext& context, const ProvisionRequest& request,
                                            Companion companion) {
    if (context.caller.role == Role::reader) co_return fail(only_reading());
    auto problems = check(request, parts_.catalog);
    if (!request.name.empty()) check_name(request.name, options_.name_prefix, problems);
    const Plan* plan = parts_.catalog.find(request.kind, request.engine, request.plan);
    std::optional<Expiry> expiry;
    if (plan != nullptr) {
        auto end = first_expiry(*plan, request.expires_in, parts_.clock.now());
        if (!end) problems.push_back({"expires_in", std::move(end.error())});
        if (end) expiry = *end;
    }
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    Order order;
    order.request = request;
    order.organization = request.organization.value_or(context.caller.organization);
    const bool ours = companion && order.organization == OrganizationId(kSystemOrganization);
    if (Status may = may_name(context.caller, order.organization); !ours && !may) co_return fail(may.error());
    if (!ours && order.organization != context.caller.organization) {
        const auto known = co_await living_organization(parts_.store, order.organization);
        if (!known) co_return fail(known.error());
    }
    order.plan = plan;
    order.expiry = expiry;
    order.memory = {idempotency_scope(context, request.face), request.idempotency_key, {}};
    order.memory.request_hash = fingerprint(request, parts_.sealer, order.memory.scope);
    if (request.kind == Kind::machine) order.request.parameters[kUsername] = request.username;
    order.companion = std::move(companion);
    co_return order;
}

// Whether it can be carried out here and now.
Task<Status> Broker::admit(Order& order) {
    const Plan& plan = *order.plan;
    auto traits = parts_.providers.traits(plan.provider, plan.kind, plan.engine);
    if (!traits) co_return fail(traits.error());
    order.traits = std::move(*traits);
    const auto quotas = co_await parts_.store.quotas(order.organization);
    if (!quotas) co_return fail(quotas.error());
    order.quotas = rules_for(*quotas, order.organization, plan, options_.max_resources_per_organization);
    co_return Status();
}

Task<Result<Accepted>> Broker::provision(CallContext context, ProvisionRequest request) {
    return provision_with(std::move(context), std::move(request), nullptr);
}

Task<Result<Accepted>> Broker::provision_with(CallContext context, ProvisionRequest request, Companion companion) {
    auto order = co_await examine(context, request, std::move(companion));
    if (!order) co_return fail(order.error());
    auto earlier = co_await replay(order->memory);
    if (!earlier) co_return fail(earlier.error());
    if (*earlier) co_return std::move(**earlier);
    if (const Status admitted = co_await admit(*order); !admitted) co_return fail(admitted.error());
    auto claimed = co_await claim(context, *order);
    if (!claimed) co_return fail(claimed.error());
    if (*claimed) co_return std::move(**claimed);
    co_return co_await create(context, *order);
}

// An earlier request with the same key: answered with what it became, refused where it was another request.
Task<Result<std::optional<Accepted>>> Broker::replay(const Memory& memory) {
    if (memory.key.empty()) co_return std::optional<Accepted>();
    const auto record = co_await parts_.store.idempotency(memory.scope, memory.key);
    if (!record) co_return fail(record.error());
    if (!*record) co_return std::optional<Accepted>();
    if ((*record)->request_hash != memory.request_hash) co_return fail(another_request());
    auto resource = co_await parts_.store.resource((*record)->resource);
    if (!resource) co_return fail(resource.error());
    if (!*resource) co_return fail(ErrorCode::internal, "the resource of an earlier request is missing");
    Accepted accepted{std::move(**resource), std::nullopt, true};
    if (!(*record)->operation.empty()) {
        auto operation = co_await parts_.store.operation((*record)->operation);
        if (!operation) co_return fail(operation.error());
        accepted.operation = std::move(*operation);
    }
    co_return std::optional<Accepted>(std::move(accepted));
}

void Broker::remember(Commit& commit, const Memory& memory, const ResourceId& resource,
                      const OperationId& operation) const {
    if (memory.key.empty()) return;
    // First the key: who lost a race against itself is told what became of it, not that the quota is used up.
    commit.preconditions.insert(commit.preconditions.begin(),
                                precondition::IdempotencyKeyFree{memory.scope, memory.key});
    commit.writes.emplace_back(write::PutIdempotency{{memory.scope, memory.key, memory.request_hash, resource,
                                                      operation, parts_.clock.now() + options_.idempotency_ttl}});
}

// The next pooled resource that can be had; those that are being repaired are passed over.
Task<Result<std::optional<Broker::Offer>>> Broker::offer_claim(const CallContext& context, const Order& order,
                                                               std::uint32_t& skip) {
    const ProvisionRequest& request = order.request;
    if (request.made_anew) co_return std::optional<Offer>();
    // What was made ahead has its place already. What lives on a shared one is given parameters of its own by the
    // claim; anything else was made with the plan's.
    const bool own = !request.parameters.empty();
    const bool fits = !request.placed_on && (!own || order.plan->placement);
    while (order.plan->pool > 0 && fits) {
        auto found = co_await parts_.store.claimable(request.kind, request.engine, request.plan, skip);
        if (!found) co_return fail(found.error());
        if (!*found) break;
        const Resource& pooled = **found;
        const TimePoint now = parts_.clock.now();
        std::optional<Operation> operation;
        if (order.traits.external_tags || own) {
            operation = draft_operation(OperationKind::claim, pooled, context.cause(), now,
                                        options_.provision_limit, parts_.random);
            operation->organization = order.organization;
        }
        auto stepped =
            step(pooled, {now, resource_event::Claimed{order.organization, request.face, request.billing_code,
                                                       request.labels, operation ? operation->id : OperationId()}});
        if (!stepped) {
            skip += 1;
            continue;
        }
        Offer offer{{}, pooled.id, operation};
        Resource& claimed = stepped->resource;
        claimed.expiry = order.expiry;
        Commit& commit = offer.commit;
        if (own) {
            claimed.own_parameters = request.parameters;
            claimed.parameters = overlaid(std::move(claimed.parameters), request.parameters);
        }
        for (const QuotaRule& rule : order.quotas) commit.preconditions.push_back(precondition_of(rule));
        if (!request.name.empty()) {
            claimed.name = request.name;
            commit.preconditions.emplace_back(precondition::NameFree{order.organization, request.name});
        }
        remember(commit, order.memory, pooled.id, operation ? operation->id : OperationId());
        EventDraft event =
            draft_event(claimed, context.cause(), now, "resource.claimed",
                        fmt::format("{} was made ahead and given to {} from the pool of plan {}{}{}", claimed.name,
                                    order.organization.str(), pooled.plan, claimed.expiry ? "; " : "",
                                    claimed.expiry ? words_of(claimed.expiry) : ""));
        if (operation) event.operation = operation->id;
        commit.events.push_back(std::move(event));
        commit.writes.emplace_back(write::PutResource{std::move(claimed)});
        if (operation) commit.writes.emplace_back(write::PutOperation{*operation, std::nullopt});
        if (order.companion) order.companion(commit, pooled.id);
        co_return std::optional<Offer>(std::move(offer));
    }
    co_return std::optional<Offer>();
}

// One conditional update gives the pooled resource to this caller, or to another one: never to both.
Task<Result<std::optional<Accepted>>> Broker::claim(const CallContext& context, const Order& order) {
    std::uint32_t skip = 0;
    for (std::uint32_t tries = 0; tries < kClaimTries; ++tries) {
        auto offer = co_await offer_claim(context, order, skip);
        if (!offer) co_return fail(offer.error());
        if (!*offer) break;
        auto answer = co_await parts_.store.commit(std::move((*offer)->commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            Accepted accepted{std::move(committed->resources.at(0)), std::nullopt, false};
            if ((*offer)->operation) accepted.operation = std::move(committed->operations.at(0));
            co_return std::optional<Accepted>(std::move(accepted));
        }
        const auto& rejected = std::get<Rejected>(*answer);
        if (rejected.obstacle == Obstacle::idempotency_key_used) co_return co_await replay(order.memory);
        if (rejected.obstacle != Obstacle::resource_changed) co_return refused(rejected, order.quotas);
    }
    co_return std::optional<Accepted>();
}

Placer Broker::placer() const {
    return Placer({parts_.store, parts_.catalog, parts_.providers, parts_.sealer, parts_.clock, parts_.random});
}

Task<Result<Broker::Offer>> Broker::offer_creation(const CallContext& context, const Order& order) {
    const ProvisionRequest& request = order.request;
    ProvisionDraftRequest wanted;
    wanted.plan = order.plan;
    wanted.traits = order.traits;
    wanted.organization = order.organization;
    wanted.face = request.face;
    wanted.billing_code = request.billing_code;
    wanted.labels = request.labels;
    wanted.name = request.name;
    wanted.name_prefix = options_.name_prefix;
    wanted.host = options_.host;
    wanted.time_limit = std::max(options_.provision_limit, request.time_limit);
    wanted.parameters = request.parameters;
    wanted.password = request.password;
    wanted.origin = request.origin;
    wanted.expiry = order.expiry;
    wanted.cause = context.cause();
    Offer offer;
    if (order.plan->placement) {
        auto placed = co_await placer().place(std::move(wanted), request.placed_on);
        if (!placed) co_return fail(placed.error());
        offer.commit = std::move(placed->commit);
        offer.resource = placed->resource;
        offer.operation = placed->operation;
        offer.placed = std::move(*placed);
    } else {
        Draft draft = draft_provision(wanted, parts_.clock.now(), parts_.random, parts_.sealer);
        offer.resource = draft.resource.id;
        offer.operation = draft.operation;
        offer.commit = accept(std::move(draft));
    }
    for (const QuotaRule& rule : order.quotas) offer.commit.preconditions.push_back(precondition_of(rule));
    if (!request.name.empty()) {
        offer.commit.preconditions.emplace_back(precondition::NameFree{order.organization, request.name});
    }
    remember(offer.commit, order.memory, offer.resource, offer.operation->id);
    if (order.companion) order.companion(offer.commit, offer.resource);
    co_return offer;
}

Task<Result<Accepted>> Broker::create(const CallContext& context, const Order& order) {
    const int most = order.plan->placement ? kPlacingTries : kNameTries;
    for (int tries = 0; tries < most; ++tries) {
        auto offer = co_await offer_creation(context, order);
        if (!offer) co_return fail(offer.error());
        auto answer = co_await parts_.store.commit(std::move(offer->commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            co_return Accepted{std::move(committed->resources.at(0)), std::move(committed->operations.at(0)),
                               false};
        }
        const auto& rejected = std::get<Rejected>(*answer);
        if (rejected.obstacle == Obstacle::external_name_taken) continue;
        const bool own_name = rejected.obstacle == Obstacle::name_taken && rejected.subject == order.request.name;
        if (offer->placed && !own_name && lost_place(*offer->placed, rejected)) continue;
        if (rejected.obstacle == Obstacle::idempotency_key_used) {
            auto earlier = co_await replay(order.memory);
            if (!earlier) co_return fail(earlier.error());
            if (*earlier) co_return std::move(**earlier);
            continue;  // it expired just now
        }
        co_return refused(rejected, order.quotas);
    }
    if (order.plan->placement)
        co_return fail(ErrorCode::unavailable, "too many ask for a place at once; try again");
    co_return fail(ErrorCode::internal, "no free name was found");
}

}  // namespace slipway
