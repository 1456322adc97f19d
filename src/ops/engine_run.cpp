// One operation from its lease to its end, or to the point where it waits.
#include <fmt/format.h>

#include "base/log.h"
#include "domain/overloaded.h"
#include "domain/stepping.h"
#include "ops/engine.h"

namespace slipway {
namespace {

constexpr int kStoreTries = 5;  // of one record, while the lease lasts
constexpr int kReloads = 16;    // of one record that others changed meanwhile
constexpr Duration kStoreDelay = std::chrono::milliseconds(200);

Allocation replacement(const AllocationRange& range, const ResourceId& resource, TimePoint rest_until) {
    Allocation allocation;
    allocation.range = range.range;
    allocation.key = range.key;
    allocation.first = range.first;
    allocation.last = range.last;
    allocation.resource = resource;
    allocation.replace = true;
    allocation.rest_until = rest_until;
    return allocation;
}

// The thing was seen to be there. That it was said to be made is none: providers show what they made with a delay.
bool is_sight(const operation_event::Answered& answered) {
    return answered.verb == Verb::observe && answered.answer && answered.answer->presence != Presence::absent;
}

}  // namespace

struct Engine::Run {
    Operation operation;
    Resource resource;
    TimePoint lease_over;           // on our clock, counted from before the lease was asked for
    std::optional<Verb> next_call;  // what the last transition asks of the provider
    bool reloaded = false;          // somebody else's record took the place of ours since this was last reset
};

Task<void> Engine::run(LeasedWork work, TimePoint leased_at) {
    const std::string provider = work.operation.provider;
    const OrganizationId organization = work.operation.organization;
    Run run{std::move(work.operation), std::move(work.resource), leased_at + options_.lease, std::nullopt, false};
    OperationChange change = operation_event::Began{work.fresh};
    while (co_await advance(run, std::move(change)) && run.next_call) {
        if (stopping_) {
            co_await advance(run, operation_event::Parked{});
            break;
        }
        if (!co_await renew(run) || !run.next_call) break;
        const Verb verb = *run.next_call;
        ProviderAnswer answer = co_await call(run, verb);
        if (!answer) {
            log::info("ops", "a provider call failed",
                      {{"operation", run.operation.id.str()},
                       {"request", run.operation.request_id},
                       {"trace", run.operation.trace},
                       {"verb", std::string(to_string(verb))},
                       {"class", std::string(to_string(answer.error().error_class))},
                       {"error", answer.error().message},
                       {"detail", answer.error().detail}});
        }
        change = operation_event::Answered{verb, std::move(answer), parts_.random.unit()};
    }
    if (is_terminal(run.operation.state)) {
        counters_.ended += 1;
        if (parts_.observer != nullptr) parts_.observer->on_end(run.operation);
    }
    under_way_ -= 1;
    if (--busy_[provider] == 0) busy_.erase(provider);
    if (--busy_organizations_[organization] == 0) busy_organizations_.erase(organization);
    signal_.notify();
}

Task<ProviderAnswer> Engine::call(Run& run, Verb verb) {
    counters_.calls += 1;
    const Operation& operation = run.operation;
    const bool undone = operation.direction == Direction::undo && operation.kind != OperationKind::update;
    const bool away = undone || operation.kind == OperationKind::deprovision;
    if (verb == Verb::create && !run.resource.placed_on.empty()) {
        if (auto error = co_await no_host(run.resource)) co_return std::unexpected(std::move(*error));
    }
    co_return co_await parts_.calls.call(verb, run.resource, {operation.id, operation.token}, options_.call_budget,
                                         away ? Purpose::take_away : Purpose::keep);
}

// Whoever the provider is: on a server that came to nothing, or is going, nothing can ever be made.
Task<std::optional<ProviderError>> Engine::no_host(const Resource& resource) {
    using namespace resource_state;
    ProviderError error;
    const auto found = co_await parts_.store.resource(resource.placed_on);
    if (!found) {
        error.error_class = ErrorClass::transient;
        error.message = "its server cannot be looked up now";
        error.detail = found.error().message;
        co_return error;
    }
    error.error_class = ErrorClass::permanent;
    if (!*found) {
        error.message = "the server it was to live on is not there any more";
    } else if (const auto* failed = std::get_if<Failed>(&(*found)->state)) {
        error.message =
            fmt::format("the server it was to live on, {}, has failed: {}", (*found)->name, failed->reason);
    } else if (std::holds_alternative<Gone>((*found)->state) ||
               std::holds_alternative<Deprovisioning>((*found)->state)) {
        error.message = fmt::format("the server it was to live on, {}, is {}", (*found)->name,
                                    std::holds_alternative<Gone>((*found)->state) ? "gone" : "being removed");
    } else {
        co_return std::nullopt;
    }
    co_return error;
}

// A call may take its whole budget: the lease has to last longer.
Task<bool> Engine::renew(Run& run) {
    if (parts_.clock.now() + options_.call_budget + options_.margin <= run.lease_over) co_return true;
    const auto verb = run.next_call;
    const TimePoint now = parts_.clock.now();
    run.reloaded = false;
    if (!co_await advance(run, operation_event::Renewed{now + options_.lease})) co_return false;
    run.lease_over = now + options_.lease;
    // The call was planned for the record as it was. What replaced it begins again, by observing.
    if (run.reloaded) co_return co_await advance(run, operation_event::Began{false});
    run.next_call = verb;
    co_return true;
}

// One transition, recorded where that is needed. False: this worker has nothing more to do with the operation.
Task<bool> Engine::advance(Run& run, OperationChange change) {
    for (int tries = 0; tries < kReloads; ++tries) {
        const TimePoint now = parts_.clock.now();
        auto stepped = parts_.machine(run.operation, {now, change}, options_.policy);
        if (!stepped) {
            log::warning("ops", "a transition was refused",
                         {{"operation", run.operation.id.str()}, {"why", stepped.error().why}});
            co_return false;
        }
        if (!stepped->persist) {
            run.operation = std::move(stepped->operation);
            std::vector<EventDraft> none;
            run.next_call = apply_effects(std::move(stepped->effects), now, run.resource, none).call;
            co_return true;
        }
        const Recorded recorded = co_await record(run, std::move(*stepped), now);
        switch (recorded) {
            case Recorded::written: co_return true;
            case Recorded::lost: co_return false;
            case Recorded::exhausted: change = operation_event::Exhausted{"no free number is left"}; break;
            // Somebody else wrote meanwhile, or nobody knows what was written: what the answer meant for the old
            // record may not hold for the new one. Observing again always does.
            case Recorded::reloaded:
                run.reloaded = true;
                if (const auto* answered = std::get_if<operation_event::Answered>(&change)) {
                    change = operation_event::Began{false, !is_sight(*answered)};
                }
                break;
        }
    }
    log::error("ops", "an operation kept changing", {{"operation", run.operation.id.str()}});
    co_return false;
}

// The commit of a transition; nothing where the resource does not allow it.
std::optional<Commit> Engine::commit_of(Run& run, OperationStepped stepped, TimePoint now) {
    Commit commit;
    Resource resource = run.resource;
    Applied applied = apply_effects(std::move(stepped.effects), now, resource, commit.events);
    if (applied.refused) {
        log::warning("ops", "a resource refused a change",
                     {{"operation", run.operation.id.str()}, {"why", applied.refused->why}});
        return std::nullopt;
    }
    for (const std::string& key : applied.reallocate) {
        const Provider* provider = parts_.calls.registry().find(resource.provider);
        if (provider == nullptr) continue;
        for (const AllocationRange& range : provider->ranges(resource.kind, resource.engine)) {
            if (range.key == key)
                commit.allocations.push_back(replacement(range, resource.id, now + options_.rest));
        }
    }
    attribute(commit.events, run.operation);
    const OperationId id = run.operation.id;
    const ResourceId resource_id = run.resource.id;
    if (applied.resource_changed || !commit.allocations.empty()) {
        commit.writes.emplace_back(write::PutResource{std::move(resource)});
    }
    commit.writes.emplace_back(write::PutOperation{std::move(stepped.operation), run.operation.fence});
    if (applied.release_follower) commit.writes.emplace_back(write::Unblock{id});
    if (applied.release_allocations) {
        commit.writes.emplace_back(write::ReleaseAllocations{resource_id, now + options_.rest});
    }
    run.next_call = applied.call;
    return commit;
}

Task<Engine::Recorded> Engine::record(Run& run, OperationStepped stepped, TimePoint now) {
    auto commit = commit_of(run, std::move(stepped), now);
    if (!commit) co_return co_await reload(run);
    auto answer = co_await parts_.store.commit(std::move(*commit));
    if (!answer) {
        log::error("ops", "recording failed",
                   {{"operation", run.operation.id.str()}, {"error", answer.error().message}});
        co_await parts_.scheduler.sleep(kStoreDelay);
        co_return co_await reload(run);
    }
    if (auto* committed = std::get_if<Committed>(&*answer)) {
        run.operation = std::move(committed->operations.at(0));
        if (!committed->resources.empty()) run.resource = std::move(committed->resources[0]);
        co_return Recorded::written;
    }
    const Obstacle obstacle = std::get<Rejected>(*answer).obstacle;
    if (obstacle == Obstacle::range_exhausted) co_return Recorded::exhausted;
    co_return co_await reload(run);
}

// Reads both records again. Lost: another worker has the lease, or the operation has ended.
Task<Engine::Recorded> Engine::reload(Run& run) {
    run.next_call.reset();
    for (int tries = 0; tries < kStoreTries; ++tries) {
        auto operation = co_await parts_.store.operation(run.operation.id);
        auto resource = co_await parts_.store.resource(run.resource.id);
        if (!operation || !resource) {
            co_await parts_.scheduler.sleep(kStoreDelay);
            continue;
        }
        if (!*operation || !*resource) co_return Recorded::lost;
        if ((*operation)->fence != run.operation.fence) {
            counters_.superseded += 1;
            if (parts_.observer != nullptr) parts_.observer->on_superseded(run.operation);
            log::warning("ops", "superseded: another worker has the lease; this one's write was refused",
                         {{"operation", run.operation.id.str()}});
            co_return Recorded::lost;
        }
        run.operation = std::move(**operation);
        run.resource = std::move(**resource);
        if (!std::holds_alternative<operation_state::Running>(run.operation.state)) co_return Recorded::lost;
        co_return Recorded::reloaded;
    }
    co_return Recorded::lost;
}

}  // namespace slipway
