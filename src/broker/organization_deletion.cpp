// The end of an organization.
#include <array>

#include <fmt/format.h>

#include "broker/access.h"
#include "broker/administration_parts.h"

namespace slipway {
namespace {

// Each loss follows a change of the same organization by somebody else.
constexpr int kTries = 16;
// More of one sort are not counted to the end: who has to remove them first is not helped by the exact number.
constexpr std::uint64_t kMostCounted = 10'000;
constexpr std::uint32_t kPage = 1'000;

struct Sort {
    std::string_view field;
    std::string_view one;
    std::string_view many;
};
constexpr Sort kResources{"resources", "resource", "resources"};
constexpr Sort kFailed{"failed_resources", "resource that failed", "resources that failed"};
constexpr Sort kClusters{"clusters", "cluster", "clusters"};

std::string number_of(std::uint64_t count) {
    return count > kMostCounted ? fmt::format("more than {}", kMostCounted) : fmt::format("{}", count);
}

// Pages through what `next` gives. `next(after)` is a Task<Result<Page<…>>>.
template <class Next>
Task<Result<std::uint64_t>> count(Next next) {
    std::uint64_t found = 0;
    std::string after;
    do {
        const auto page = co_await next(after);
        if (!page) co_return fail(page.error());
        found += page->items.size();
        after = page->next;
    } while (!after.empty() && found <= kMostCounted);
    co_return found;
}

// Why it can never be deleted by this caller; nullopt: it can.
std::optional<Error> never(const CallContext& context, const OrganizationId& id) {
    using Why = std::pair<const char*, const char*>;
    static constexpr std::array<Why, 3> built_in{
        {{kSystemOrganization, "it owns what is made ahead and what is shared"},
         {kAnonymousOrganization, "callers without a key belong to it"},
         {kDefaultOrganization, "the administrator's key of this installation belongs to it"}}};
    for (const auto& [built, why] : built_in) {
        if (id == OrganizationId(built)) {
            return Error{
                ErrorCode::conflict, fmt::format("organization {} cannot be deleted: {}", built, why), {}, {}};
        }
    }
    if (id != context.caller.organization) return std::nullopt;
    return Error{
        ErrorCode::conflict,
        fmt::format("organization {} cannot be deleted with a key of its own: use one of another", id.str()),
        {},
        {}};
}

}  // namespace

// What has to be removed first, with how much there is of it; nullopt: nothing.
Task<Result<std::optional<Error>>> Administration::in_the_way(const OrganizationId& id) {
    const auto live = co_await parts_.store.live_counts(id);
    if (!live) co_return fail(live.error());
    std::uint64_t resources = 0;
    for (const LiveCount& each : *live) resources += each.live;
    ResourceFilter filter;
    filter.organization = id;
    filter.state = "failed";
    const auto failed = co_await count(
        [&](const std::string& after) { return parts_.store.resources(filter, PageRequest{after, kPage}); });
    if (!failed) co_return fail(failed.error());
    const auto clusters = co_await count(
        [&](const std::string& after) { return parts_.store.clusters(id, PageRequest{after, kPage}); });
    if (!clusters) co_return fail(clusters.error());

    std::vector<FieldProblem> problems;
    std::string said;
    const auto add = [&](std::uint64_t number, const Sort& sort) {
        if (number == 0) return;
        said +=
            fmt::format("{}{} {}", said.empty() ? "" : ", ", number_of(number), number == 1 ? sort.one : sort.many);
        problems.push_back({std::string(sort.field), fmt::format("must be removed first: {}", number_of(number))});
    };
    add(resources, kResources);
    add(*failed, kFailed);
    add(*clusters, kClusters);
    if (problems.empty()) co_return std::optional<Error>();
    co_return std::optional<Error>(Error{ErrorCode::conflict,
                                         fmt::format("organization {} has {}; remove them first", id.str(), said),
                                         {},
                                         std::move(problems)});
}

// What is in the way is counted for the answer; the store looks again as it writes, so that whatever is accepted
// meanwhile either comes before and is in the way, or comes after and is refused.
Task<Result<OrganizationView>> Administration::delete_organization(CallContext context, OrganizationId id) {
    if (Status may = only_administrators(context); !may) co_return fail(may.error());
    if (auto why = never(context, id)) co_return fail(std::move(*why));
    for (int tries = 0; tries < kTries; ++tries) {
        auto found = co_await organization(context, id);
        if (!found || found->organization.deleted_at) co_return found;
        auto obstacle = co_await in_the_way(id);
        if (!obstacle) co_return fail(obstacle.error());
        if (*obstacle) co_return fail(std::move(**obstacle));
        const TimePoint now = parts_.clock.now();
        Commit commit;
        commit.events.push_back(audit_event(
            context, id, now, "organization.deleted",
            fmt::format("organization {} was deleted; its keys are revoked, its quotas and webhooks ended",
                        id.str())));
        commit.writes.emplace_back(write::DeleteOrganization{id, now});
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return fail(answer.error());
        if (std::holds_alternative<Committed>(*answer)) co_return co_await organization(context, id);
        if (std::get<Rejected>(*answer).obstacle == Obstacle::last_administrator) {
            co_return fail(ErrorCode::conflict,
                           "it has the last key of an administrator that does not expire: make another one first");
        }
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

}  // namespace slipway
