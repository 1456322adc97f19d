#include "agent/tool.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>

#include "agent/files.h"
#include "agent/keeping_status.h"
#include "agent/process.h"
#include "base/spawn_parts.h"

namespace slipway::agent {
namespace {

constexpr std::size_t kMaxOutput = 1024 * 1024;

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// Its outputs are ours to read; all other descriptors close by themselves.
pid_t start(const std::string& path, std::vector<std::string>& words, int output) {
    SpawnParts with;
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setflags(&with.attributes_,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    ::posix_spawnattr_setsigmask(&with.attributes_, &none);
    ::posix_spawnattr_setsigdefault(&with.attributes_, &all);
    ::posix_spawn_file_actions_addopen(&with.actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&with.actions_, output, 1);
    ::posix_spawn_file_actions_adddup2(&with.actions_, output, 2);
    std::vector<std::string> variables{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"};
    pid_t pid = 0;
    errno = ::posix_spawn(&pid, path.c_str(), &with.actions_, &with.attributes_, pointers(words).data(),
                          pointers(variables).data());
    return errno == 0 ? pid : -1;
}

// Until it closes its end or the time is over. False where the time is over.
bool read_all(int fd, std::string& text, std::chrono::steady_clock::time_point until) {
    std::array<char, 4096> part{};
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waited{fd, POLLIN, 0};
        const int ready = left.count() <= 0 ? 0 : ::poll(&waited, 1, static_cast<int>(left.count()));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const ssize_t got = ::read(fd, part.data(), part.size());
        if (got <= 0) return true;
        if (text.size() < kMaxOutput) text.append(part.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

Answer<std::string> run_tool(const std::string& path, std::vector<std::string> args, int limit_ms) {
    if (path.empty()) return refuse(FailureCode::unsupported, "a program that this takes is not installed");
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    const KeepingStatus keeping;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(os_failure("make a pipe"));
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    args.insert(args.begin(), path);
    const pid_t pid = start(path, args, writing.get());
    if (pid < 0) return std::unexpected(os_failure("start " + path));
    writing.reset();
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    std::string text;
    const bool in_time = read_all(reading.get(), text, until);
    if (!in_time) ::kill(-pid, SIGKILL);
    siginfo_t ended{};
    if (!pidfd || ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &ended, WEXITED) != 0) {
        return std::unexpected(os_failure("learn how a program ended"));
    }
    if (!in_time) return refuse(FailureCode::io, fmt::format("{} did not end in time", path));
    if (ended.si_code != CLD_EXITED || ended.si_status != 0) {
        return refuse(FailureCode::io,
                      fmt::format("{} ended with {}: {}", path, ended.si_status, first_line(text)));
    }
    return text;
}

}  // namespace slipway::agent
