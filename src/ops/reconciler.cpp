#include "ops/reconciler.h"

#include <map>

#include <fmt/format.h>

#include "base/log.h"
#include "domain/draft.h"
#include "domain/resource_step.h"

namespace slipway {
namespace {

const Cause kCause{"reconciler", ""};
constexpr int kRest = 9;  // times as long as a page took

// Of so many on one server that could not be observed in a pass, the others need not be asked: each would take its
// whole budget, and everything after them would wait.
constexpr std::uint32_t kSilent = 2;

}  // namespace

bool Reconciler::mine(const Resource& resource) const {
    return resource.host == options_.host && !resource.host.empty() &&
           std::holds_alternative<resource_state::Ready>(resource.state) &&
           active_operation(resource.state).empty();
}

Task<Result<ReconcileReport>> Reconciler::pass() {
    ReconcileReport report;
    PageRequest page{"", options_.page};
    std::map<ResourceId, std::uint32_t> unanswered;
    do {
        ResourceFilter filter;
        filter.state = "ready";
        const TimePoint asked = parts_.clock.now();
        auto found = co_await parts_.store.resources(filter, page);
        if (!found) co_return fail(found.error());
        const Duration took = parts_.clock.now() - asked;
        for (Resource& resource : found->items) {
            if (!mine(resource)) continue;
            const ResourceId server = resource.placed_on;
            const std::uint32_t before = report.unreachable;
            const bool silent = !server.empty() && unanswered[server] >= kSilent;
            if (auto checked =
                    co_await (silent ? pass_over(std::move(resource), report) : check(std::move(resource), report));
                !checked)
                co_return fail(checked.error());
            unanswered[server] += report.unreachable - before;
        }
        page.after = found->next;
        // A store that is read by its caller holds up everything else on this executor.
        if (!page.after.empty()) co_await parts_.scheduler.sleep(took * kRest);
    } while (!page.after.empty());
    co_return report;
}

Task<Status> Reconciler::look(std::string provider, std::string external_name) {
    auto found = co_await parts_.store.resource_by_external_name(std::move(provider), std::move(external_name));
    if (!found) co_return fail(found.error());
    if (!*found || !mine(**found)) co_return Status();
    ReconcileReport report;
    co_return co_await check(std::move(**found), report);
}

Task<Status> Reconciler::check(Resource resource, ReconcileReport& report) {
    report.seen += 1;
    const auto answer = co_await parts_.calls.call(Verb::observe, resource, {}, options_.call_budget);
    if (!answer) {
        report.unreachable += 1;
        co_return co_await note_health(std::move(resource), Health::unreachable, answer.error().message);
    }
    if (answer->presence == Presence::running) {
        report.healthy += 1;
        co_return co_await note_health(std::move(resource), Health::healthy, answer->detail);
    }
    const auto asked = co_await ask_repair(std::move(resource), *answer);
    if (!asked) co_return fail(asked.error());
    report.repairs += *asked ? 1 : 0;
    co_return Status();
}

Task<Status> Reconciler::pass_over(Resource resource, ReconcileReport& report) {
    report.seen += 1;
    report.unreachable += 1;
    return note_health(std::move(resource), Health::unreachable, "its server does not answer");
}

// Written only where it changed: a pass over healthy resources costs the store nothing.
Task<Status> Reconciler::note_health(Resource resource, Health health, std::string detail) {
    if (resource.health == health) co_return Status();
    const TimePoint now = parts_.clock.now();
    resource.health = health;
    resource.health_at = now;
    resource.health_detail = detail;
    Commit commit;
    commit.events.push_back(draft_event(resource, kCause, now, fmt::format("resource.{}", to_string(health)),
                                        fmt::format("{} is {}", resource.name, to_string(health))));
    commit.writes.emplace_back(write::PutResource{std::move(resource)});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return Status();  // whoever changed it meanwhile knows better
}

// False: it changed meanwhile, and whoever changed it knows better.
Task<Result<bool>> Reconciler::ask_repair(Resource resource, const Observation& seen) {
    const TimePoint now = parts_.clock.now();
    Operation repair =
        draft_operation(OperationKind::repair, resource, kCause, now, options_.repair_limit, parts_.random);
    auto stepped = step(resource, {now, resource_event::RepairRequested{repair.id}});
    if (!stepped) co_return false;
    Commit commit;
    EventDraft event = draft_event(
        resource, kCause, now, "resource.repair_requested",
        fmt::format("{} was found {}; it is being brought back", resource.name, to_string(seen.presence)));
    event.operation = repair.id;
    commit.events.push_back(std::move(event));
    commit.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
    commit.writes.emplace_back(write::PutOperation{std::move(repair), std::nullopt});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    if (!answer) co_return fail(answer.error());
    co_return std::holds_alternative<Committed>(*answer);
}

}  // namespace slipway
