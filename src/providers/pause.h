// A wait that blocks nobody.
#pragma once

#include "base/clock.h"
#include "base/task.h"

namespace slipway {

Task<void> pause(Duration delay);

}  // namespace slipway
