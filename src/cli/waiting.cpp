#include "cli/waiting.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output.h"

namespace slipway::cli {
namespace {

constexpr std::chrono::seconds kLongPoll(20);  // where nobody looks
constexpr std::chrono::seconds kLook(2);       // where progress is shown
constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr Duration kMaxAway = std::chrono::minutes(1);  // of a server that answered before

// What was asked for goes on without whoever asked.
Failure left_alone(const std::string& id, const std::optional<json::object>& seen) {
    const std::string on = fmt::format("`slipway wait {}` waits on", printable(id));
    const bool removal = seen && json::get_string(*seen, "kind") == "deprovision";
    return {Exit::interrupted, fmt::format("interrupted; the request is kept, and {} goes on", printable(id)),
            removal ? on : fmt::format("{}; `slipway cancel {}` stops and undoes it", on, printable(id))};
}

Failure out_of_time(const std::string& id, const json::object& operation) {
    return {Exit::timeout, fmt::format("{} is still under way: {}", printable(id), sentence_of(operation)),
            fmt::format("go on waiting with `slipway wait {}`", printable(id))};
}

}  // namespace

ProgressLine::ProgressLine(Environment& environment, std::string label, bool quiet)
    : environment_(environment), label_(std::move(label)), quiet_(quiet), begun_(environment.now()) {
    if (environment_.err_terminal.width > 0) environment_.tick = [this] { draw(); };
}

ProgressLine::~ProgressLine() {
    if (environment_.err_terminal.width == 0) return;
    environment_.tick = {};
    if (!text_.empty()) environment_.err << "\r\033[K" << std::flush;
}

void ProgressLine::show(const std::string& text) {
    if (quiet_) return;
    const bool changed = std::exchange(text_, text) != text;
    if (environment_.err_terminal.width > 0) {
        draw();
    } else if (changed) {
        environment_.err << label_ << ": " << text_ << std::endl;
    }
}

// The last column stays free: a terminal that wraps there would not wipe the line before.
void ProgressLine::draw() {
    if (text_.empty()) return;
    const std::string elapsed = fmt::format(" ({})", brief(environment_.now() - begun_));
    const std::size_t room = environment_.err_terminal.width - 1;
    const std::string line = clip(label_ + ": " + text_, room - std::min(room, elapsed.size()));
    environment_.err << "\r\033[K" << clip(line + elapsed, room) << std::flush;
}

bool has_ended(const json::object& operation) {
    const std::string state = json::get_string(operation, "state");
    return state == "succeeded" || state == "failed" || state == "cancelled";
}

std::string sentence_of(const json::object& operation) {
    const json::object& progress = object_in(operation, "progress");
    if (progress.empty()) return cell(operation, "state");
    const std::int64_t total = json::get_int(progress, "total");
    std::string sentence = cell(progress, "sentence");
    if (has_ended(operation) || total == 0) return sentence;
    const std::int64_t step = std::min(json::get_int(progress, "done") + 1, total);
    if (json::get_bool(operation, "undoing")) return "undoing: " + sentence;
    return fmt::format("step {} of {}: {}", step, total, sentence);
}

Outcome<json::object> await_operation(Api& api, const std::string& id, const WaitOptions& options,
                                      const std::string& label) {
    Environment& environment = api.environment();
    const TimePoint end = environment.now() + std::chrono::seconds(options.timeout);
    std::optional<TimePoint> last_reached;
    std::optional<json::object> seen;
    ProgressLine line(environment, label, options.quiet);
    for (;;) {
        const Duration left = end - environment.now();
        const auto wait = std::clamp(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds(0),
                                     options.quiet ? kLongPoll : kLook);
        // The first look does not wait, so that there is something to show.
        const auto poll = seen || options.quiet ? wait : std::chrono::seconds(0);
        auto operation = api.get(fmt::format("{}?wait={}", api_path({"operations", id}), poll.count()), poll);
        if (operation && has_ended(*operation)) return operation;
        if (environment.interrupted()) return std::unexpected(left_alone(id, seen));
        // A server that starts anew takes up all its work again: it is worth asking once more.
        const bool away = !operation && operation.error().exit == Exit::unreachable;
        if (!operation && !away) return operation;
        if (operation) {
            last_reached = environment.now();
            seen = *operation;
        }
        if (away && (!last_reached || environment.now() - *last_reached > kMaxAway)) return operation;
        if (left <= Duration(0)) {
            if (!operation) return operation;
            return std::unexpected(out_of_time(id, *operation));
        }
        line.show(away ? "the server does not answer; trying again" : sentence_of(*operation));
        if (away) environment.pause(kRetry);
    }
}

}  // namespace slipway::cli
