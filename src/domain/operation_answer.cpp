#include "domain/operation_answer.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "domain/words.h"

namespace slipway {

using namespace operation_state;
namespace fx = operation_effect;
namespace rev = resource_event;

namespace {

// How it is after an operation came to nothing.
std::string_view aftermath(OperationKind kind, bool left_behind) {
    switch (kind) {
        case OperationKind::provision:
        case OperationKind::claim: return left_behind ? "something of it may be left" : "nothing of it is left";
        case OperationKind::deprovision: return "something of it may be left";
        case OperationKind::update:
            return left_behind ? "it is not known with which settings it runs" : "it is as it was before";
        case OperationKind::repair: return "the next look at it asks for another";
    }
    return "";
}

std::string taken_by(const Observation& seen) {
    if (seen.holder.empty()) return "its name is taken by something that is not ours";
    return fmt::format(
        "its name is taken by {}, another resource of this installation: remove that first (slipway rm {})",
        seen.holder, seen.holder);
}

}  // namespace

EventDraft draft_event(const Operation& operation, TimePoint at) {
    EventDraft event;
    event.at = at;
    event.resource = operation.resource;
    event.operation = operation.id;
    event.organization = operation.organization;
    event.actor = operation.actor;
    event.request_id = operation.request_id;
    event.trace = operation.trace;
    return event;
}

// Whether the present step takes something away: a removal, or the undo of a creation.
bool OperationAnswers::removing() const {
    if (op_.direction == Direction::undo) return !reverting();
    return op_.steps[op_.cursor].kind == StepKind::remove;
}

bool OperationAnswers::reverting() const {
    return op_.direction == Direction::undo && op_.steps[op_.cursor].kind == StepKind::change;
}

bool OperationAnswers::stop_asked() const {
    return op_.direction == Direction::forward && op_.cancel_requested && op_.kind != OperationKind::deprovision;
}

OperationStepped OperationAnswers::begin(bool fresh, bool unseen) {
    if (unseen && op_.direction == Direction::forward) current().uncertain = true;
    if (op_.direction == Direction::forward) {
        if (stop_asked()) return give_up({});
        if (op_.kind != OperationKind::deprovision && at_ > op_.deadline) {
            return give_up("it was not done before its deadline");
        }
        if (op_.leases > policy_.max_leases) return give_up("it was begun too often without an end");
    }
    if (!fresh) {
        if (op_.direction == Direction::forward) current().uncertain = true;  // the last worker may have called
        return call(Verb::observe, false);
    }
    switch (current().kind) {
        case StepKind::create: return call(Verb::create, false);
        case StepKind::update:
        case StepKind::change: return call(Verb::update, false);
        case StepKind::remove: return call(Verb::remove, false);
        case StepKind::restart:
        case StepKind::verify: return call(Verb::observe, false);
    }
    return call(Verb::observe, false);
}

OperationStepped OperationAnswers::observed(Verb verb, const Observation& seen) {
    if (!seen.request_id.empty()) current().request_id = seen.request_id;
    if (removing()) return on_remove(verb, seen);
    if (reverting()) return on_revert(verb, seen);
    if (stop_asked()) return give_up({});
    switch (current().kind) {
        case StepKind::create: return on_create(verb, seen);
        case StepKind::verify: return on_verify(seen);
        case StepKind::update:
        case StepKind::change: return on_update(verb, seen);
        case StepKind::restart: return on_restart(verb, seen);
        case StepKind::remove: return on_remove(verb, seen);
    }
    return on_verify(seen);
}

OperationStepped OperationAnswers::on_create(Verb verb, const Observation& seen) {
    if (verb == Verb::observe && seen.unfinished) return call(Verb::create, false);
    switch (seen.presence) {
        case Presence::running: return step_done(seen);
        case Presence::pending:
        case Presence::deleting: return wait(seen);
        case Presence::absent:
        case Presence::stopped:
            if (verb == Verb::observe) return call(Verb::create, false);
            return again("it was made but is not running", {}, 1.0);
        case Presence::failed: return give_up(seen.detail.empty() ? "the provider could not make it" : seen.detail);
        case Presence::foreign: return give_up(taken_by(seen));
    }
    return wait(seen);
}

// Where it vanished or stopped between being made and being checked, it is made again.
OperationStepped OperationAnswers::on_verify(const Observation& seen) {
    switch (seen.presence) {
        case Presence::running: return step_done(seen);
        case Presence::pending: return wait(seen);
        case Presence::absent:
        case Presence::stopped:
        case Presence::deleting:
            if (op_.cursor > 0) {
                const std::uint32_t attempts = current().attempts;
                op_.cursor -= 1;
                current().status = StepStatus::intended;
                current().attempts = std::max(current().attempts, attempts);
                // Providers show what they made with a delay: it may still turn up.
                if (seen.presence == Presence::absent) current().uncertain = true;
            }
            return again("it stopped before it could be checked", {}, 1.0);
        case Presence::failed: return give_up(seen.detail.empty() ? "it does not run" : seen.detail);
        case Presence::foreign: return give_up(taken_by(seen));
    }
    return wait(seen);
}

OperationStepped OperationAnswers::on_update(Verb verb, const Observation& seen) {
    switch (seen.presence) {
        case Presence::running:
            if (verb == Verb::observe) return call(Verb::update, false);
            return step_done(seen);
        case Presence::stopped:
            if (verb == Verb::observe) return call(Verb::update, false);
            return again("it did not come up with the change", {}, 1.0);
        case Presence::pending:
            if (verb == Verb::observe) return call(Verb::update, false);
            return wait(seen);
        case Presence::deleting: return wait(seen);
        case Presence::absent: return lost("it is not there any more");
        case Presence::failed: return give_up(seen.detail.empty() ? "it does not run" : seen.detail);
        case Presence::foreign: return lost(taken_by(seen));
    }
    return wait(seen);
}

// Brings back what stopped; a provider's update knows a slow start from a hung engine.
OperationStepped OperationAnswers::on_restart(Verb verb, const Observation& seen) {
    if (seen.presence == Presence::running) return step_done(seen);
    return on_update(verb, seen);
}

OperationStepped OperationAnswers::on_remove(Verb verb, const Observation& seen) {
    switch (seen.presence) {
        case Presence::absent:
        case Presence::foreign:  // not ours: there is nothing of ours to remove
            return op_.direction == Direction::undo ? not_there() : step_done(seen);
        case Presence::deleting: return wait(seen);
        case Presence::running:
        case Presence::stopped:
        case Presence::pending:
        case Presence::failed:
            current().absent_once = false;
            if (verb == Verb::observe) return call(Verb::remove, false);
            return again("it is still there", {}, 1.0);
    }
    return wait(seen);
}

// How it looks does not tell which spec it runs with: it is told the former one, whatever is seen.
OperationStepped OperationAnswers::on_revert(Verb verb, const Observation& seen) {
    switch (seen.presence) {
        case Presence::running:
            if (verb == Verb::observe) return call(Verb::update, false);
            return step_undone();
        case Presence::stopped:
        case Presence::pending:
            if (verb == Verb::observe) return call(Verb::update, false);
            return again("it did not come up with its former settings", {}, 1.0);
        case Presence::deleting: return wait(seen);
        case Presence::absent:
        case Presence::foreign: return step_undone();  // nothing of ours is there that could be changed back
        case Presence::failed: return fail_finally(true);
    }
    return wait(seen);
}

OperationStepped OperationAnswers::failed(Verb verb, const ProviderError& error, double jitter) {
    Step& step = current();
    if (!error.request_id.empty()) step.request_id = error.request_id;
    if (!removing() && stop_asked()) return give_up({});
    switch (error.error_class) {
        case ErrorClass::permanent:
            // What is to be taken away is tried again all the same: giving up would leave it behind.
            if (reverting()) return fail_finally(true);
            if (!removing()) return give_up(error.message);
            return again(error.message, error.retry_after, jitter);
        case ErrorClass::address_in_use:
            // Where an earlier call's outcome is unknown, the port may be held by what it made: giving the port
            // away would let two have it.
            if (step.uncertain) return again(error.message, std::max(error.retry_after, policy_.poll), jitter);
            // No attempt is used up: another program may hold many ports in a row.
            if (!removing() && verb != Verb::observe && step.moves < policy_.max_moves) {
                step.moves += 1;
                step.last_error = error.message;
                record("operation.reallocated",
                       fmt::format("{}; another {} is taken", error.message, error.allocation));
                effects_.emplace_back(fx::Reallocate{error.allocation});
                return call(verb, true);
            }
            return again(error.message, error.retry_after, jitter);
        // Something is there that could not be seen a moment ago: providers show what they made with a delay.
        case ErrorClass::conflict:
            step.uncertain = true;
            return again(error.message, std::max(error.retry_after, policy_.poll), jitter);
        case ErrorClass::unknown_outcome:
            step.uncertain = true;
            return again(error.message, error.retry_after, jitter);
        case ErrorClass::throttled:
        case ErrorClass::transient: return again(error.message, error.retry_after, jitter);
    }
    return again(error.message, error.retry_after, jitter);
}

OperationStepped OperationAnswers::call(Verb verb, bool persist) {
    effects_.emplace_back(fx::CallProvider{verb});
    return take(persist);
}

OperationStepped OperationAnswers::step_done(const Observation& seen) {
    current().status = StepStatus::done;
    current().last_error.clear();
    if (op_.cursor + 1 == op_.steps.size()) return succeed(seen);
    op_.cursor += 1;
    Step& next = current();
    if (next.kind == StepKind::verify && seen.proven) return step_done(seen);
    // A check only reads: it needs no intent on disk. Everything else does, before it is called.
    if (next.kind == StepKind::verify) return call(Verb::observe, false);
    const bool seen_before = next.status != StepStatus::pending;
    next.status = StepStatus::intended;
    record("operation.progress", fmt::format("step {} of {} is done", op_.cursor, op_.steps.size()),
           op_.steps[op_.cursor - 1].request_id);
    if (seen_before || next.kind == StepKind::restart) return call(Verb::observe, true);
    switch (next.kind) {
        case StepKind::create: return call(Verb::create, true);
        case StepKind::update:
        case StepKind::change: return call(Verb::update, true);
        case StepKind::remove: return call(Verb::remove, true);
        case StepKind::restart:
        case StepKind::verify: return call(Verb::observe, true);
    }
    return call(Verb::observe, true);
}

OperationStepped OperationAnswers::wait(const Observation& seen) {
    const Duration asked = seen.look_again > Duration::zero() ? seen.look_again : policy_.poll;
    const Duration delay = std::min(asked, policy_.longest_wait);
    op_.state = Waiting{at_ + delay, seen.detail};
    op_.run_at = at_ + delay;
    return take(true);
}

// One more failed attempt of the present step: try it again later, or turn round when it was enough.
OperationStepped OperationAnswers::again(const std::string& error, Duration retry_after, double jitter) {
    Step& step = current();
    step.attempts += 1;
    step.last_error = error;
    const bool back = removing() || reverting();
    const std::uint32_t limit = back ? policy_.max_undo_attempts : policy_.max_attempts;
    if (step.attempts >= limit) {
        if (op_.direction == Direction::undo) return fail_finally(true);
        return give_up(error);
    }
    const Duration delay =
        retry_after > Duration::zero() ? retry_after : backoff(policy_, step.attempts - 1, jitter);
    op_.state = Retrying{at_ + delay, error};
    op_.run_at = at_ + delay;
    record("operation.retrying",
           fmt::format("attempt {} of {} to {} failed: {}; the next one comes in {}", step.attempts, limit,
                       trying(), error, in_words(delay)),
           step.request_id,
           {{"step", to_string(step.kind)},
            {"undoing", op_.direction == Direction::undo},
            {"attempt", step.attempts},
            {"of", limit},
            {"error", error},
            {"next_at", format_time(at_ + delay)}});
    return take(true);
}

OperationStepped OperationAnswers::give_up(const std::string& reason) {
    if (op_.direction == Direction::undo) return fail_finally(true);
    op_.failure = reason;
    if (op_.kind == OperationKind::deprovision) return fail_finally(true);
    op_.direction = Direction::undo;
    for (Step& step : op_.steps) step.attempts = 0;
    record("operation.undoing",
           reason.empty()
               ? fmt::format("{} is stopped and undone, as was asked: {}", noun_of(op_.kind), op_.cancel_reason)
               : fmt::format("{} is given up and undone: {}", noun_of(op_.kind), reason),
           current().request_id);
    return undo_next();
}

// Nothing is there. Where a creation's outcome is unknown that has to be seen twice, with time in between.
OperationStepped OperationAnswers::not_there() {
    Step& step = current();
    if (!step.uncertain || step.absent_once) return step_undone();
    step.absent_once = true;
    op_.state = Waiting{at_ + policy_.settle, "making sure that nothing comes late"};
    op_.run_at = at_ + policy_.settle;
    return take(true);
}

OperationStepped OperationAnswers::step_undone() {
    current().status = StepStatus::undone;
    return undo_next();
}

// Creations are undone by removal, and so is a claim: what has had an owner does not go back to the pool. A change
// is undone by another one. Every other step is undone with the creation or changes nothing lasting.
OperationStepped OperationAnswers::undo_next() {
    for (auto i = static_cast<std::int64_t>(op_.cursor); i >= 0; --i) {
        op_.cursor = static_cast<std::uint32_t>(i);
        Step& step = current();
        const bool claim = op_.kind == OperationKind::claim;  // what was claimed is there, begun or not
        if (step.status == StepStatus::undone || (step.status == StepStatus::pending && !claim)) continue;
        if (step.kind == StepKind::create || claim) return call(Verb::remove, true);
        if (step.kind == StepKind::change) {
            change(rev::UpdateReverted{});
            return call(Verb::observe, true);  // what is not there any more must not be made anew
        }
        step.status = StepStatus::undone;
    }
    return fail_finally(false);
}

OperationStepped OperationAnswers::succeed(const Observation& seen) {
    const Endpoint endpoint = seen.endpoint.value_or(Endpoint{});
    switch (op_.kind) {
        case OperationKind::provision: change(rev::Provisioned{endpoint, seen.handle}); break;
        case OperationKind::deprovision: change(rev::Deprovisioned{}); break;
        case OperationKind::update: change(rev::Updated{endpoint, seen.handle}); break;
        case OperationKind::repair: change(rev::Repaired{endpoint}); break;
        case OperationKind::claim: change(rev::ClaimSettled{seen.handle}); break;
    }
    finish(Succeeded{at_}, "operation.succeeded", fmt::format("{} is done", noun_of(op_.kind)));
    return take(true);
}

OperationStepped OperationAnswers::fail_finally(bool left_behind) {
    const std::string reason = !op_.failure.empty() ? op_.failure : op_.cancel_reason;
    switch (op_.kind) {
        case OperationKind::provision: change(rev::ProvisionFailed{reason, left_behind}); break;
        case OperationKind::deprovision: change(rev::DeprovisionFailed{reason}); break;
        case OperationKind::update: change(rev::UpdateFailed{reason, left_behind}); break;
        case OperationKind::repair: change(rev::RepairFailed{reason, false}); break;
        case OperationKind::claim: change(rev::ClaimFailed{reason, left_behind}); break;
    }
    if (op_.failure.empty()) {
        finish(
            Cancelled{at_, reason}, "operation.cancelled",
            fmt::format("{} was stopped, and {}: {}", noun_of(op_.kind), aftermath(op_.kind, left_behind), reason));
    } else {
        finish(Failed{at_, reason}, "operation.failed",
               fmt::format("{} failed, and {}: {}", noun_of(op_.kind), aftermath(op_.kind, left_behind), reason));
    }
    return take(true);
}

// What was to be changed or brought back does not exist any more.
OperationStepped OperationAnswers::lost(const std::string& reason) {
    if (op_.kind != OperationKind::repair) return give_up(reason);
    op_.failure = reason;
    change(rev::RepairFailed{reason, true});
    finish(Failed{at_, reason}, "operation.failed", fmt::format("{} failed: {}", noun_of(op_.kind), reason));
    return take(true);
}

OperationStepped OperationAnswers::cancel_untouched() {
    op_.direction = Direction::undo;
    return fail_finally(false);
}

void OperationAnswers::finish(OperationState state, std::string type, std::string message) {
    op_.state = std::move(state);
    effects_.emplace_back(fx::ReleaseFollower{});
    record(std::move(type), std::move(message), call_id());
}

std::string_view OperationAnswers::trying() const {
    if (reverting()) return "go back to its former settings";
    return verb_of(removing() ? StepKind::remove : op_.steps[op_.cursor].kind);
}

std::string OperationAnswers::call_id() const {
    for (const Step& step : op_.steps | std::views::reverse) {
        if (step.kind != StepKind::verify && !step.request_id.empty()) return step.request_id;
    }
    return op_.steps.empty() ? std::string() : op_.steps.back().request_id;
}

void OperationAnswers::change(ResourceChange change) {
    effects_.emplace_back(fx::ChangeResource{std::move(change)});
}

void OperationAnswers::record(std::string type, std::string message, std::string provider_request,
                              json::object data) {
    EventDraft event = draft_event(op_, at_);
    event.type = std::move(type);
    event.message = std::move(message);
    event.provider_request_id = std::move(provider_request);
    event.data = std::move(data);
    effects_.emplace_back(fx::Record{std::move(event)});
}

OperationStepped OperationAnswers::take(bool persist) {
    op_.updated_at = at_;
    return OperationStepped{std::move(op_), std::move(effects_), persist};
}

}  // namespace slipway
