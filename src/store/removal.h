// How a resource is turned towards its end: what is read and committed, whoever wants it gone.
#pragma once

#include <string>

#include "store/store.h"

namespace slipway {

struct RemovalRequest {
    Cause cause;
    TimePoint now;
    Duration time_limit{};  // of the operation
    std::string why = {};   // for the owner, to follow "the removal was requested: "; empty: nothing
};

// The commit that accepts the removal of a resource, as it was read and not otherwise: the deletion is queued, and
// what runs on the resource now is halted first. The last operation that it writes is the removal. Whoever commits
// it is told Obstacle::place_taken where others live on the resource. Errors: conflict (it cannot be removed as it
// is), storage.
Task<Result<Commit>> removal_of(Store& store, Random& random, Resource resource, RemovalRequest request);

}  // namespace slipway
