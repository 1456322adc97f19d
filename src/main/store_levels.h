// What metrics read from the store when they are asked for. Nothing here costs more where there is more of it: it
// is all counted as it is written.
#pragma once

#include "main/metrics.h"

namespace slipway {

// `now` is of the store's clock. What cannot be read is left out: the rest is told all the same.
Task<Metrics::Levels> read_store_levels(Store& store, const Catalog& catalog, TimePoint now);

}  // namespace slipway
