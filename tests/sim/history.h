// One simulated history from one seed: clients, processes, a cloud and a disk, faults of every kind, then quiet,
// then the invariants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/faults.h"

namespace slipway::sim {

struct HistoryResult {
    std::uint64_t seed = 0;
    std::vector<std::string> violations;
    CrashTable crashes;
    std::uint64_t requests = 0;
    std::uint64_t resources = 0;
    std::uint64_t operations = 0;
    std::uint64_t kills = 0;
    std::uint64_t superseded = 0;  // late writes that were refused
    std::uint64_t swept = 0;       // things that came so late that only a sweep could find them
};

HistoryResult run_history(std::uint64_t seed, Mutant mutant, bool verbose);

}  // namespace slipway::sim
