// What an engine that was killed leaves outside of its directory.
#pragma once

#include <sys/types.h>

namespace slipway::agent {

// Removes System V segments that no process uses any more: of the uid, where it is the instance's own; otherwise
// those whose key PostgreSQL made of the instance's data directory.
void clear_shared_memory(int instance_directory, uid_t uid, bool uid_is_its_own);

}  // namespace slipway::agent
