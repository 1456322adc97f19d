// The console of a machine: what it printed, and typing at it.
#include "faces/native/handlers.h"
#include "faces/query.h"

namespace slipway::faces {

using http::Request;
using http::Response;

namespace {

constexpr std::size_t kLongestPlace = 36;

ConsoleFrom take_from(QueryReader& query) {
    ConsoleFrom from;
    const auto tail = query.integer("tail", 0, static_cast<std::int64_t>(kMostConsoleTail));
    if (tail) from.tail = static_cast<std::uint64_t>(*tail);
    if (auto after = query.text("after", kLongestPlace)) {
        if (!valid_console_place(*after)) query.problem("after", "must be what Slipway-Console-Next said");
        if (tail) query.problem("tail", "is of those who begin at the end: it excludes after");
        from.after = std::move(*after);
    }
    return from;
}

}  // namespace

Task<Response> NativeFace::read_console(Request& request) const {
    QueryReader query(request);
    ConsoleFrom from = take_from(query);
    const Duration wait = take_wait(query, "wait", longest_wait());
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (ports_.consoles == nullptr) co_return not_here("consoles");
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    auto output = co_await ports_.consoles->read(call_of(request), found->id, std::move(from), wait);
    if (!output) co_return error(request, output.error());
    co_return Response{200, "application/octet-stream", std::move(output->bytes), {}}
        .with("Slipway-Console-Next", std::move(output->next))
        .with("Slipway-Console-Lost", output->lost ? "true" : "false")
        .with("Cache-Control", "no-store");
}

// The body is what is typed, whatever it is: a password, often.
Task<Response> NativeFace::type_at_console(Request& request) const {
    QueryReader query(request);
    if (const Status good = query.finish(); !good) co_return error(request, good.error());
    if (ports_.consoles == nullptr) co_return not_here("consoles");
    const auto found = co_await broker().find_named(call_of(request), std::string(request.param("name")));
    if (!found) co_return error(request, found.error());
    Secret input(std::move(request.body));
    const Status typed = co_await ports_.consoles->type(call_of(request), found->id, std::move(input));
    if (!typed) co_return error(request, typed.error());
    co_return Response::empty(204);
}

}  // namespace slipway::faces
