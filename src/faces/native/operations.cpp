#include <array>

#include "faces/native/handlers.h"
#include "faces/native/shapes.h"
#include "faces/query.h"
#include "faces/request_body.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::array<std::string_view, 7> kStates = {"queued",    "running", "waiting",  "retrying",
                                                     "succeeded", "failed",  "cancelled"};
constexpr std::array<std::string_view, 5> kKinds = {"provision", "deprovision", "update", "repair", "claim"};
constexpr std::int64_t kMostOffset = 1LL << 53;
constexpr std::size_t kLogPart = 256UL * 1024;                   // bytes of one answer
constexpr Duration kLookAtLog = std::chrono::milliseconds(250);  // while somebody waits for more of it

}  // namespace

Task<Response> NativeFace::list_operations(Request& request) const {
    QueryReader query(request);
    OperationFilter filter;
    filter.organization = take_organization(query);
    if (const auto resource = query.text("resource")) filter.resource = ResourceId(*resource);
    filter.state = query.one_of("state", kStates);
    if (const auto kind = query.one_of("kind", kKinds)) filter.kind = parse_operation_kind(*kind);
    filter.only_open = query.boolean("open").value_or(false);
    PageRequest page = query.page();
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    std::optional<Kind> kind;
    if (filter.resource) {  // by name too
        const auto resource = co_await broker().find_named(call_of(request), filter.resource->str());
        if (!resource) co_return error(request, resource.error());
        filter.resource = resource->id;
        kind = resource->kind;
    }
    const auto found = co_await broker().list_operations(call_of(request), std::move(filter), std::move(page));
    if (!found) co_return error(request, found.error());
    json::array operations;
    for (const Operation& operation : found->items) operations.push_back(operation_json(operation, kind));
    co_return Response::json(200, page_json("operations", std::move(operations), found->next));
}

Task<Response> NativeFace::show_operation(Request& request) const {
    QueryReader query(request);
    const Duration wait = take_wait(query, "wait", longest_wait());
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    const OperationId id{std::string(request.param("id"))};
    auto found = co_await broker().find_operation(call_of(request), id);
    if (!found) co_return error(request, found.error());
    const std::optional<Kind> kind = found->resource ? std::optional(found->resource->kind) : std::nullopt;
    const auto operation = co_await wait_for(std::move(found->operation), wait);
    if (!operation) co_return error(request, operation.error());
    co_return Response::json(200, operation_json(*operation, kind));
}

Task<Response> NativeFace::cancel_operation(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    auto body = read_strict_body(request.body, http::EmptyBody::is_empty_object);
    if (!body) co_return error(request, body.error());
    std::string reason = body->optional_string("reason", {.min_length = 1, .max_length = 255})
                             .value_or("it was cancelled on request");
    if (const Status good = finish_strictly(*body, {"reason"}); !good) co_return error(request, good.error());
    const OperationId id{std::string(request.param("id"))};
    const auto cancelled = co_await broker().cancel(call_of(request), id, std::move(reason));
    if (!cancelled) co_return error(request, cancelled.error());
    const int status = is_terminal(cancelled->state) ? 200 : 202;
    co_return Response::json(status, operation_json(*cancelled, std::nullopt))
        .with("Location", "/api/v1/operations/" + cancelled->id.str());
}

// Whole lines from an offset on. While there are none yet and the operation goes on, it is waited for as long as
// asked.
Task<Response> NativeFace::operation_log(Request& request) const {
    QueryReader query(request);
    const auto offset = static_cast<std::uint64_t>(query.integer("offset", 0, kMostOffset).value_or(0));
    const Duration wait = take_wait(query, "wait", longest_wait());
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (ports_.logs == nullptr) co_return not_here("the log of operations");
    const OperationId id{std::string(request.param("id"))};
    const auto found = co_await broker().find_operation(call_of(request), id);
    if (!found) co_return error(request, found.error());
    bool ended = is_terminal(found->operation.state);
    const TimePoint until = broker().now() + wait;
    for (;;) {
        // Its end is seen before its log is read: whoever is told of the end has been told everything.
        auto part = ports_.logs->read(id, offset, kLogPart);
        if (!part) co_return error(request, part.error());
        const Duration left = until - broker().now();
        if (!part->text.empty() || ended || left <= Duration::zero()) {
            co_return Response::text(200, std::move(part->text))
                .with("Slipway-Log-Next", std::to_string(part->next))
                .with("Slipway-Log-Ended", ended ? "true" : "false")
                .with("Cache-Control", "no-store");
        }
        const auto now = co_await broker().wait(id, std::min(left, kLookAtLog));
        if (!now) co_return error(request, now.error());
        ended = is_terminal(now->state);
    }
}

}  // namespace slipway::faces
