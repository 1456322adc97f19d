#include "ops/sweeper.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "domain/draft.h"

namespace slipway {
namespace {

constexpr std::string_view kForeign = "foreign";
constexpr std::string_view kLost = "lost";
constexpr std::string_view kGone = "gone";
constexpr int kTries = 5;

}  // namespace

Task<Result<SweepReport>> Sweeper::sweep(SweepOptions options) {
    SweepReport report;
    for (const auto& [name, provider] : parts_.calls.registry().all()) {
        auto swept = co_await sweep_provider(*provider, options, report);
        if (!swept) co_return fail(swept.error());
    }
    co_return report;
}

Task<Status> Sweeper::sweep_provider(Provider& provider, const SweepOptions& options, SweepReport& report) {
    auto known = co_await parts_.store.orphans();
    if (!known) co_return fail(known.error());
    Sweep sweep{options, report, std::move(*known)};
    std::string cursor;
    do {
        const auto page = co_await parts_.calls.inventory(provider, cursor, options.call_budget);
        if (!page) {  // nothing can be said of this provider now; the others are swept all the same
            log::warning("sweep", "an inventory failed",
                         {{"provider", std::string(provider.name())}, {"error", page.error().message}});
            co_return Status();
        }
        for (const InventoryItem& item : page->items) {
            report.inventory += 1;
            if (auto judged = co_await judge(provider, item, sweep); !judged) co_return judged;
        }
        cursor = page->next;
    } while (!cursor.empty());
    co_return co_await forget_vanished(provider, sweep);
}

// The empty verdict: a resource of ours accounts for it.
Task<Result<std::string>> Sweeper::verdict(const InventoryItem& item) {
    if (item.installation != parts_.calls.installation()) co_return std::string(kForeign);
    const auto found = co_await parts_.store.resource(item.resource);
    if (!found) co_return fail(found.error());
    if (!*found) co_return std::string(kLost);
    const Resource& resource = **found;
    if (resource.external_name != item.external_name || resource.generation != item.generation) {
        co_return std::string(kLost);
    }
    const bool ended = std::holds_alternative<resource_state::Gone>(resource.state) ||
                       (std::holds_alternative<resource_state::Failed>(resource.state));
    co_return ended ? std::string(kGone) : std::string();
}

Task<Status> Sweeper::judge(const Provider& provider, const InventoryItem& item, Sweep& sweep) {
    const SweepOptions& options = sweep.options;
    const auto kind = co_await verdict(item);
    if (!kind) co_return fail(kind.error());
    if (kind->empty()) co_return Status();
    const TimePoint now = parts_.clock.now();
    Orphan orphan{std::string(provider.name()),
                  item.external_name,
                  *kind,
                  item.detail,
                  item.resource,
                  item.generation,
                  now,
                  now,
                  std::nullopt};
    for (const Orphan& old : sweep.known) {
        if (old.provider == orphan.provider && old.external_name == orphan.external_name &&
            old.kind == orphan.kind) {
            orphan.first_seen = old.first_seen;
        }
    }
    const bool due = now - orphan.first_seen >= options.grace;
    if (!options.dry_run && due && *kind != kForeign) {
        const auto removed = co_await remove(orphan, item, options);
        if (!removed) co_return fail(removed.error());
        if (*removed) {
            orphan.removed_at = now;
            sweep.report.removed += 1;
        } else {
            sweep.report.failed += 1;
        }
    }
    sweep.report.found.push_back(orphan);
    if (orphan.removed_at) co_return co_await settle(orphan, options);
    Commit commit;
    commit.writes.emplace_back(write::PutOrphan{std::move(orphan)});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    co_return answer ? Status() : Status(fail(answer.error()));
}

// The provider is told the exact resource and generation: what has come under that name since is not touched.
Task<Result<bool>> Sweeper::remove(const Orphan& orphan, const InventoryItem& item, const SweepOptions& options) {
    const auto still = co_await verdict(item);
    if (!still) co_return fail(still.error());
    if (*still != orphan.kind) co_return false;
    const auto removed = co_await ask_for_removal(orphan, item, options);
    if (removed) co_return *removed;
    log::warning("sweep", "a removal failed", {{"name", orphan.external_name}, {"error", removed.error().message}});
    co_return false;
}

// False: its provider is still at it, or is not there.
Task<std::expected<bool, ProviderError>> Sweeper::ask_for_removal(const Orphan& orphan, const InventoryItem& item,
                                                                  const SweepOptions& options) {
    Provider* provider = parts_.calls.registry().find(orphan.provider);
    if (provider == nullptr) co_return false;
    Target target{item.installation, item.resource, item.external_name, item.generation, "", {}};
    const auto answer = co_await parts_.calls.remove(*provider, std::move(target), options.call_budget);
    if (!answer) co_return std::unexpected(answer.error());
    co_return answer->presence == Presence::absent;
}

Task<Result<SweepRemoval>> Sweeper::remove_one(std::string provider, std::string external_name,
                                               SweepOptions options) {
    const auto known = co_await parts_.store.orphans();
    if (!known) co_return fail(known.error());
    const auto found = std::ranges::find_if(*known, [&](const Orphan& each) {
        return each.provider == provider && each.external_name == external_name;
    });
    if (found == known->end()) co_return fail(ErrorCode::not_found, "no sweep has found such an orphan");
    SweepRemoval removal{*found, false};
    Orphan& orphan = removal.orphan;
    if (orphan.kind == kForeign) {
        co_return fail(ErrorCode::conflict, "it is not of this installation: it is never touched");
    }
    if (parts_.calls.registry().find(provider) == nullptr) {
        co_return fail(ErrorCode::unavailable, fmt::format("provider {} is not part of this server", provider));
    }
    const InventoryItem item{orphan.external_name, parts_.calls.installation(), orphan.resource,
                             orphan.generation,    Presence::running,           orphan.detail};
    const auto still = co_await verdict(item);
    if (!still) co_return fail(still.error());
    if (*still != orphan.kind) {
        co_return fail(ErrorCode::conflict, "a resource accounts for it now: it is no orphan any more");
    }
    const auto removed = co_await ask_for_removal(orphan, item, options);
    if (!removed) co_return fail(ErrorCode::provider_failure, removed.error().message, removed.error().detail);
    removal.removed = *removed;
    if (!removal.removed) co_return removal;
    orphan.removed_at = parts_.clock.now();
    if (auto settled = co_await settle(orphan, options); !settled) co_return fail(settled.error());
    co_return removal;
}

// What is removed is not an orphan any more; a failed resource of ours that was still out there is clean now.
Task<Status> Sweeper::settle(const Orphan& orphan, const SweepOptions& options) {
    for (int tries = 0; tries < kTries; ++tries) {
        const auto settled = co_await try_settle(orphan, options);
        if (!settled) co_return fail(settled.error());
        if (*settled) co_return Status();
    }
    // Nothing is lost: it is still noted, and the next sweep that finds it gone forgets it.
    log::warning("sweep", "a resource kept changing while its remnants were settled",
                 {{"resource", orphan.resource.str()}});
    co_return Status();
}

// False: the resource changed in that instant.
Task<Result<bool>> Sweeper::try_settle(const Orphan& orphan, const SweepOptions& options) {
    const TimePoint now = parts_.clock.now();
    Commit commit;
    commit.writes.emplace_back(write::DropOrphan{orphan.provider, orphan.external_name});
    EventDraft event;
    event.at = now;
    event.type = "orphan.removed";
    event.message = fmt::format("{} was found at provider {} with nobody to account for it, and removed",
                                orphan.external_name, orphan.provider);
    event.resource = orphan.resource;
    event.organization = OrganizationId(kSystemOrganization);
    event.actor = "sweep";
    auto found = co_await parts_.store.resource(orphan.resource);
    if (!found) co_return fail(found.error());
    if (*found && (*found)->external_name == orphan.external_name && (*found)->generation == orphan.generation &&
        std::holds_alternative<resource_state::Failed>((*found)->state)) {
        event.organization = (*found)->organization;
        (*found)->remnants.clear();
        (*found)->allocations.clear();
        commit.writes.emplace_back(write::ReleaseAllocations{orphan.resource, now + options.rest});
        commit.writes.emplace_back(write::PutResource{std::move(**found)});
    }
    commit.events.push_back(std::move(event));
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return std::holds_alternative<Committed>(*answer);
}

Task<Status> Sweeper::forget_vanished(const Provider& provider, const Sweep& sweep) {
    Commit commit;
    for (const Orphan& orphan : sweep.known) {
        const bool seen = std::ranges::any_of(sweep.report.found, [&](const Orphan& found) {
            return found.provider == orphan.provider && found.external_name == orphan.external_name;
        });
        if (orphan.provider == provider.name() && !seen) {
            commit.writes.emplace_back(write::DropOrphan{orphan.provider, orphan.external_name});
        }
    }
    if (commit.writes.empty()) co_return Status();
    const auto answer = co_await parts_.store.commit(std::move(commit));
    co_return answer ? Status() : Status(fail(answer.error()));
}

}  // namespace slipway
