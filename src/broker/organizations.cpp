// Organizations and their quotas.
#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/administration_parts.h"
#include "broker/check.h"
#include "broker/orders.h"

namespace slipway {
namespace {

constexpr int kTries = 5;
constexpr std::uint64_t kMostLive = 1'000'000'000;

bool same_place(const Quota& a, const Quota& b) {
    return a.kind == b.kind && a.engine == b.engine && a.plan == b.plan;
}

std::string words_for(const Quota& quota) {
    if (!quota.kind) return fmt::format("{} in all", quota.limit);
    return fmt::format("{} of {}/{}", quota.limit, quota.engine, quota.plan);
}

// The first ones; there may be many.
std::string words_for(const std::vector<Quota>& quotas) {
    constexpr std::size_t kSaid = 8;
    std::string said;
    for (std::size_t i = 0; i < std::min(quotas.size(), kSaid); ++i) {
        said += (said.empty() ? "" : ", ") + words_for(quotas[i]);
    }
    if (quotas.size() > kSaid) said += fmt::format(" and {} more", quotas.size() - kSaid);
    return said;
}

void check_quotas(const std::vector<Quota>& quotas, const Catalog& catalog, std::size_t most,
                  std::vector<FieldProblem>& problems) {
    if (quotas.size() > most) problems.push_back({"quotas", fmt::format("must be at most {}", most)});
    for (std::size_t i = 0; i < quotas.size() && i < most; ++i) {
        const Quota& quota = quotas[i];
        const std::string field = fmt::format("quotas[{}]", i);
        if (quota.kind && catalog.find(*quota.kind, quota.engine, quota.plan) == nullptr) {
            problems.push_back({field, "names no plan of the catalog"});
        }
        if (quota.limit > kMostLive) {
            problems.push_back({field + ".limit", fmt::format("must be at most {}", kMostLive)});
        }
        const auto end = quotas.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::any_of(quotas.begin(), end, [&](const Quota& other) { return same_place(other, quota); })) {
            problems.push_back({field, "is there twice"});
        }
    }
}

}  // namespace

Task<Result<OrganizationView>> Administration::view(Organization organization) {
    OrganizationView view{std::move(organization), {}, {}};
    auto live = co_await parts_.store.live_counts(view.organization.id);
    if (!live) co_return fail(live.error());
    view.live = std::move(*live);
    auto quotas = co_await parts_.store.quotas(view.organization.id);
    if (!quotas) co_return fail(quotas.error());
    for (Quota& quota : *quotas) {
        const std::uint64_t used = used_of(quota, view.live);
        view.quotas.push_back({std::move(quota), used});
    }
    co_return view;
}

