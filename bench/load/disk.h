// The limit under every durable figure: how long the disk takes to have 4 KiB for good.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "load/histogram.h"

namespace slipway::bench {

// Writes 4 KiB and calls fdatasync, `count` times one after the other, in a file of its own in the directory that
// is removed afterwards. `grow`: at its end (its length changes too), else over what is there, as a log that was
// checkpointed is written.
Result<Histogram> measure_sync(const std::filesystem::path& directory, std::size_t count, bool grow);

}  // namespace slipway::bench
