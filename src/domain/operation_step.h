// The pure transition function of operations. It decides what is called, retried, undone and recorded; the
// engine only carries its effects out. The same function serves live work, recovery and simulation.
#pragma once

#include <expected>
#include <variant>
#include <vector>

#include "domain/event.h"
#include "domain/operation.h"
#include "domain/resource_step.h"

namespace slipway {

namespace operation_event {
struct Leased {
    LeaseToken token;
    TimePoint until;  // on the store's clock
};
struct Began {           // the worker that holds a new lease starts: what is to be done first?
    bool fresh = false;  // LeaseOutcome::fresh
    // An answer could not be recorded, and was no sight of the thing: what was called may show up yet.
    bool unseen = false;
};
struct Answered {  // a provider's answer to `verb` of the current step
    Verb verb = Verb::observe;
    ProviderAnswer answer;
    double jitter = 0;  // uniform in [0, 1), from the engine's random source
};
struct Renewed {  // the lease, before a further call
    TimePoint until;
};
struct Parked {};  // the worker stops in good order and gives its lease back
struct CancelRequested {
    std::string reason;
};
struct Exhausted {  // a re-allocation found the range full
    std::string what;
};
}  // namespace operation_event

using OperationChange = std::variant<operation_event::Leased, operation_event::Began, operation_event::Answered,
                                     operation_event::Renewed, operation_event::Parked,
                                     operation_event::CancelRequested, operation_event::Exhausted>;

struct OperationEvent {
    TimePoint at;
    OperationChange change;
};

namespace operation_effect {
struct CallProvider {
    Verb verb = Verb::observe;
};
struct ChangeResource {
    ResourceChange change;
};
struct Reallocate {  // give the resource another value for this allocation, then go on
    std::string key;
};
struct ReleaseFollower {};  // the operation that waits for this one may run now
struct Record {             // an event of the audit log
    EventDraft event;
};
}  // namespace operation_effect

using OperationEffect =
    std::variant<operation_effect::CallProvider, operation_effect::ChangeResource, operation_effect::Reallocate,
                 operation_effect::ReleaseFollower, operation_effect::Record>;

struct OperationStepped {
    Operation operation;
    std::vector<OperationEffect> effects;
    // The new operation must be on disk before the effects' calls are made, and is otherwise lost with the
    // process (which is harmless: only reads were made since).
    bool persist = true;
};

// Times and counts; defaults suit local engines.
struct RetryPolicy {
    std::uint32_t max_attempts = 6;        // of one step, forward, before it is undone
    std::uint32_t max_moves = 256;         // of one step to another port or address, before it counts as an attempt
    std::uint32_t max_undo_attempts = 40;  // of one undo or removal, before remnants are reported
    std::uint32_t max_leases = 10'000;     // of one operation, before it is given up as poisonous
    Duration first_delay = std::chrono::milliseconds(100);
    Duration max_delay = std::chrono::seconds(60);
    // Between two looks that must both find nothing before something of unknown outcome counts as undone: what was
    // made may be seen only after a while.
    Duration settle = std::chrono::seconds(3);
    Duration longest_wait = std::chrono::minutes(5);  // whatever a provider asks for
    Duration poll = std::chrono::seconds(1);          // while a provider says pending or deleting
};

std::expected<OperationStepped, Refusal> step(const Operation& operation, const OperationEvent& event,
                                              const RetryPolicy& policy);

// Full jitter: uniform in [0, min(max_delay, first_delay * 2^attempt)].
Duration backoff(const RetryPolicy& policy, std::uint32_t attempt, double jitter);

// The same operation, due at once whatever its state says of a later time. For the recovery after a restart, when
// the process that had the lease is known to be dead, or the clock was set back. A terminal one is unchanged.
Operation due_now(Operation operation, TimePoint now);

// What a lease does to an operation and its resource, in one place for every store. Refused where the
// operation is not due.
struct LeaseOutcome {
    Operation operation;
    Resource resource;
    bool resource_changed = false;  // the store writes the resource only then
    // The present step's intent was first written by this very lease: nothing was called for it before, so it can
    // be called without observing first. Handed to the worker in LeasedWork::fresh.
    bool fresh = false;
    bool takeover = false;  // another worker's lease had run out
    std::vector<EventDraft> events;
};
std::expected<LeaseOutcome, Refusal> lease(const Operation& operation, const Resource& resource,
                                           const LeaseToken& token, TimePoint now, Duration duration,
                                           const RetryPolicy& policy);

}  // namespace slipway
