#include "agent/user_space.h"

#include <array>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/wait.h>

#include "agent/files.h"

namespace slipway::agent {
namespace {

// Says that it is in a namespace of its own, and stays there until its input closes.
[[noreturn]] void stay(int says, int waits) {
    const char ready = ::unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    static_cast<void>(::write(says, &ready, 1));
    char end = 0;
    static_cast<void>(::read(waits, &end, 1));
    ::_exit(0);
}

bool write_map(pid_t pid, const char* which, const std::string& line) {
    const UniqueFd file(::open(fmt::format("/proc/{}/{}", pid, which).c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

Answer<UniqueFd> mapped(pid_t pid, int said, uid_t inside, uid_t outside) {
    char ready = 'n';
    const std::string line = fmt::format("{} {} {}\n", inside, outside, kIdCount);
    if (::read(said, &ready, 1) != 1 || ready != 'y') {
        return refuse(FailureCode::unsupported, "this system makes no user namespaces (user.max_user_namespaces)");
    }
    if (!write_map(pid, "uid_map", line) || !write_map(pid, "gid_map", line)) {
        return std::unexpected(os_failure("map the uids of a user namespace"));
    }
    UniqueFd space(::open(fmt::format("/proc/{}/ns/user", pid).c_str(), O_RDONLY | O_CLOEXEC));
    if (!space) return std::unexpected(os_failure("open a user namespace"));
    return space;
}

}  // namespace

Answer<UniqueFd> make_user_space(uid_t inside, uid_t outside) {
    std::array<int, 2> says{};
    std::array<int, 2> holds{};
    if (::pipe2(says.data(), O_CLOEXEC) != 0) return std::unexpected(os_failure("make a pipe"));
    const UniqueFd said(says[0]);
    UniqueFd saying(says[1]);
    if (::pipe2(holds.data(), O_CLOEXEC) != 0) return std::unexpected(os_failure("make a pipe"));
    UniqueFd waiting(holds[0]);
    UniqueFd holding(holds[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(os_failure("fork"));
    if (pid == 0) {
        holding.reset();
        stay(saying.get(), waiting.get());
    }
    saying.reset();
    waiting.reset();
    Answer<UniqueFd> space = mapped(pid, said.get(), inside, outside);
    holding.reset();
    // Where children are reaped by the kernel, this waits all the same.
    ::waitpid(pid, nullptr, 0);
    return space;
}

}  // namespace slipway::agent
