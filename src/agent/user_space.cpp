#include "agent/user_space.h"

#include <array>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/files.h"

namespace slipway::agent {
namespace {

// A child in a user namespace of its own, as fork answers it. Made by clone and not by unshare, which a process
// with a second thread is refused: a thread of a sanitizer's, say. The child may call the kernel and nothing else.
pid_t fork_into_space() {
    return static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

// Stays until its input closes.
[[noreturn]] void stay(int waits) {
    char end = 0;
    static_cast<void>(::syscall(SYS_read, waits, &end, 1));
    ::_exit(0);
}

bool write_map(pid_t pid, const char* which, const std::string& line) {
    const UniqueFd file(::open(fmt::format("/proc/{}/{}", pid, which).c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

Answer<UniqueFd> mapped(pid_t pid, uid_t inside, uid_t outside) {
    const std::string line = fmt::format("{} {} {}\n", inside, outside, kIdCount);
    if (!write_map(pid, "uid_map", line) || !write_map(pid, "gid_map", line)) {
        return std::unexpected(os_failure("map the uids of a user namespace"));
    }
    UniqueFd space(::open(fmt::format("/proc/{}/ns/user", pid).c_str(), O_RDONLY | O_CLOEXEC));
    if (!space) return std::unexpected(os_failure("open a user namespace"));
    return space;
}

}  // namespace

Answer<UniqueFd> make_user_space(uid_t inside, uid_t outside) {
    std::array<int, 2> holds{};
    if (::pipe2(holds.data(), O_CLOEXEC) != 0) return std::unexpected(os_failure("make a pipe"));
    UniqueFd waiting(holds[0]);
    UniqueFd holding(holds[1]);
    const pid_t pid = fork_into_space();
    if (pid < 0) {
        return refuse(FailureCode::unsupported, fmt::format("this system makes no user namespace: {} "
                                                            "(user.max_user_namespaces)",
                                                            std::strerror(errno)));
    }
    if (pid == 0) {
        ::close(holding.get());
        stay(waiting.get());
    }
    waiting.reset();
    Answer<UniqueFd> space = mapped(pid, inside, outside);
    holding.reset();
    // Where children are reaped by the kernel, this waits all the same.
    ::waitpid(pid, nullptr, 0);
    return space;
}

}  // namespace slipway::agent
