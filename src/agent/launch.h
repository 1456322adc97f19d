// Starting an engine so that it outlives the helper and can be found again.
#pragma once

#include <functional>
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
    std::string stage = "start";  // of its checkpoints
    bool change_uid = false;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string stale;      // a file in the data directory that an earlier process may have left; it goes first
    bool by_paths = false;  // it gets the descriptors of kDataPath and kInstancePath
    bool own_mount =
        false;  // and where the system lets us, a way there of its own, for programs that resolve those
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;
    std::uint64_t memory = 0;
    // Called in the child while it has all of its rights: puts together what the program sees of this host. Answers
    // the step that failed, with errno set.
    std::function<std::string_view()> enter = {};
    int input = -1;                           // what it reads, instead of stdin_file
    bool whole = false;                       // it keeps all of its rights, and its children may become others
    std::vector<std::string> variables = {};  // of its environment, besides PATH and LANG
    int listener = -1;                        // a socket that it finds as descriptor 3, as systemd hands them over
    std::string listener_name = {};
};

// Forks and waits (a moment) until the program has been executed or could not be. The child takes the instance's
// lock before it executes, and the lock's description stays open in it: "the lock is held" and "a process of the
// instance lives" are the same thing, with no moment between. Busy where the lock is held already.
Answer<Process> launch(const Launch& plan, const Checkpoint& checkpoint);

// The same for a program that is to do something and end. Blocks for at most `limit_ms`; then it is killed, with
// whatever it started. Failed where it did not end well: its log says why.
Answer<void> run_to_end(const Launch& plan, int limit_ms, const Checkpoint& checkpoint);

// Kills whatever holds the lock of a directory that an interrupted helper was still making, and waits for its end.
Answer<void> end_holders(int directory);

}  // namespace slipway::agent
