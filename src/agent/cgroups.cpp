#include "agent/cgroups.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/process.h"

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kNeeded{"cpu", "memory", "pids"};

std::string text_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

// The directories below `place` and itself, those below first.
std::vector<fs::path> below(const fs::path& place) {
    std::vector<fs::path> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(place, error)) {
        if (!entry.is_directory(error) || entry.is_symlink(error)) continue;
        const std::vector<fs::path> deeper = below(entry.path());
        found.insert(found.end(), deeper.begin(), deeper.end());
    }
    found.push_back(place);
    return found;
}

// Still the one that was listed: its number may be another's by now.
void kill_member(pid_t pid, const std::string& group) {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    if (pidfd && text_of(fmt::format("/proc/{}/cgroup", pid)).contains("/" + group)) send_signal(pidfd, SIGKILL);
}

}  // namespace

bool Cgroups::unified() const { return is_there(base_ + "/cgroup.controllers"); }

bool Cgroups::counts_swap() const {
    return unified() ? is_there("/proc/swaps") : is_there(base_ + "/memory/memory.memsw.limit_in_bytes");
}

Answer<void> Cgroups::check() const {
    std::istringstream listed(text_of(base_ + "/cgroup.controllers"));
    const std::vector<std::string> controllers{std::istream_iterator<std::string>(listed), {}};
    for (const std::string_view each : kNeeded) {
        const bool there = unified() ? std::ranges::find(controllers, each) != controllers.end()
                                     : is_there(fmt::format("{}/{}/tasks", base_, each));
        if (there) continue;
        return refuse(
            FailureCode::unsupported,
            fmt::format("{} has no controller {}: containers could not be held to their plans", base_, each));
    }
    return {};
}

std::vector<std::string> Cgroups::places(const std::string& group) const {
    std::vector<std::string> found;
    if (is_there(fmt::format("{}/{}", base_, group))) found.push_back(fmt::format("{}/{}", base_, group));
    if (unified()) return found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(base_, error)) {
        if (entry.is_symlink(error)) continue;
        const fs::path place = entry.path() / group;
        if (is_there(place)) found.push_back(place);
    }
    return found;
}

std::vector<pid_t> Cgroups::members(const std::string& group) const {
    std::vector<pid_t> found;
    for (const std::string& place : places(group)) {
        for (const fs::path& each : below(place)) {
            std::ifstream list(each / "cgroup.procs");
            for (pid_t pid = 0; list >> pid;) {
                if (pid > 0) found.push_back(pid);
            }
        }
    }
    std::ranges::sort(found);
    const auto twice = std::ranges::unique(found);
    found.erase(twice.begin(), twice.end());
    return found;
}

Answer<void> Cgroups::clear(const std::string& group, int limit_ms) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    for (;;) {
        for (const pid_t each : members(group)) kill_member(each, group);
        bool left = false;
        for (const std::string& place : places(group)) {
            for (const fs::path& each : below(place)) {
                left = (::rmdir(each.c_str()) != 0 && errno != ENOENT) || left;
            }
        }
        if (!left) return {};
        if (std::chrono::steady_clock::now() > end) {
            return refuse(FailureCode::busy, "what ran in a container does not end");
        }
        ::poll(nullptr, 0, 1);
    }
}

void Cgroups::drop(const std::string& group) const {
    for (const std::string& each : places(group)) ::rmdir(each.c_str());
}

}  // namespace slipway::agent
