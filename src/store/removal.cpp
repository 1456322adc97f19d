#include "store/removal.h"

#include <fmt/format.h>

#include "domain/resource_step.h"
#include "domain/stepping.h"
#include "store/placing.h"

namespace slipway {
namespace {

constexpr std::string_view kHalted = "it was deleted while this was under way";

// A server goes only while nothing is placed on it, and is the current one no longer.
Task<Status> give_up_host(Store& store, const Resource& host, Commit& commit) {
    if (host.kind != Kind::database_server) co_return Status();
    commit.preconditions.emplace_back(precondition::NothingPlaced{host.id});
    const auto hosts = co_await read_hosts(store, host.kind, host.engine);
    if (!hosts) co_return fail(hosts.error());
    if (hosts->book.current != host.id) co_return Status();
    HostBook book = hosts->book;
    book.current = {};
    for (const HostLoad& load : hosts->loads) {
        if (load.host != host.id) book.current = load.host;  // the youngest that remains
    }
    commit.preconditions.emplace_back(precondition::SettingIs{hosts->key, hosts->setting});
    commit.writes.emplace_back(write::PutSetting{hosts->key, text_of(book)});
    co_return Status();
}

// The operation on it stops and undoes itself; the removal waits for that.
Task<Status> halt(Store& store, const OperationId& id, TimePoint now, Resource& next, Operation& removal,
                  Commit& commit) {
    auto active = co_await store.operation(id);
    if (!active) co_return fail(active.error());
    if (!*active || is_terminal((*active)->state)) co_return Status();
    auto halted = step(**active, {now, operation_event::CancelRequested{std::string(kHalted)}}, RetryPolicy{});
    if (!halted) co_return fail(ErrorCode::conflict, halted.error().why);
    if (!is_terminal(halted->operation.state)) removal.blocked_by = (*active)->id;
    apply_effects(std::move(halted->effects), now, next, commit.events);
    attribute(commit.events, **active);
    commit.writes.emplace_back(write::PutOperation{std::move(halted->operation), std::nullopt});
    co_return Status();
}

}  // namespace

Task<Result<Commit>> removal_of(Store& store, Random& random, Resource resource, RemovalRequest request) {
    Operation removal = draft_operation(OperationKind::deprovision, resource, request.cause, request.now,
                                        request.time_limit, random);
    auto stepped = step(resource, {request.now, resource_event::DeleteRequested{removal.id}});
    if (!stepped) co_return fail(ErrorCode::conflict, stepped.error().why);
    Commit commit;
    Resource next = std::move(stepped->resource);
    for (const ResourceEffect& effect : stepped->effects) {
        const auto* cancel = std::get_if<resource_effect::CancelOperation>(&effect);
        if (cancel == nullptr) continue;
        const Status halted = co_await halt(store, cancel->operation, request.now, next, removal, commit);
        if (!halted) co_return fail(halted.error());
    }
    EventDraft event = draft_event(next, request.cause, request.now, "resource.delete_requested",
                                   fmt::format("the removal of {} was requested{}{}", next.name,
                                               request.why.empty() ? "" : ": ", request.why));
    event.operation = removal.id;
    commit.events.push_back(std::move(event));
    if (Status given_up = co_await give_up_host(store, resource, commit); !given_up) {
        co_return fail(given_up.error());
    }
    commit.writes.emplace_back(write::PutResource{std::move(next)});
    commit.writes.emplace_back(write::PutOperation{std::move(removal), std::nullopt});
    co_return commit;
}

}  // namespace slipway
