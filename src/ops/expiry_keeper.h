// Warns of the ends of resources, and removes what has come to its end (domain/expiry.h).
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "ops/observer.h"
#include "store/store.h"

namespace slipway {

struct ExpiryKeeperOptions {
    Duration removal_limit = std::chrono::minutes(15);  // of an operation
    Duration pause = std::chrono::minutes(5);           // before what could not be removed is tried again
};

// Used on one executor.
class ExpiryKeeper {
  public:
    struct Parts {
        Store& store;
        const Clock& clock;
        Random& random;
        OpsObserver* observer = nullptr;  // none: nobody counts
    };
    explicit ExpiryKeeper(Parts parts, ExpiryKeeperOptions options = {}) : parts_(parts), options_(options) {}

    struct Pass {
        std::uint32_t warned = 0;
        std::uint32_t removed = 0;  // accepted: the removal itself is an operation as any other
        std::uint32_t delayed = 0;  // something is in the way
        // When it is time for the next pass; none: nothing has an end.
        std::optional<TimePoint> next = {};
    };
    // Sees to everything that is due. Each change is conditional on the resource as it was read: of several keepers
    // one warns and one removes, and whoever extends a lifetime before the removal is accepted has extended it.
    Task<Result<Pass>> pass();

  private:
    // False: it changed meanwhile, and has to be looked at again.
    Task<Result<bool>> see_to(Resource resource, Pass& pass);
    Task<Result<bool>> warn(Resource resource, Pass& pass);
    Task<Result<bool>> remove(const Resource& resource, Pass& pass);
    Task<Result<bool>> delay(Resource resource, std::string_view why, Pass& pass);
    Task<Result<bool>> put(Resource resource, std::optional<EventDraft> event);

    Parts parts_;
    ExpiryKeeperOptions options_;
};

}  // namespace slipway
