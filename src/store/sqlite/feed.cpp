// The feed of events. What filters look at are columns, so that a body is read only where it is wanted.
#include <algorithm>

#include "store/codec.h"
#include "store/rows.h"
#include "store/sqlite/queries.h"

namespace slipway::sqlite {
namespace {

// The resource whose events are looked at; none: everybody's. An operation's events are its resource's as well.
std::optional<std::string> resource_of(Database& database, const EventFilter& filter) {
    if (filter.resource) return filter.resource->str();
    if (!filter.operation) return std::nullopt;
    Cursor row = database.statement("SELECT resource FROM operations WHERE id = ?1").run(filter.operation->str());
    return row.next() ? std::optional(row.string(0)) : std::nullopt;
}

}  // namespace

Result<EventPage> read_events(Database& database, const EventFilter& filter, std::uint64_t after,
                              std::uint32_t limit) {
    limit = store::page_limit(limit);
    // Read first: whatever has a number up to it is seen below, and so nothing that is passed over comes later.
    const auto last = read_last_event(database);
    // Sequences are signed in the database.
    const std::uint64_t from = std::min<std::uint64_t>(after, INT64_MAX);
    const std::uint32_t rows = store::kMaxEventsLookedAt + 1;
    const auto resource = resource_of(database, filter);
    Cursor row = resource ? database
                                .statement(
                                    "SELECT sequence, resource, operation, organization, type, body FROM events "
                                    "WHERE resource = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3")
                                .run(*resource, from, rows)
                          : database
                                .statement(
                                    "SELECT sequence, resource, operation, organization, type, body FROM events "
                                    "WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")
                                .run(from, rows);
    EventPage page;
    page.scanned = after;
    for (std::uint32_t looked_at = 0; row.next(); ++looked_at) {
        if (page.items.size() == limit || looked_at == store::kMaxEventsLookedAt) {
            page.more = true;
            return page;
        }
        page.scanned = row.natural(0);
        if (!store::matches(filter, {row.text(1), row.text(2), row.text(3), row.text(4)})) continue;
        auto event = store::decode_event(row.text(5), row.natural(0));
        if (!event) return fail(event.error());
        page.items.push_back(std::move(*event));
    }
    page.scanned = std::max(page.scanned, *last);
    return page;
}

Result<std::uint64_t> read_last_event(Database& database) {
    Cursor row = database.statement("SELECT max(sequence) FROM events").run();
    return row.next() ? row.natural(0) : 0;
}

}  // namespace slipway::sqlite
