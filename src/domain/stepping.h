// Turns the effects of an operation's step into changes of its resource and records, for whoever commits them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/operation_step.h"

namespace slipway {

struct Applied {
    bool resource_changed = false;
    bool release_follower = false;
    bool release_allocations = false;
    std::vector<std::string> reallocate;  // keys of allocations to be replaced
    std::optional<Verb> call;             // what the provider is to be asked next
    std::optional<Refusal> refused;       // the resource does not allow the change: nothing may be committed
};

// Changes `resource` in place (its version stays) and appends to `events`.
Applied apply_effects(std::vector<OperationEffect> effects, TimePoint at, Resource& resource,
                      std::vector<EventDraft>& events);

// Says of each event which operation it belongs to and what caused that, where it does not say so itself.
void attribute(std::vector<EventDraft>& events, const Operation& operation);

}  // namespace slipway
