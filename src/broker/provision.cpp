#include <fmt/format.h>

#include "base/log.h"
#include "broker/access.h"
#include "broker/broker.h"
#include "domain/draft.h"
#include "domain/resource_step.h"

namespace slipway {
namespace {

// Callers who lose a race for one pooled resource try the next; after so many they get a new one made.
constexpr std::uint32_t kClaimTries = 8;
// A name of 8 random hex digits is taken once in a blue moon; twice in a row means that something is wrong.
constexpr int kNameTries = 5;

std::string scope_of(const CallContext& context, const std::string& face) {
    return context.caller.organization.str() + "/" + face;
}

// What makes two requests the same: everything that decides what is made.
std::string fingerprint(const ProvisionRequest& request) {
    json::object body{{"kind", std::string(to_string(request.kind))},
                      {"engine", request.engine},
                      {"plan", request.plan},
                      {"billing_code", request.billing_code}};
    json::object labels;
    for (const auto& [key, value] : request.labels) labels[key] = value;
    body["labels"] = std::move(labels);
    return hash_key(Secret(json::dump(body)));
}

std::unexpected<Error> refused(const Rejected& rejected) {
    switch (rejected.obstacle) {
        case Obstacle::quota_reached:
            return fail(ErrorCode::exhausted, "the organization has as many resources as it may have");
        case Obstacle::range_exhausted:
            return fail(ErrorCode::unavailable, fmt::format("no free number is left in {}", rejected.subject));
        case Obstacle::external_name_taken:
        case Obstacle::idempotency_key_used:
        case Obstacle::pool_full:
        case Obstacle::resource_changed:
        case Obstacle::operation_changed:
        case Obstacle::fenced:
            return fail(ErrorCode::conflict, "it changed meanwhile; try again",
                        fmt::format("obstacle {} on {}", static_cast<int>(rejected.obstacle), rejected.subject));
    }
    return fail(ErrorCode::internal, "unknown obstacle");
}

}  // namespace

Broker::Broker(Parts parts, BrokerOptions options) : parts_(parts), options_(std::move(options)) {}
Broker::~Broker() = default;

void Broker::on_commit(const CommitNotice& notice) { waiters_.notify(notice.operations); }
void Broker::tick() { waiters_.tick(parts_.clock.now()); }

Task<Result<Accepted>> Broker::provision(CallContext context, ProvisionRequest request) {
    if (context.caller.role == Role::reader) co_return fail(ErrorCode::forbidden, "this key may only read");
    if (auto problems = check(request, parts_.catalog); !problems.empty()) {
        Error error{ErrorCode::invalid_argument, "", "", std::move(problems)};
        error.message = error.problems[0].field + " " + error.problems[0].problem;
        co_return fail(std::move(error));
    }
    const std::string request_hash = fingerprint(request);
    if (!request.idempotency_key.empty()) {
        auto earlier = co_await replay(context, request, request_hash);
        if (!earlier) co_return fail(earlier.error());
        if (*earlier) co_return std::move(**earlier);
    }
    const Plan& plan = *parts_.catalog.find(request.kind, request.engine, request.plan);
    const auto traits = parts_.providers.traits(plan.provider, plan.kind, plan.engine);
    if (!traits) co_return fail(traits.error());
    if (plan.pool > 0) {
        auto claimed = co_await claim(context, request, *traits, request_hash);
        if (!claimed) co_return fail(claimed.error());
        if (*claimed) co_return std::move(**claimed);
    }
    co_return co_await create(context, request, plan, *traits, request_hash);
}

// An earlier request with the same key: answered with what it became, refused where it was another request.
Task<Result<std::optional<Accepted>>> Broker::replay(const CallContext& context, const ProvisionRequest& request,
                                                     const std::string& request_hash) {
    const auto record = co_await parts_.store.idempotency(scope_of(context, request.face), request.idempotency_key);
    if (!record) co_return fail(record.error());
    if (!*record) co_return std::optional<Accepted>();
    if ((*record)->request_hash != request_hash) {
        co_return fail(ErrorCode::idempotency_reuse,
                       "this Idempotency-Key came before with another request; use a new key");
    }
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

void Broker::remember(Commit& commit, const CallContext& context, const ProvisionRequest& request,
                      const std::string& request_hash, const ResourceId& resource,
                      const OperationId& operation) const {
    if (request.idempotency_key.empty()) return;
    const std::string scope = scope_of(context, request.face);
    commit.preconditions.emplace_back(precondition::IdempotencyKeyFree{scope, request.idempotency_key});
    commit.writes.emplace_back(write::PutIdempotency{{scope, request.idempotency_key, request_hash, resource,
                                                      operation, parts_.clock.now() + options_.idempotency_ttl}});
}

// One conditional update gives the pooled resource to this caller, or to another one: never to both.
Task<Result<std::optional<Accepted>>> Broker::claim(const CallContext& context, const ProvisionRequest& request,
                                                    const ProviderTraits& traits, const std::string& request_hash) {
    std::uint32_t skip = 0;
    for (std::uint32_t tries = 0; tries < kClaimTries; ++tries) {
        auto found = co_await parts_.store.claimable(request.kind, request.engine, request.plan, skip);
        if (!found) co_return fail(found.error());
        if (!*found) co_return std::optional<Accepted>();
        const Resource& pooled = **found;
        const TimePoint now = parts_.clock.now();
        const Cause cause{context.caller.actor, context.request_id};
        std::optional<Operation> operation;
        if (traits.external_tags) {
            operation =
                draft_operation(OperationKind::claim, pooled, cause, now, options_.provision_limit, parts_.random);
            operation->organization = context.caller.organization;
        }
        const auto stepped = step(
            pooled, {now, resource_event::Claimed{context.caller.organization, request.face, request.billing_code,
                                                  request.labels, operation ? operation->id : OperationId()}});
        if (!stepped) {  // it is being repaired: another one
            skip += 1;
            continue;
        }
        Commit commit;
        // First the key: who lost a race against itself is told what became of it, not that the quota is used up.
        remember(commit, context, request, request_hash, pooled.id, operation ? operation->id : OperationId());
        commit.preconditions.emplace_back(
            precondition::LiveResourcesBelow{context.caller.organization, options_.max_resources_per_organization});
        commit.writes.emplace_back(write::PutResource{stepped->resource});
        if (operation) commit.writes.emplace_back(write::PutOperation{*operation, std::nullopt});
        commit.events.push_back(
            draft_event(stepped->resource, cause, now, "resource.claimed",
                        fmt::format("{} was taken from the pool of plan {}", pooled.name, pooled.plan)));
        auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            Accepted accepted{std::move(committed->resources.at(0)), std::nullopt, false};
            if (operation) accepted.operation = std::move(committed->operations.at(0));
            co_return std::optional<Accepted>(std::move(accepted));
        }
        const auto& rejected = std::get<Rejected>(*answer);
        if (rejected.obstacle == Obstacle::idempotency_key_used)
            co_return co_await replay(context, request, request_hash);
        if (rejected.obstacle != Obstacle::resource_changed) co_return refused(rejected);
    }
    co_return std::optional<Accepted>();
}

Task<Result<Accepted>> Broker::create(const CallContext& context, const ProvisionRequest& request, const Plan& plan,
                                      const ProviderTraits& traits, const std::string& request_hash) {
    for (int tries = 0; tries < kNameTries; ++tries) {
        ProvisionDraftRequest wanted;
        wanted.plan = &plan;
        wanted.traits = traits;
        wanted.organization = context.caller.organization;
        wanted.face = request.face;
        wanted.billing_code = request.billing_code;
        wanted.labels = request.labels;
        wanted.name_prefix = options_.name_prefix;
        wanted.host = options_.host;
        wanted.time_limit = options_.provision_limit;
        wanted.cause = {context.caller.actor, context.request_id};
        Draft draft = draft_provision(wanted, parts_.clock.now(), parts_.random, parts_.sealer);
        const ResourceId resource = draft.resource.id;
        const OperationId operation = draft.operation.id;
        Commit commit = accept(std::move(draft));
        remember(commit, context, request, request_hash, resource, operation);
        commit.preconditions.emplace_back(
            precondition::LiveResourcesBelow{context.caller.organization, options_.max_resources_per_organization});
        auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            co_return Accepted{std::move(committed->resources.at(0)), std::move(committed->operations.at(0)),
                               false};
        }
        const auto& rejected = std::get<Rejected>(*answer);
        if (rejected.obstacle == Obstacle::external_name_taken) continue;
        if (rejected.obstacle == Obstacle::idempotency_key_used) {
            auto earlier = co_await replay(context, request, request_hash);
            if (!earlier) co_return fail(earlier.error());
            if (*earlier) co_return std::move(**earlier);
            continue;  // it expired just now
        }
        co_return refused(rejected);
    }
    co_return fail(ErrorCode::internal, "no free name was found");
}

}  // namespace slipway
