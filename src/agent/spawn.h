// Starting the helper, or reaching one that was started by other means.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/protocol.h"
#include "base/fd.h"

namespace slipway::agent {

// A helper of our own: `executable agent --fd 3 --root …`, which ends with the connection.
struct SpawnOptions {
    std::string executable = "/proc/self/exe";  // must dispatch `agent` to agent::run
    std::string root;                           // its parent must exist
    std::string images = {};                    // absolute path; empty: it does nothing for machines
    std::string bridge = {};                    // of the host's, that machines are joined to; empty: none
    uid_t uid_first = 210'000;
    uid_t uid_last = 299'999;
    uid_t container_uids = kContainerUids;
    std::vector<std::string> extra;  // further arguments before the options of `agent`; for tests
};

// A helper that somebody else runs (e.g. as root, for a broker that is not): its listening socket.
struct ConnectOptions {
    std::string socket;
    uid_t helper_uid = 0;  // whom we trust behind that path
};

struct Link {
    UniqueFd socket;  // SOCK_SEQPACKET, non-blocking
    pid_t pid = 0;    // of a helper of our own; 0: not ours
};

// Unavailable where it could not be done. Takes well under a millisecond.
Answer<Link> spawn(const SpawnOptions& options);
Answer<Link> connect(const ConnectOptions& options);

}  // namespace slipway::agent
