#include "ops/pools.h"

#include <fmt/format.h>

#include "base/log.h"
#include "domain/draft.h"

namespace slipway {
namespace {

std::uint32_t level_of(const std::vector<PoolLevel>& levels, const Plan& plan) {
    for (const PoolLevel& level : levels) {
        if (level.kind == plan.kind && level.engine == plan.engine && level.plan == plan.name) {
            return level.ready + level.coming;
        }
    }
    return 0;
}

}  // namespace

Task<Result<std::uint32_t>> PoolKeeper::fill() {
    const auto levels = co_await parts_.store.pool_levels();
    if (!levels) co_return fail(levels.error());
    std::uint32_t asked = 0;
    for (const Plan& plan : parts_.catalog.plans()) {
        if (plan.pool == 0) continue;
        Trial& trial = trials_[fmt::format("{}/{}/{}", to_string(plan.kind), plan.engine, plan.name)];
        if (const Status looked = co_await look_at(trial); !looked) co_return fail(looked.error());
        if (parts_.clock.now() < trial.not_before) continue;
        for (std::uint32_t have = level_of(*levels, plan); have < plan.pool && asked < options_.per_round; ++have) {
            const auto added = co_await add(plan, trial);
            if (!added) co_return fail(added.error());
            if (!*added) break;
            asked += 1;
        }
    }
    co_return asked;
}

// A provider that fails would otherwise be asked again at once, for ever: each failure is a commit, and each commit
// a reason to look at the pools.
Task<Status> PoolKeeper::look_at(Trial& trial) {
    std::vector<OperationId> open;
    for (const OperationId& id : trial.open) {
        const auto found = co_await parts_.store.operation(id);
        if (!found) co_return fail(found.error());
        if (!*found) continue;
        if (!is_terminal((*found)->state)) {
            open.push_back(id);
        } else if (std::holds_alternative<operation_state::Failed>((*found)->state)) {
            const Duration pause = std::min<Duration>(
                options_.longest_pause, options_.first_pause * (1LL << std::min(trial.failures, 20U)));
            trial.failures += 1;
            trial.not_before = std::max(trial.not_before, parts_.clock.now() + pause);
        } else {
            trial.failures = 0;
        }
    }
    trial.open = std::move(open);
    co_return Status();
}

Task<Result<bool>> PoolKeeper::add(const Plan& plan, Trial& trial) {
    const auto traits = parts_.providers.traits(plan.provider, plan.kind, plan.engine);
    if (!traits) {
        log::warning("pools", "a pool cannot be filled", {{"plan", plan.name}, {"why", traits.error().message}});
        co_return false;
    }
    ProvisionDraftRequest wanted;
    wanted.plan = &plan;
    wanted.traits = *traits;
    wanted.organization = OrganizationId(kSystemOrganization);
    wanted.face = "pool";
    wanted.billing_code = kPoolBillingCode;
    wanted.name_prefix = options_.name_prefix;
    wanted.pooled = true;
    wanted.host = options_.host;
    wanted.time_limit = options_.provision_limit;
    wanted.cause = {"pool", ""};
    if (plan.placement) co_return co_await add_placed(wanted, trial);
    Draft draft = draft_provision(wanted, parts_.clock.now(), parts_.random, parts_.sealer);
    const OperationId operation = draft.operation.id;
    const auto answer = co_await commit_of(plan, accept(std::move(draft)));
    if (!answer) co_return fail(answer.error());
    const bool asked = std::holds_alternative<Committed>(*answer);
    if (asked) trial.open.push_back(operation);
    co_return asked;
}

// As for requests: the same rule, the same conditions.
Task<Result<bool>> PoolKeeper::add_placed(const ProvisionDraftRequest& wanted, Trial& trial) {
    Placer placer({parts_.store, parts_.catalog, parts_.providers, parts_.sealer, parts_.clock, parts_.random});
    for (int tries = 0; tries < kPlacingTries; ++tries) {
        auto placed = co_await placer.place(wanted);
        if (!placed && placed.error().code == ErrorCode::storage) co_return fail(placed.error());
        if (!placed) {
            log::warning("pools", "a pool cannot be filled",
                         {{"plan", wanted.plan->name}, {"why", placed.error().message}});
            co_return false;
        }
        const auto answer = co_await commit_of(*wanted.plan, std::move(placed->commit));
        if (!answer) co_return fail(answer.error());
        if (std::holds_alternative<Committed>(*answer)) {
            trial.open.push_back(placed->operation.id);
            co_return true;
        }
        if (!lost_place(*placed, std::get<Rejected>(*answer))) co_return false;
    }
    co_return false;
}

Task<Result<CommitAnswer>> PoolKeeper::commit_of(const Plan& plan, Commit commit) {
    commit.preconditions.insert(commit.preconditions.begin(),
                                precondition::PoolBelow{plan.kind, plan.engine, plan.name, plan.pool});
    return parts_.store.commit(std::move(commit));
}

}  // namespace slipway
