// Starting an engine so that it outlives the helper and can be found again.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/files.h"
#include "agent/protocol.h"

namespace slipway::agent {

struct Launch {
    int directory = -1;   // of the instance
    std::string path;     // of the program
    std::string program;  // argv[0]: some programs are told by it what to be
    std::vector<std::string> args;
    std::string stdin_file;
    std::string tag;
    bool change_uid = false;
    uid_t uid = 0;
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;
    std::uint64_t memory = 0;
};

// Forks and waits (a moment) until the program has been executed or could not be. The child takes the instance's
// lock before it executes, and the lock's description stays open in it: "the lock is held" and "a process of the
// instance lives" are the same thing, with no moment between. Busy where the lock is held already.
Answer<Process> launch(const Launch& plan, const Checkpoint& checkpoint);

}  // namespace slipway::agent
