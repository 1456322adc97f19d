// What one call of the local provider carries along.
#pragma once

#include "providers/local/local_provider.h"
#include "providers/provider_error.h"

namespace slipway::local {

struct LocalProvider::Call {
    Verb verb = Verb::observe;
    Target target;
    Spec spec;
    Deadline deadline;
    const Engine* engine = nullptr;  // of all but remove, where what is there is ours
    Setup setup = {};                // of create and update
    bool touched = false;            // something may have been changed already
    bool full = false;               // its disk was, when it was last looked at

    [[nodiscard]] const std::string& name() const { return target.external_name; }
    [[nodiscard]] agent::Identity identity() const {
        return {target.installation.str(), target.resource.str(), target.generation};
    }
};

// How a failed request to the helper is treated by the engine. `touched`: it, or one before it, may have changed
// something.
ProviderError error_of(const agent::Failure& failure, bool touched);
// The budget is used up.
ProviderError out_of_time(bool touched);

}  // namespace slipway::local
