// User namespaces, as maps of ids: what root in one of them is on the host, and whose files are seen as whose.
#pragma once

#include <sys/types.h>

#include "agent/protocol.h"
#include "base/fd.h"

namespace slipway::agent {

// How many ids each map has: all that a container's own programs know of.
inline constexpr uid_t kIdCount = 65536;

// One in which the uids and gids from `inside` on are those of the host from `outside` on. It lives as long as it
// is open, or somebody is in it. Needs root.
Answer<UniqueFd> make_user_space(uid_t inside, uid_t outside);

}  // namespace slipway::agent
