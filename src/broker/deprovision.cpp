#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "broker/access.h"
#include "broker/orders.h"
#include "domain/draft.h"
#include "domain/resource_step.h"
#include "domain/stepping.h"
#include "store/removal.h"

namespace slipway {
namespace {

// Workers change operations while callers look at them; every retry reads afresh.
constexpr int kTries = 16;

}  // namespace

// ErrorCode::conflict where resources hold a place on it.
Task<Status> Broker::serves_nothing(const Resource& host) {
    if (host.kind != Kind::database_server) co_return Status();
    const auto served = co_await served_by(host.id);
    if (!served) co_return fail(served.error());
    if (served->live == 0) co_return Status();
    std::vector<std::string> named;
    for (const Resource& each : served->first) {
        named.push_back(fmt::format("{} of {}", each.name, each.organization.str()));
    }
    const std::uint64_t more = served->live - named.size();
    co_return fail(
        ErrorCode::conflict,
        fmt::format("it serves {} database{}; delete them first: {}{}", served->live, served->live == 1 ? "" : "s",
                    fmt::join(named, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

Task<Result<Commit>> Broker::deletion(CallContext context, const Resource& resource) {
    return removal_of(parts_.store, parts_.random, resource,
                      {context.cause(), parts_.clock.now(), options_.provision_limit});
}

Task<Result<Accepted>> Broker::deprovision(CallContext context, ResourceId id) {
    for (int tries = 0; tries < kTries; ++tries) {
        auto found = co_await parts_.store.resource(id);
        if (!found) co_return fail(found.error());
        if (!*found || !may_see(context.caller, **found)) co_return no_such_resource();
        const Resource& resource = **found;
        if (!may_change(context.caller, resource)) co_return fail(only_reading());
        if (std::holds_alternative<resource_state::Gone>(resource.state)) co_return no_such_resource();
        if (const auto* under_way = std::get_if<resource_state::Deprovisioning>(&resource.state)) {
            auto operation = co_await parts_.store.operation(under_way->operation);
            if (!operation) co_return fail(operation.error());
            co_return Accepted{resource, std::move(*operation), true};
        }
        auto commit = co_await deletion(context, resource);
        if (!commit) co_return fail(commit.error());
        auto answer = co_await parts_.store.commit(std::move(*commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) {
            co_return Accepted{std::move(committed->resources.at(0)), std::move(committed->operations.back()),
                               false};
        }
        if (std::get<Rejected>(*answer).obstacle != Obstacle::place_taken) continue;
        if (Status free = co_await serves_nothing(resource); !free) co_return fail(free.error());
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Task<Result<Broker::Halt>> Broker::draft_cancel(const CallContext& context, const OperationId& id,
                                                const std::string& reason) {
    auto found = co_await find_operation(context, id);
    if (!found) co_return fail(found.error());
    Operation& operation = found->operation;
    Resource& resource = *found->resource;
    if (!may_change(context.caller, resource)) co_return fail(only_reading());
    const TimePoint now = parts_.clock.now();
    auto stepped = step(operation, {now, operation_event::CancelRequested{reason}}, RetryPolicy{});
    if (!stepped) co_return fail(ErrorCode::conflict, stepped.error().why);
    Commit commit;
    Resource next = resource;
    const Applied applied = apply_effects(std::move(stepped->effects), now, next, commit.events);
    attribute(commit.events, operation);
    if (applied.refused) co_return fail(ErrorCode::conflict, applied.refused->why);
    if (applied.resource_changed) commit.writes.emplace_back(write::PutResource{std::move(next)});
    if (applied.release_follower) commit.writes.emplace_back(write::Unblock{id});
    if (applied.release_allocations) {
        commit.writes.emplace_back(write::ReleaseAllocations{resource.id, now + options_.rest});
    }
    EventDraft event = draft_event(resource, context.cause(), now, "operation.cancel_requested",
                                   fmt::format("a cancel was requested: {}", reason));
    event.operation = id;
    commit.events.push_back(std::move(event));
    commit.writes.emplace_back(write::PutOperation{std::move(stepped->operation), std::nullopt});
    co_return Halt{std::move(commit), std::move(operation), std::move(resource)};
}

Task<Result<Operation>> Broker::cancel(CallContext context, OperationId id, std::string reason) {
    for (int tries = 0; tries < kTries; ++tries) {
        auto halt = co_await draft_cancel(context, id, reason);
        if (!halt) co_return fail(halt.error());
        auto answer = co_await parts_.store.commit(std::move(halt->commit));
        if (!answer) co_return fail(answer.error());
        if (auto* committed = std::get_if<Committed>(&*answer)) co_return std::move(committed->operations.at(0));
    }
    co_return fail(ErrorCode::conflict, "it keeps changing; try again");
}

Task<Result<Operation>> Broker::wait(OperationId id, Duration limit) {
    const TimePoint deadline = parts_.clock.now() + limit;
    const auto ticket = waiters_.enter(id);
    for (;;) {
        auto found = co_await parts_.store.operation(id);
        if (!found) co_return fail(found.error());
        if (!*found) co_return no_such_operation();
        if (is_terminal((*found)->state) || parts_.clock.now() >= deadline) co_return std::move(**found);
        co_await ticket->changed(deadline);
    }
}

}  // namespace slipway
