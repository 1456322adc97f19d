// What one call of the local provider carries along.
#pragma once

#include "providers/instances.h"
#include "providers/local/local_provider.h"

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
};

// The budget is used up.
ProviderError out_of_time(bool touched);

}  // namespace slipway::local
