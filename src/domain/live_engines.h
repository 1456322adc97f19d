// What can be asked of a running engine besides its life: a port that the wiring fills, and that nobody has to.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "domain/resource.h"

namespace slipway {

// One of an engine's own figures, in its own words.
struct Statistic {
    std::string key;
    std::string value;
    friend bool operator==(const Statistic&, const Statistic&) = default;
};

// Nothing here is an operation: nothing is queued, tried again or undone. Every call ends within its budget.
// Errors: unavailable (the engine does not answer now, or its provider cannot do this), exhausted (too many at
// once).
class LiveEngines {
  public:
    virtual ~LiveEngines() = default;
    virtual Task<Result<std::vector<Statistic>>> statistics(Resource resource, Duration budget) = 0;
    // A cache forgets everything.
    virtual Task<Status> flush(Resource resource, Duration budget) = 0;
};

}  // namespace slipway
