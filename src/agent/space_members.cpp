#include "agent/space_members.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kEndLimit = 5000;  // milliseconds for all that were killed

bool is_in(pid_t pid, const struct stat& space) {
    struct stat seen{};
    return ::stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &seen) == 0 && seen.st_dev == space.st_dev &&
           seen.st_ino == space.st_ino;
}

std::string command_line(pid_t pid) {
    std::ostringstream text;
    text << std::ifstream(fmt::format("/proc/{}/cmdline", pid)).rdbuf();
    return text.str();
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) found.push_back(pid);
    }
    return found;
}

}  // namespace

int end_members(const std::string& path, const std::function<bool(std::string_view command_line)>& chosen) {
    struct stat space{};
    if (::stat(path.c_str(), &space) != 0) return 0;
    std::vector<UniqueFd> ended;
    for (const pid_t pid : all_processes()) {
        const std::optional<ProcessStat> stat = read_stat(pid);
        if (!stat || !is_in(pid, space) || !chosen(command_line(pid))) continue;
        UniqueFd pidfd = open_pidfd({pid, stat->start_time});
        if (pidfd && send_signal(pidfd, SIGKILL)) ended.push_back(std::move(pidfd));
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kEndLimit);
    for (const UniqueFd& each : ended) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        static_cast<void>(wait_exit(each, std::max(static_cast<int>(left.count()), 0)));
    }
    return static_cast<int>(ended.size());
}

}  // namespace slipway::agent
