// The feed of events: pages by number, and waiting for the next one.
#include "broker/access.h"
#include "broker/broker.h"

namespace slipway {
namespace {

const OperationId& feed_key() {  // all who wait for events wait for the same thing
    static const OperationId key("events");
    return key;
}

}  // namespace

void Broker::on_commit(const CommitNotice& notice) {
    waiters_.notify(notice.operations);
    if (notice.last_event != 0) feed_.notify({feed_key()});
}

void Broker::tick() {
    const TimePoint now = parts_.clock.now();
    waiters_.tick(now);
    feed_.tick(now);
}

void Broker::abandon_waits() {
    waiters_.abandon();
    feed_.abandon();
}

Task<Result<std::vector<Event>>> Broker::timeline(CallContext context, ResourceId id, std::uint64_t after,
                                                  std::uint32_t limit) {
    const auto resource = co_await find(std::move(context), id);
    if (!resource) co_return fail(resource.error());
    EventFilter filter;
    filter.resource = id;
    std::vector<Event> found;
    // A page's work is bounded, found or not: go on until this one is full or nothing is left.
    for (;;) {
        auto page = co_await parts_.store.events(filter, after, limit - static_cast<std::uint32_t>(found.size()));
        if (!page) co_return fail(page.error());
        std::ranges::move(page->items, std::back_inserter(found));
        after = page->scanned;
        if (!page->more || found.size() >= limit) co_return found;
    }
}

Task<Result<EventPage>> Broker::events(CallContext context, EventFilter filter, std::uint64_t after,
                                       std::uint32_t limit) {
    auto scope = scope_for(context.caller, std::move(filter.organization));
    if (!scope) co_return fail(scope.error());
    filter.organization = std::move(*scope);
    co_return co_await parts_.store.events(std::move(filter), after, limit);
}

Task<Result<std::uint64_t>> Broker::last_event() { co_return co_await parts_.store.last_event(); }

Task<Status> Broker::wait_for_event(std::uint64_t after, Duration limit) {
    if (feed_.size() >= options_.max_feed_waits) {
        co_return fail(ErrorCode::exhausted, "too many wait for events at once; try again later");
    }
    const TimePoint deadline = parts_.clock.now() + limit;
    const auto ticket = feed_.enter(feed_key());
    const auto last = co_await parts_.store.last_event();
    if (!last) co_return fail(last.error());
    if (*last <= after && parts_.clock.now() < deadline) co_await ticket->changed(deadline);
    co_return Status();
}

}  // namespace slipway
