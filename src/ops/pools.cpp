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
        for (std::uint32_t have = level_of(*levels, plan); have < plan.pool && asked < options_.per_round; ++have) {
            const auto added = co_await add(plan);
            if (!added) co_return fail(added.error());
            if (!*added) break;
            asked += 1;
        }
    }
    co_return asked;
}

Task<Result<bool>> PoolKeeper::add(const Plan& plan) {
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
    Commit commit = accept(draft_provision(wanted, parts_.clock.now(), parts_.random, parts_.sealer));
    commit.preconditions.emplace_back(precondition::PoolBelow{plan.kind, plan.engine, plan.name, plan.pool});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return std::holds_alternative<Committed>(*answer);
}

}  // namespace slipway
