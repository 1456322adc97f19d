// Events: the timeline of one resource, pages of the feed, and the feed as a stream.
#include <charconv>

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "http/sse.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::uint32_t kAtOnce = 100;                   // events of one write
constexpr Duration kSilence = std::chrono::seconds(15);  // after that a sign of life is sent
// How often a stream looks whether its key still holds.
constexpr Duration kTrust = std::chrono::seconds(15);
// How long a stream sleeps at most before it looks whether the server stops.
constexpr Duration kLook = std::chrono::seconds(1);
// What comes closer together than this is sent together, so that a busy feed costs each stream little.
constexpr Duration kBreath = std::chrono::milliseconds(20);
constexpr std::string_view kNow = "now";
constexpr std::string_view kStreamType = "text/event-stream";

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    return whole && value <= kMost ? std::optional(value) : std::nullopt;
}

// What a request for the feed asks for. `after` is nothing where it means "from now on".
struct FeedRequest {
    EventFilter filter;
    std::optional<std::string> resource;  // a name or an id
    std::optional<std::uint64_t> after = 0;
    std::uint32_t limit = kAtOnce;
    Duration wait{};
    bool stream = false;
};

bool wants_stream(const Request& request) {
    const auto accept = request.headers.get("accept");
    return accept && accept->find(kStreamType) != std::string_view::npos;
}

Result<FeedRequest> read_feed(const Request& request, Duration longest_wait) {
    QueryReader query(request);
    FeedRequest read;
    read.filter.organization = take_organization(query);
    read.resource = query.text("resource");
    if (auto operation = query.text("operation")) read.filter.operation = OperationId(std::move(*operation));
    read.filter.types = query.texts("type", 64);
    read.limit = static_cast<std::uint32_t>(query.integer("limit", 1, 1'000).value_or(kAtOnce));
    read.wait = take_wait(query, "wait", longest_wait);
    read.stream = query.boolean("stream").value_or(wants_stream(request));
    const std::string after = query.text("after").value_or("0");
    read.after = number(after);
    if (!read.after && after != kNow) query.problem("after", "must be an event's number, or \"now\"");
    // A stream that is taken up again says where it was, in its own way, which wins over its first request's.
    if (const auto last = request.headers.get("last-event-id")) {
        read.after = number(*last);
        if (!read.after) query.problem("Last-Event-ID", "must be an event's number");
    }
    if (const Status good = query.finish(); !good) return fail(good.error());
    return read;
}

}  // namespace

// One of the open streams, counted for as long as it lives.
struct NativeFace::Stream {
    explicit Stream(std::atomic<std::size_t>& counter) : count(counter), number(counter.fetch_add(1) + 1) {}
    ~Stream() { count.fetch_sub(1); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    std::atomic<std::size_t>& count;
    std::size_t number;
};

Task<Response> NativeFace::timeline(Request& request) const {
    QueryReader query(request);
    const auto after = query.integer("after", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
    const auto limit = query.integer("limit", 1, 1'000).value_or(kAtOnce);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    const auto events = co_await broker().timeline(call_of(request), found->id, static_cast<std::uint64_t>(after),
                                                   static_cast<std::uint32_t>(limit));
    if (!events) co_return error(request, events.error());
    json::array items;
    for (const Event& event : *events) items.push_back(event_json(event));
    // A full page may be the last one: the next, empty one tells.
    const bool full = std::ssize(*events) == limit;
    const std::string next = full ? std::to_string(events->back().sequence) : std::string();
    co_return Response::json(200, page_json("events", std::move(items), next));
}

// A page, waited for where there is nothing yet.
Task<Result<EventPage>> NativeFace::next_events(const CallContext& call, const EventFilter& filter,
                                                std::uint64_t after, std::uint32_t limit, Duration wait) const {
    const TimePoint deadline = broker().now() + wait;
    for (;;) {
        auto page = co_await broker().events(call, filter, after, limit);
        if (!page || !page->items.empty()) co_return page;
        const Duration left = deadline - broker().now();
        if (left <= Duration::zero()) co_return page;
        after = page->scanned;
        if (page->more) continue;
        if (Status waited = co_await broker().wait_for_event(after, left); !waited) co_return fail(waited.error());
    }
}

Task<Response> NativeFace::events(Request& request) const {
    auto read = read_feed(request, longest_wait());
    if (!read) co_return error(request, read.error());
    const CallContext& call = call_of(request);
    if (read->resource) {
        const auto resource = co_await broker().find_named(call, *read->resource);
        if (!resource) co_return error(request, resource.error());
        read->filter.resource = resource->id;
    }
    if (!read->after) {
        const auto last = co_await broker().last_event();
        if (!last) co_return error(request, last.error());
        read->after = *last;
    }
    if (read->stream) {
        // Whether it may be asked for at all is told before the stream begins.
        const auto allowed = co_await broker().events(call, read->filter, *read->after, 1);
        if (!allowed) co_return error(request, allowed.error());
        auto place = std::make_shared<Stream>(streams_);
        if (place->number > context_.options.max_streams) {
            co_return error(request, Error{ErrorCode::exhausted, "too many streams of events are open", {}, {}});
        }
        co_return Response::stream(std::string(http::kEventStream), [this, place, call,
                                                                     filter = std::move(read->filter),
                                                                     after = *read->after](http::Writer& writer) {
            return send_events(writer, call, filter, after);
        }).with("Cache-Control", "no-store");
    }
    const auto page = co_await next_events(call, read->filter, *read->after, read->limit, read->wait);
    if (!page) co_return error(request, page.error());
    json::array items;
    for (const Event& event : page->items) items.push_back(event_json(event));
    const std::string cursor = std::to_string(page->scanned);
    json::object out = page_json("events", std::move(items), page->more ? cursor : "");
    out["cursor"] = cursor;
    co_return Response::json(200, out);
}

// Until the client leaves, its key is over or the server stops. A failure cuts the connection: the client takes the
// stream up again where it was.
Task<Status> NativeFace::send_events(http::Writer& writer, CallContext call, EventFilter filter,
                                     std::uint64_t after) const {
    TimePoint heard = broker().now();
    TimePoint trusted = heard;
    if (Status sent = co_await writer.write(http::kHeartbeat); !sent) co_return sent;
    while (!writer.stopping()) {
        const auto page = co_await broker().events(call, filter, after, kAtOnce);
        if (!page) co_return fail(page.error());
        after = page->scanned;
        std::string text;
        for (const Event& event : page->items) {
            text += http::sse_event(event.body.type, std::to_string(event.sequence), json::dump(event_json(event)));
        }
        const TimePoint now = broker().now();
        if (now - trusted >= kTrust) {
            const auto valid = co_await broker().still_valid(call.caller);
            if (!valid) co_return fail(valid.error());
            if (!*valid) co_return Status();
            trusted = now;
        }
        if (text.empty() && now - heard >= kSilence) text = http::kHeartbeat;
        if (!text.empty()) {
            if (Status sent = co_await writer.write(text); !sent) co_return sent;
            heard = broker().now();
        }
        if (page->more) continue;
        if (Status waited = co_await broker().wait_for_event(after, kLook); !waited) co_return waited;
        if (!co_await writer.pause(kBreath)) break;
    }
    co_return Status();
}

}  // namespace slipway::faces