Task<Result<OrganizationView>> Administration::create_organization(CallContext context, NewOrganization request) {
    if (Status may = only_administrators(context); !may) co_return fail(may.error());
    std::vector<FieldProblem> problems;
    if (!valid_name(request.id.str())) {
        problems.push_back({"id", "must be 1 to 63 of a-z 0-9 -, and neither begin nor end with -"});
    }
    check_text("title", request.title, problems);
    check_idempotency_key(request.idempotency_key, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    const Memory memory{
        administration_scope(context), request.idempotency_key,
        fingerprint_of({{"verb", "organization"}, {"id", request.id.str()}, {"title", request.title}})};
    const auto earlier = co_await replay(memory);
    if (!earlier) co_return fail(earlier.error());
    if (*earlier) co_return co_await made_before(context, request.id);

    const TimePoint now = parts_.clock.now();
    Organization made{request.id, request.title.empty() ? request.id.str() : request.title, now};
    Commit commit;
    commit.preconditions.emplace_back(precondition::OrganizationFree{request.id});
    commit.events.push_back(audit_event(context, request.id, now, "organization.created",
                                        fmt::format("organization {} was made", request.id.str())));
    commit.writes.emplace_back(write::PutOrganization{made});
    remember(commit, memory, request.id.str(), {});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    if (std::holds_alternative<Committed>(*answer)) co_return OrganizationView{std::move(made), {}, {}};
    if (std::get<Rejected>(*answer).obstacle == Obstacle::idempotency_key_used) {
        const auto meanwhile = co_await replay(memory);
        if (!meanwhile) co_return fail(meanwhile.error());
        co_return co_await made_before(context, request.id);
    }
    co_return fail(co_await id_taken(request.id));
}

Task<Result<OrganizationView>> Administration::made_before(const CallContext& context, const OrganizationId& id) {
    auto found = co_await organization(context, id);
    if (found && found->organization.deleted_at) {
        co_return fail(ErrorCode::conflict, "what this Idempotency-Key made was deleted since; use a new key");
    }
    co_return found;
}

Task<Error> Administration::id_taken(const OrganizationId& id) {
    const auto found = co_await parts_.store.organization(id);
    if (!found) co_return found.error();
    if (*found && (*found)->deleted_at) {
        co_return Error{ErrorCode::conflict,
                        fmt::format("the id {} was used before, by an organization that was deleted: what happened "
                                    "in it stays under its id, which is given to no other",
                                    id.str()),
                        "",
                        {{"id", "was used before"}}};
    }
    co_return Error{ErrorCode::conflict, fmt::format("the id {} is taken", id.str()), "", {{"id", "is taken"}}};
}

Task<Result<Page<OrganizationView>>> Administration::organizations(CallContext context, PageRequest page) {
    Page<Organization> found;
    if (context.caller.role == Role::administrator) {
        auto all = co_await parts_.store.organizations(std::move(page));
        if (!all) co_return fail(all.error());
        found = std::move(*all);
    } else if (page.after < context.caller.organization.str()) {
        auto own = co_await parts_.store.organization(context.caller.organization);
        if (!own) co_return fail(own.error());
        if (*own) found.items.push_back(std::move(**own));
    }
    Page<OrganizationView> views;
    views.next = std::move(found.next);
    for (Organization& each : found.items) {
        auto seen = co_await view(std::move(each));
        if (!seen) co_return fail(seen.error());
        views.items.push_back(std::move(*seen));
    }
    co_return views;
}

Task<Result<OrganizationView>> Administration::organization(CallContext context, OrganizationId id) {
    const bool seen = context.caller.role == Role::administrator || context.caller.organization == id;
    if (!seen) co_return fail(no_such_organization());
    auto found = co_await parts_.store.organization(id);
    if (!found) co_return fail(found.error());
    if (!*found) co_return fail(no_such_organization());
    co_return co_await view(std::move(**found));
}

// Written and read again: two who set them at once leave what one of them said, never a mixture.
Task<Result<std::vector<QuotaUse>>> Administration::set_quotas(CallContext context, OrganizationId id,
                                                               std::vector<Quota> quotas) {
    if (Status may = only_administrators(context); !may) co_return fail(may.error());
    if (Status may = may_name(context.caller, id); !may) co_return fail(may.error());
    std::vector<FieldProblem> problems;
    check_quotas(quotas, parts_.catalog, options_.max_quotas_per_organization, problems);
    if (Status good = status_of(std::move(problems)); !good) co_return fail(good.error());
    for (Quota& quota : quotas) quota.organization = id;
    const std::string said = words_for(quotas);
    for (int tries = 0; tries < kTries; ++tries) {
        auto now = co_await organization(context, id);
        if (!now) co_return fail(now.error());
        if (now->organization.deleted_at) co_return fail(no_such_organization());
        Commit commit;
        for (const QuotaUse& each : now->quotas) {
            const bool stays =
                std::ranges::any_of(quotas, [&](const Quota& quota) { return same_place(quota, each.quota); });
            if (!stays) commit.writes.emplace_back(write::DropQuota{each.quota});
        }
        for (const Quota& quota : quotas) {
            const bool there =
                std::ranges::any_of(now->quotas, [&](const QuotaUse& each) { return each.quota == quota; });
            if (!there) commit.writes.emplace_back(write::PutQuota{quota});
        }
        if (commit.writes.empty()) co_return std::move(now->quotas);
        commit.events.push_back(
            audit_event(context, id, parts_.clock.now(), "organization.quotas_set",
                        said.empty() ? fmt::format("organization {} has no quotas of its own any more", id.str())
                                     : fmt::format("the quotas of organization {} are {} now", id.str(), said)));
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
    }
    co_return fail(ErrorCode::conflict, "they keep changing; try again");
}

}  // namespace slipway
