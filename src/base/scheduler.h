// Waiting is passed in like time is: real timers in the server, an event queue in the simulation.
#pragma once

#include "base/clock.h"
#include "base/task.h"

namespace slipway {

// Used from one executor only (the one its waiters run on).
class Scheduler {
  public:
    virtual ~Scheduler() = default;
    // Completes once `delay` has passed on a clock that never jumps. A negative delay is none.
    virtual Task<void> sleep(Duration delay) = 0;
};

// Asio's steady timer on the executor of the coroutine that waits.
class AsioScheduler final : public Scheduler {
  public:
    Task<void> sleep(Duration delay) override;
};

}  // namespace slipway
