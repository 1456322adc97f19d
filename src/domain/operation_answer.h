// What an operation makes of a provider's answers. Internal to the domain: call step().
#pragma once

#include <expected>
#include <string>

#include "domain/operation_step.h"

namespace slipway {

// An event about this operation, with everything but its type and message filled in.
EventDraft draft_event(const Operation& operation, TimePoint at);

class OperationAnswers {
  public:
    // `policy` must outlive it.
    OperationAnswers(const Operation& operation, TimePoint at, const RetryPolicy& policy)
        : op_(operation), at_(at), policy_(policy) {}

    OperationStepped begin(bool fresh, bool unseen);
    OperationStepped observed(Verb verb, const Observation& seen);
    OperationStepped failed(Verb verb, const ProviderError& error, double jitter);
    // Forward work ends for good: undo it. For a removal: report what is left.
    OperationStepped give_up(const std::string& reason);
    OperationStepped cancel_untouched();

  private:
    [[nodiscard]] Step& current() { return op_.steps[op_.cursor]; }
    [[nodiscard]] bool removing() const;
    [[nodiscard]] bool reverting() const;  // a change is being taken back
    [[nodiscard]] bool stop_asked() const;

    OperationStepped on_create(Verb verb, const Observation& seen);
    OperationStepped on_verify(const Observation& seen);
    OperationStepped on_update(Verb verb, const Observation& seen);
    OperationStepped on_restart(Verb verb, const Observation& seen);
    OperationStepped on_remove(Verb verb, const Observation& seen);
    OperationStepped on_revert(Verb verb, const Observation& seen);

    OperationStepped call(Verb verb, bool persist);
    OperationStepped step_done(const Observation& seen);
    OperationStepped not_there();
    OperationStepped step_undone();
    OperationStepped wait(const Observation& seen);
    OperationStepped again(const std::string& error, Duration retry_after, double jitter);
    OperationStepped undo_next();
    OperationStepped succeed(const Observation& seen);
    OperationStepped fail_finally(bool left_behind);
    OperationStepped lost(const std::string& reason);
    void finish(OperationState state, std::string type, std::string message);
    void change(ResourceChange change);
    void record(std::string type, std::string message, std::string provider_request = {}, json::object data = {});
    // What the present step tries, to go after "to".
    [[nodiscard]] std::string_view trying() const;
    // The provider's id of the call that matters most: the last one that was to change something.
    [[nodiscard]] std::string call_id() const;
    OperationStepped take(bool persist);

    Operation op_;
    TimePoint at_;
    const RetryPolicy& policy_;
    std::vector<OperationEffect> effects_;
};

}  // namespace slipway
