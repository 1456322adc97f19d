#include "ops/retention.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/removal.h"

namespace slipway {
namespace {

const Cause kCause{"retention", ""};

// Of one database, made by one plan.
using Series = std::pair<std::string, std::string>;

}  // namespace

Task<Result<std::uint32_t>> BackupRetention::pass() {
    std::map<Series, std::vector<Resource>> series;
    std::vector<Resource> alone;
    ResourceFilter filter;
    filter.kind = Kind::backup;
    filter.state = "ready";
    filter.pooled = false;
    PageRequest page{"", 1000};
    do {
        auto found = co_await parts_.store.resources(filter, page);
        if (!found) co_return fail(found.error());
        for (Resource& each : found->items) {
            std::string source = json::get_string(each.own_parameters, "source");
            if (source.empty()) {
                alone.push_back(std::move(each));
            } else {
                const Series key{std::move(source), each.plan};
                series[key].push_back(std::move(each));
            }
        }
        page.after = found->next;
    } while (!page.after.empty());

    std::vector<std::pair<Resource, std::string>> leaving;
    const auto too_old = [&](const Resource& each) {
        const std::int64_t most = json::get_int(each.parameters, "max_age_seconds");
        return most > 0 && each.created_at + std::chrono::seconds(most) < parts_.clock.now();
    };
    for (Resource& each : alone) {
        if (too_old(each)) leaving.emplace_back(std::move(each), "it is older than its plan keeps backups");
    }
    for (auto& [key, backups] : series) {
        std::ranges::sort(backups, [](const Resource& one, const Resource& other) {
            return std::pair(one.created_at, one.id) > std::pair(other.created_at, other.id);
        });
        const std::int64_t keep = json::get_int(backups.front().parameters, "keep", options_.keep);
        for (std::size_t i = 0; i < backups.size(); ++i) {
            if (static_cast<std::int64_t>(i) >= keep) {
                leaving.emplace_back(std::move(backups[i]), fmt::format("its plan keeps {} of one database", keep));
            } else if (too_old(backups[i])) {
                leaving.emplace_back(std::move(backups[i]), "it is older than its plan keeps backups");
            }
        }
    }
    std::uint32_t removed = 0;
    for (auto& [backup, why] : leaving) {
        const auto asked = co_await remove(std::move(backup), std::move(why));
        if (!asked) co_return fail(asked.error());
        removed += *asked ? 1 : 0;
    }
    co_return removed;
}

// False: it changed meanwhile, and the next pass looks again.
Task<Result<bool>> BackupRetention::remove(Resource backup, std::string why) {
    const TimePoint now = parts_.clock.now();
    if (!active_operation(backup.state).empty()) co_return false;
    auto commit = co_await removal_of(parts_.store, parts_.random, std::move(backup),
                                      {kCause, now, options_.removal_limit, std::move(why)});
    if (!commit && commit.error().code == ErrorCode::storage) co_return fail(commit.error());
    if (!commit) co_return false;
    const auto answer = co_await parts_.store.commit(std::move(*commit));
    if (!answer) co_return fail(answer.error());
    co_return std::holds_alternative<Committed>(*answer);
}

}  // namespace slipway
