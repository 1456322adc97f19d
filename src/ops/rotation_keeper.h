// Ends the former passwords of rotations that nobody has confirmed in time.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "store/store.h"

namespace slipway {

struct RotationKeeperOptions {
    Duration time_limit = std::chrono::minutes(15);  // of an operation
    Duration pause = std::chrono::minutes(1);        // after one that came to nothing
};

// Used on one executor.
class RotationKeeper {
  public:
    struct Parts {
        Store& store;
        const Clock& clock;
        Random& random;
    };
    explicit RotationKeeper(Parts parts, RotationKeeperOptions options = {}) : parts_(parts), options_(options) {}

    // One look at every ready database. Answers how many rotations it confirmed. Several keepers confirm each once.
    Task<Result<std::uint32_t>> pass();

  private:
    Task<Result<bool>> confirm(const Resource& database);

    Parts parts_;
    RotationKeeperOptions options_;
};

}  // namespace slipway
