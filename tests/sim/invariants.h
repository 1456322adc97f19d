// What must hold at the end of every history, seen from outside: the disk, the cloud, and what clients were
// promised.
#pragma once

#include <string>
#include <vector>

#include "sim/client.h"
#include "sim/cloud.h"
#include "sim/storage.h"

namespace slipway::sim {

enum class Phase : std::uint8_t {
    served,   // quiet, everything asked for is there
    removed,  // quiet, everything was deleted and swept
};

// Of the one plan whose resources share servers.
inline constexpr std::uint64_t kThreshold = 2;

struct Evidence {
    const store::MemoryState& state;
    Cloud& cloud;
    const RecordingSealer& sealer;
    std::vector<const Intent*> intents;
    bool reconciled = false;        // what stopped must have been brought back
    std::uint64_t most_placed = 0;  // on any server, ever
    TimePoint now = {};             // by the clock that the processes go by
};

void check_invariants(Phase phase, const Evidence& evidence, std::vector<std::string>& violations);
void check_secrets(const Evidence& evidence, const std::vector<std::string>& outputs,
                   std::vector<std::string>& violations);

}  // namespace slipway::sim
