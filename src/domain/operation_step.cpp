#include "domain/operation_step.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "domain/operation_answer.h"
#include "domain/overloaded.h"
#include "domain/words.h"

namespace slipway {
namespace {

using namespace operation_state;
namespace ev = operation_event;
using Next = std::expected<OperationStepped, Refusal>;

std::unexpected<Refusal> refuse(const Operation& operation, std::string_view what) {
    return std::unexpected(Refusal{fmt::format("{} {} is {}: {}", to_string(operation.kind), operation.id.str(),
                                               state_name(operation.state), what)});
}

bool due(const Operation& operation, TimePoint now) {
    return std::visit(Overloaded{
                          [&](const Queued&) { return operation.blocked_by.empty() && operation.run_at <= now; },
                          [&](const Running& in) { return in.until <= now; },
                          [&](const Waiting& in) { return in.until <= now; },
                          [&](const Retrying& in) { return in.until <= now; },
                          [](const Succeeded&) { return false; },
                          [](const Failed&) { return false; },
                          [](const Cancelled&) { return false; },
                      },
                      operation.state);
}

// A step that has a lasting effect gets its intent written by the lease itself, which saves a commit.
bool intend(Operation& operation, TimePoint now) {
    if (operation.direction != Direction::forward || operation.cancel_requested || now > operation.deadline ||
        operation.cursor >= operation.steps.size()) {
        return false;
    }
    Step& step = operation.steps[operation.cursor];
    if (step.status != StepStatus::pending || step.kind == StepKind::verify) return false;
    step.status = StepStatus::intended;
    return true;
}

// Time in which nobody worked on it, though it was due, does not count: a queue, a broker that was down or a clock
// that was set forward must not make an accepted request fail.
void forgive_delay(Operation& operation, TimePoint now) {
    if (now > operation.run_at) operation.deadline += now - operation.run_at;
}

Next on(const Operation& in, TimePoint at, const ev::Leased& event, const RetryPolicy&) {
    if (is_terminal(in.state)) return refuse(in, "there is nothing left to do");
    if (!due(in, at)) return refuse(in, "it is not due, or another worker holds its lease");
    OperationStepped next{in, {}, true};
    forgive_delay(next.operation, at);
    next.operation.state = Running{event.token, event.until};
    next.operation.run_at = event.until;
    next.operation.fence += 1;
    next.operation.leases += 1;
    next.operation.updated_at = at;
    intend(next.operation, at);
    return next;
}

Next on(const Operation& in, TimePoint at, const ev::Began& event, const RetryPolicy& policy) {
    if (!std::holds_alternative<Running>(in.state)) return refuse(in, "nobody holds its lease");
    return OperationAnswers(in, at, policy).begin(event.fresh, event.unseen);
}

Next on(const Operation& in, TimePoint at, const ev::Answered& event, const RetryPolicy& policy) {
    if (!std::holds_alternative<Running>(in.state)) return refuse(in, "nobody holds its lease");
    OperationAnswers answers(in, at, policy);
    if (event.answer) return answers.observed(event.verb, *event.answer);
    return answers.failed(event.verb, event.answer.error(), event.jitter);
}

Next on(const Operation& in, TimePoint at, const ev::Renewed& event, const RetryPolicy&) {
    const auto* running = std::get_if<Running>(&in.state);
    if (running == nullptr) return refuse(in, "nobody holds its lease");
    OperationStepped next{in, {}, true};
    next.operation.state = Running{running->token, event.until};
    next.operation.run_at = event.until;
    next.operation.updated_at = at;
    return next;
}

Next on(const Operation& in, TimePoint at, const ev::Parked&, const RetryPolicy&) {
    if (!std::holds_alternative<Running>(in.state)) return refuse(in, "nobody holds its lease");
    OperationStepped next{in, {}, true};
    next.operation.state = Queued{};
    next.operation.run_at = at;
    next.operation.updated_at = at;
    return next;
}

Next on(const Operation& in, TimePoint at, const ev::Exhausted& event, const RetryPolicy& policy) {
    if (!std::holds_alternative<Running>(in.state)) return refuse(in, "nobody holds its lease");
    return OperationAnswers(in, at, policy).give_up(event.what);
}

bool untouched(const Operation& operation) {
    return std::ranges::all_of(operation.steps,
                               [](const Step& step) { return step.status == StepStatus::pending; });
}

Next on(const Operation& in, TimePoint at, const ev::CancelRequested& event, const RetryPolicy& policy) {
    if (is_terminal(in.state)) return refuse(in, "it has ended");
    if (in.kind == OperationKind::deprovision) return refuse(in, "a deletion cannot be cancelled");
    OperationStepped next{in, {}, true};
    Operation& operation = next.operation;
    operation.cancel_requested = true;
    operation.cancel_reason = event.reason;
    operation.updated_at = at;
    if (std::holds_alternative<Running>(in.state)) return next;  // its worker turns round at its next commit
    // A claim has something to undo from the start: what was claimed.
    if (untouched(in) && in.kind != OperationKind::claim)
        return OperationAnswers(operation, at, policy).cancel_untouched();
    operation.state = Queued{};
    operation.run_at = at;
    return next;
}

}  // namespace

std::expected<OperationStepped, Refusal> step(const Operation& operation, const OperationEvent& event,
                                              const RetryPolicy& policy) {
    return std::visit([&](const auto& change) { return on(operation, event.at, change, policy); }, event.change);
}

Duration backoff(const RetryPolicy& policy, std::uint32_t attempt, double jitter) {
    const double ceiling =
        std::min(static_cast<double>(policy.max_delay.count()),
                 static_cast<double>(policy.first_delay.count()) * std::exp2(std::min<std::uint32_t>(attempt, 40)));
    return Duration(static_cast<Duration::rep>(ceiling * jitter));
}

Operation due_now(Operation operation, TimePoint now) {
    std::visit(Overloaded{
                   [](const Queued&) {},
                   [&](Running& in) { in.until = now; },
                   [&](Waiting& in) { in.until = now; },
                   [&](Retrying& in) { in.until = now; },
                   [](const Succeeded&) {},
                   [](const Failed&) {},
                   [](const Cancelled&) {},
               },
               operation.state);
    if (is_terminal(operation.state)) return operation;
    forgive_delay(operation, now);
    operation.run_at = now;
    return operation;
}

std::expected<LeaseOutcome, Refusal> lease(const Operation& operation, const Resource& resource,
                                           const LeaseToken& token, TimePoint now, Duration duration,
                                           const RetryPolicy& policy) {
    const bool takeover = std::holds_alternative<Running>(operation.state);
    auto stepped = step(operation, {now, ev::Leased{token, now + duration}}, policy);
    if (!stepped) return std::unexpected(stepped.error());
    LeaseOutcome outcome{std::move(stepped->operation), resource, false, false, takeover, {}};
    const auto before =
        operation.cursor < operation.steps.size() ? operation.steps[operation.cursor].status : StepStatus::pending;
    const auto after = operation.cursor < operation.steps.size() ? outcome.operation.steps[operation.cursor].status
                                                                 : StepStatus::pending;
    outcome.fresh = before == StepStatus::pending && after == StepStatus::intended;
    if (operation.kind == OperationKind::provision &&
        std::holds_alternative<resource_state::Requested>(resource.state)) {
        auto started = step(resource, {now, resource_event::Started{operation.id}});
        if (!started) return std::unexpected(started.error());
        outcome.resource = std::move(started->resource);
        outcome.resource_changed = true;
    }
    if (takeover || operation.leases == 0) {
        EventDraft event = draft_event(outcome.operation, now);
        event.type = takeover ? "operation.taken_over" : "operation.started";
        event.message = takeover ? "the worker that had it did not finish in time; another one goes on"
                                 : fmt::format("{} has begun", noun_of(operation.kind));
        outcome.events.push_back(std::move(event));
    }
    return outcome;
}

}  // namespace slipway
