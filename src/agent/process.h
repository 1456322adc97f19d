// Telling processes apart for certain: a pid alone is reused, a pid with its start time is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.h"

namespace slipway::agent {

struct Process {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
    friend bool operator==(const Process&, const Process&) = default;
};

struct ProcessStat {
    char state = '?';
    int threads = 0;  // field 20: those that the kernel has not yet released, the leader included
    std::uint64_t start_time = 0;
};
// Empty where there is no such process.
std::optional<ProcessStat> read_stat(pid_t pid);

// A zombie is dead: nobody may ever reap it, and kill(pid, 0) succeeds on it. But not while it has other threads: a
// leader that is through with exiting waits as a zombie for them, and they still hold its files and its lock.
bool is_alive(const Process& process);

// A pidfd of exactly this process; empty where it is dead.
UniqueFd open_pidfd(const Process& process);
// False where it was dead already.
bool send_signal(const UniqueFd& pidfd, int signal);
// Bounded wait for its exit, in milliseconds. Blocks: for the helper and for tests.
bool wait_exit(const UniqueFd& pidfd, int milliseconds);

// The lock is an open file description lock: it is held as long as any process has the description open, and it can
// be tested without being taken, so that observing changes nothing.
bool take_lock(int fd);
bool lock_is_held(int fd);

// Every process that has the description open which locks the file of `fd`. Reads all of /proc: for rare cases
// only.
std::vector<Process> lock_holders(int fd);

}  // namespace slipway::agent
