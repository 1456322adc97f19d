// Dry runs: the very drafts of the real requests, which the store checks as ever and does not write.
#include <algorithm>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/orders.h"
#include "broker/previewing.h"
#include "domain/words.h"

namespace slipway {
namespace {

// A failure of ours is no answer about the request.
bool is_ours(const Error& error) { return error.code == ErrorCode::storage || error.code == ErrorCode::internal; }

// Of a cache its engine says the most.
std::string name_of(Kind kind, const std::string& engine) {
    return kind == Kind::cache ? engine : std::string(noun_of(kind));
}

std::string words_for_backup(StepKind kind) {
    switch (kind) {
        case StepKind::create: return "dump the database";
        case StepKind::verify: return "check that the backup is whole";
        case StepKind::update:
        case StepKind::change:
        case StepKind::restart: break;
        case StepKind::remove: return "remove the backup";
    }
    return std::string(verb_of(kind));
}

}  // namespace

Result<Preview> judged(Preview preview, const Status& outlook) {
    if (outlook) return preview;
    if (is_ours(outlook.error())) return fail(outlook.error());
    preview.allowed = false;
    preview.refusal = outlook.error();
    return preview;
}

Result<Preview> refused_preview(Error error) { return judged({}, fail(std::move(error))); }

std::string words_for(StepKind kind, OperationKind operation, Kind of, const std::string& engine) {
    if (of == Kind::backup) return words_for_backup(kind);
    const std::string what = name_of(of, engine);
    switch (kind) {
        case StepKind::create: return fmt::format("create the {}", what);
        case StepKind::verify:
            return of == Kind::machine ? "log in to the machine by SSH"
                                       : fmt::format("check that the {} answers", what);
        case StepKind::update:
            return operation == OperationKind::claim ? "tell the provider who owns it now" : "give it its settings";
        case StepKind::change: return "change it to the settings of its new plan";
        case StepKind::restart: return fmt::format("bring the {} back from its data", what);
        case StepKind::remove: return fmt::format("remove the {} and its data", what);
    }
    return "";
}

std::optional<Price> price_of(const Plan* plan) { return plan != nullptr ? plan->price : std::nullopt; }

namespace {

std::vector<PlannedStep> steps_of(const Operation& operation, Kind of, const std::string& engine) {
    std::vector<PlannedStep> steps;
    for (const Step& step : operation.steps) {
        steps.push_back({step.kind, words_for(step.kind, operation.kind, of, engine)});
    }
    return steps;
}

// Where it would live, and what has to be made for that.
void say_place(const Placed& placed, Preview& preview) {
    preview.server = placed.host;
    preview.new_server = placed.new_host;
    for (PlannedStep& step : preview.steps) {
        if (step.kind == StepKind::create) step.what += fmt::format(" on {}", placed.host);
    }
    if (!placed.new_host) return;
    preview.steps.insert(preview.steps.begin(), {StepKind::create, fmt::format("make the server {} first: {}",
                                                                               placed.host, placed.why_new)});
}

// Of what, where it is not made empty. How long that takes its data decide, and no earlier one.
void say_origin(const std::string& origin, Preview& preview) {
    if (origin.empty()) return;
    const auto step =
        std::ranges::find(preview.steps.rbegin(), preview.steps.rend(), StepKind::create, &PlannedStep::kind);
    if (step != preview.steps.rend()) step->what += "; " + origin;
    preview.expected.reset();
}

}  // namespace

// Refused as the real commit would be; the store has checked everything, and written nothing.
Task<Status> Broker::try_out(Commit commit, const std::vector<QuotaRule>& quotas) {
    commit.trial = true;
    auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    const auto* rejected = std::get_if<Rejected>(&*answer);
    if (rejected == nullptr) co_return Status();
    co_return refused(*rejected, quotas);
}

// What an operation would do, step by step, and how long that took others.
Task<Status> Broker::foresee(const Operation& operation, Kind kind, std::string engine, std::string plan,
                             Preview& preview) {
    preview.steps = steps_of(operation, kind, engine);
    auto took = co_await parts_.store.durations({operation.kind, kind, std::move(engine), std::move(plan)});
    if (!took) co_return fail(took.error());
    if (took->empty()) co_return Status();
    std::ranges::sort(*took);
    const std::size_t last = took->size() - 1;
    preview.expected =
        Forecast{(*took)[last / 2], (*took)[(last * 95 + 99) / 100], static_cast<std::uint32_t>(took->size())};
    co_return Status();
}

Task<Result<Preview>> Broker::preview_provision(CallContext context, ProvisionRequest request) {
    request.idempotency_key.clear();
    Preview preview;
    const Status outlook = co_await foresee_provision(context, request, preview);
    co_return judged(std::move(preview), outlook);
}

Task<Result<Preview>> Broker::preview_update(CallContext context, ResourceId id, UpdateRequest request) {
    const auto found = co_await find(context, id);
    if (!found) co_return fail(found.error());
    Preview preview;
    preview.price_before = price_of(parts_.catalog.find(found->kind, found->engine, found->plan));
    preview.price_after = preview.price_before;
    const Status outlook = co_await foresee_update(context, id, request, preview);
    co_return judged(std::move(preview), outlook);
}

Task<Result<Preview>> Broker::preview_deprovision(CallContext context, ResourceId id) {
    const auto found = co_await find(context, id);
    if (!found) co_return fail(found.error());
    Preview preview;
    preview.price_before = price_of(parts_.catalog.find(found->kind, found->engine, found->plan));
    const Status outlook = co_await foresee_deprovision(context, id, preview);
    co_return judged(std::move(preview), outlook);
}

Task<Status> Broker::foresee_provision(const CallContext& context, const ProvisionRequest& request,
                                       Preview& preview) {
    auto order = co_await examine(context, request);
    if (!order) co_return fail(order.error());
    const Plan& plan = *order->plan;
    preview.price_after = plan.price;
    if (order->expiry) preview.expires_at = order->expiry->at;
    if (Status admitted = co_await admit(*order); !admitted) co_return admitted;
    const auto live = co_await parts_.store.live_counts(order->organization);
    if (!live) co_return fail(live.error());
    preview.quotas = effects_of(order->quotas, *live, 1);

    std::uint32_t skip = 0;
    auto offer = co_await offer_claim(context, *order, skip);
    if (!offer) co_return fail(offer.error());
    preview.from_pool = offer->has_value();
    if (!*offer) {
        auto creation = co_await offer_creation(context, *order);
        if (!creation) co_return fail(creation.error());
        *offer = std::move(*creation);
    }
    if ((*offer)->operation) {
        if (Status told = co_await foresee(*(*offer)->operation, plan.kind, plan.engine, plan.name, preview);
            !told) {
            co_return told;
        }
    }
    if (Status told = co_await foresee_place(**offer, preview); !told) co_return told;
    say_origin(request.origin, preview);
    co_return co_await try_out(std::move((*offer)->commit), order->quotas);
}

Task<Status> Broker::foresee_place(const Offer& offer, Preview& preview) {
    if (offer.placed) say_place(*offer.placed, preview);
    if (!preview.from_pool) co_return Status();
    const auto pooled = co_await parts_.store.resource(offer.resource);
    if (!pooled) co_return fail(pooled.error());
    if (!*pooled || (*pooled)->placed_on.empty()) co_return Status();
    const auto server = co_await parts_.store.resource((*pooled)->placed_on);
    if (!server) co_return fail(server.error());
    if (*server) preview.server = (*server)->name;
    co_return Status();
}

Task<Status> Broker::foresee_update(const CallContext& context, const ResourceId& id, const UpdateRequest& request,
                                    Preview& preview) {
    auto resource = co_await changeable(context, id);
    if (!resource) co_return fail(resource.error());
    auto change = co_await draft_change(context, std::move(*resource), request);
    if (!change) co_return fail(change.error());
    const Resource& of = change->resource;
    preview.expires_at = ends_at(of);
    preview.price_after = price_of(change->plan_after);
    if (change->operation) {
        const auto live = co_await parts_.store.live_counts(of.organization);
        if (!live) co_return fail(live.error());
        preview.quotas = effects_of(change->quotas, *live, 1);
        if (Status told = co_await foresee(*change->operation, of.kind, of.engine, of.plan, preview); !told) {
            co_return told;
        }
    }
    if (!change->commit) co_return Status();
    co_return co_await try_out(std::move(*change->commit), change->quotas);
}

// The quotas that count it, when it goes (-1) or comes (+1). What has failed is not counted.
Task<Status> Broker::foresee_quotas(const Resource& resource, std::int64_t more, Preview& preview) {
    const auto quotas = co_await parts_.store.quotas(resource.organization);
    if (!quotas) co_return fail(quotas.error());
    const auto live = co_await parts_.store.live_counts(resource.organization);
    if (!live) co_return fail(live.error());
    Plan of;  // its plan may have left the catalog
    of.kind = resource.kind;
    of.engine = resource.engine;
    of.name = resource.plan;
    const auto rules = rules_for(*quotas, resource.organization, of, options_.max_resources_per_organization);
    const bool counted = more > 0 || !std::holds_alternative<resource_state::Failed>(resource.state);
    preview.quotas = effects_of(rules, *live, counted ? more : 0);
    co_return Status();
}

Task<Status> Broker::foresee_deprovision(const CallContext& context, const ResourceId& id, Preview& preview) {
    const auto resource = co_await changeable(context, id);
    if (!resource) co_return fail(resource.error());
    // What is being removed already has nothing more to come.
    if (std::holds_alternative<resource_state::Deprovisioning>(resource->state)) co_return Status();
    if (Status told = co_await foresee_quotas(*resource, -1, preview); !told) co_return told;

    if (Status free = co_await serves_nothing(*resource); !free) co_return free;
    auto removal = co_await deletion(context, *resource);
    if (!removal) co_return fail(removal.error());
    for (const Write& write : removal->writes) {
        const auto* put = std::get_if<write::PutOperation>(&write);
        if (put == nullptr || put->operation.kind != OperationKind::deprovision) continue;
        if (Status told =
                co_await foresee(put->operation, resource->kind, resource->engine, resource->plan, preview);
            !told) {
            co_return told;
        }
        if (!put->operation.blocked_by.empty()) {
            preview.steps.insert(preview.steps.begin(),
                                 {StepKind::remove, "halt what is under way and undo it first"});
        }
    }
    co_return co_await try_out(std::move(*removal), {});
}

}  // namespace slipway
