#include "broker/quotas.h"

#include <fmt/format.h>

#include "domain/words.h"

namespace slipway {
namespace {

bool of_all_plans(const Quota& quota) { return !quota.kind; }

std::string scope_of(const Quota& quota) {
    return of_all_plans(quota) ? "organization" : fmt::format("{}/{}", quota.engine, quota.plan);
}

// As the stores name it in Obstacle::quota_reached.
std::string subject_of(const Quota& quota) {
    if (of_all_plans(quota)) return quota.organization.str();
    return fmt::format("{}/{}/{}", quota.organization.str(), quota.engine, quota.plan);
}

std::string words_for(const QuotaRule& rule) {
    const Quota& quota = rule.quota;
    const std::string_view thing = quota.kind == Kind::machine ? noun_of(*quota.kind) : "resource";
    const std::string things = fmt::format("{}{}", thing, quota.limit == 1 ? "" : "s");
    if (rule.by_default) {
        return fmt::format("organization {} has no room left: {} {} is what every organization may have",
                           quota.organization.str(), quota.limit, things);
    }
    if (of_all_plans(quota)) {
        return fmt::format("the quota of organization {} is used up: {} {} in all", quota.organization.str(),
                           quota.limit, things);
    }
    return fmt::format("the quota of organization {} for {} is used up: {} {}", quota.organization.str(),
                       scope_of(quota), quota.limit, things);
}

}  // namespace

std::vector<QuotaRule> rules_for(const std::vector<Quota>& quotas, const OrganizationId& organization,
                                 const Plan& plan, std::uint64_t by_default) {
    QuotaRule whole{Quota{organization, std::nullopt, {}, {}, by_default}, true};
    std::vector<QuotaRule> of_plan;
    for (const Quota& quota : quotas) {
        if (of_all_plans(quota)) {
            whole = {quota, false};
        } else if (quota.kind == plan.kind && quota.engine == plan.engine && quota.plan == plan.name) {
            of_plan.push_back({quota, false});
        }
    }
    std::vector<QuotaRule> rules{std::move(whole)};
    rules.insert(rules.end(), of_plan.begin(), of_plan.end());
    return rules;
}

Precondition precondition_of(const QuotaRule& rule) {
    const Quota& quota = rule.quota;
    if (of_all_plans(quota)) return precondition::LiveResourcesBelow{quota.organization, quota.limit};
    return precondition::PlanResourcesBelow{quota.organization, *quota.kind, quota.engine, quota.plan, quota.limit};
}

std::uint64_t used_of(const Quota& quota, const std::vector<LiveCount>& live) {
    std::uint64_t used = 0;
    for (const LiveCount& of : live) {
        const bool counts =
            of_all_plans(quota) || (of.kind == quota.kind && of.engine == quota.engine && of.plan == quota.plan);
        if (counts) used += of.live;
    }
    return used;
}

std::vector<QuotaEffect> effects_of(const std::vector<QuotaRule>& rules, const std::vector<LiveCount>& live,
                                    std::int64_t more) {
    std::vector<QuotaEffect> effects;
    for (const QuotaRule& rule : rules) {
        const std::uint64_t used = used_of(rule.quota, live);
        const auto after = std::max<std::int64_t>(0, static_cast<std::int64_t>(used) + more);
        effects.push_back({scope_of(rule.quota), rule.quota.limit, used, static_cast<std::uint64_t>(after)});
    }
    return effects;
}

Error quota_reached(const std::vector<QuotaRule>& rules, const std::string& subject) {
    for (const QuotaRule& rule : rules) {
        if (subject_of(rule.quota) == subject) return {ErrorCode::exhausted, words_for(rule), {}, {}};
    }
    return {ErrorCode::exhausted, "the organization has as many resources as it may have", subject, {}};
}

}  // namespace slipway
