// Quotas: which hold for a request, what they count now, and how a refusal is told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/access.h"
#include "domain/catalog.h"
#include "store/store.h"

namespace slipway {

// One quota that a new resource of some plan has to keep.
struct QuotaRule {
    Quota quota;
    bool by_default = false;  // of every organization that has none of its own for all plans together
};

// How a request would change what a quota counts.
struct QuotaEffect {
    std::string scope;  // "organization", or "ENGINE/PLAN"
    std::uint64_t limit = 0;
    std::uint64_t used = 0;   // now
    std::uint64_t after = 0;  // if the request were carried out
};

// Of an organization's quotas those that count resources of the plan, the one for all plans first. `by_default`
// holds where the organization has none for all plans.
std::vector<QuotaRule> rules_for(const std::vector<Quota>& quotas, const OrganizationId& organization,
                                 const Plan& plan, std::uint64_t by_default);

// What the store is to check before it takes one more.
Precondition precondition_of(const QuotaRule& rule);

std::uint64_t used_of(const Quota& quota, const std::vector<LiveCount>& live);
std::vector<QuotaEffect> effects_of(const std::vector<QuotaRule>& rules, const std::vector<LiveCount>& live,
                                    std::int64_t more);

// ErrorCode::exhausted, in words that name the quota. `subject` is that of Obstacle::quota_reached.
Error quota_reached(const std::vector<QuotaRule>& rules, const std::string& subject);

}  // namespace slipway
