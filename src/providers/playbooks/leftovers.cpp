#include "providers/playbooks/leftovers.h"

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "providers/playbooks/playbook.h"

namespace slipway::playbooks {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr int kRounds = 8;  // what is ended may have begun another one meanwhile
constexpr std::chrono::milliseconds kRound(250);
constexpr std::size_t kMostEnvironment = 256UL * 1024;

std::optional<pid_t> process_in(const fs::path& entry) {
    const std::string name = entry.filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return pid;
}

std::string environment_of(pid_t pid) {
    const UniqueFd file(::open(fmt::format("/proc/{}/environ", pid).c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 4096> piece{};
    while (file && text.size() < kMostEnvironment) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    return text;
}

bool belongs(pid_t pid, const fs::path& directory) {
    struct stat facts{};
    if (::stat(fmt::format("/proc/{}", pid).c_str(), &facts) != 0 || facts.st_uid != ::geteuid()) return false;
    const std::string variables = '\0' + environment_of(pid) + '\0';
    const std::string mark = fmt::format("{}{}={}", '\0', kRunVariable, directory.string());
    return variables.contains(mark + '\0') || variables.contains(mark + '/');
}

// A number may have become another process's since it was read, but a descriptor stays with its process.
std::vector<UniqueFd> processes_of(const fs::path& directory) {
    std::vector<UniqueFd> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        const std::optional<pid_t> pid = process_in(entry.path());
        if (!pid || *pid == ::getpid() || !belongs(*pid, directory)) continue;
        UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0U)));
        if (process && belongs(*pid, directory)) found.push_back(std::move(process));
    }
    return found;
}

void await_end(const std::vector<UniqueFd>& processes, steady_clock::time_point until) {
    for (const UniqueFd& each : processes) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
        pollfd waited{each.get(), POLLIN, 0};
        ::poll(&waited, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    }
}

}  // namespace

std::size_t end_leftovers(const fs::path& directory) {
    std::size_t ended = 0;
    for (int round = 0; round < kRounds; ++round) {
        const std::vector<UniqueFd> processes = processes_of(directory);
        if (processes.empty()) break;
        for (const UniqueFd& each : processes) {
            if (::syscall(SYS_pidfd_send_signal, each.get(), SIGKILL, nullptr, 0U) == 0) ++ended;
        }
        await_end(processes, steady_clock::now() + kRound);
    }
    return ended;
}

}  // namespace slipway::playbooks
