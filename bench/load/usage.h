// What the generator itself used, and times as its figures have them.
#pragma once

#include "load/histogram.h"

namespace slipway::bench {

double seconds_of(Nanoseconds time);
// Of the whole process, in user and in system mode, since it began.
double used_cpu_seconds();

}  // namespace slipway::bench
