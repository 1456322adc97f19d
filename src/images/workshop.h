// What whoever makes an image is given.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "images/programs.h"

namespace slipway::images {

struct Workshop {
    const Programs& programs;
    const Progress& say;
    const Clock& clock;
    Random& random;
};

}  // namespace slipway::images
