#include "agent/process.h"

#include <cerrno>
#include <charconv>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace slipway::agent {
namespace {

std::string read_small(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return {};
    std::string text(4096, '\0');
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using Directory = std::unique_ptr<DIR, CloseDir>;

std::optional<pid_t> parse_pid(std::string_view text) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || pid <= 0) return std::nullopt;
    return pid;
}

// One field of a stat line, counted as proc(5) does; `fields` begins with the third.
template <class Number>
bool parse_field(std::string_view fields, int wanted, Number& value) {
    for (int field = 3; field < wanted; ++field) {
        const std::size_t space = fields.find(' ');
        if (space == std::string_view::npos) return false;
        fields.remove_prefix(space + 1);
    }
    return std::from_chars(fields.data(), fields.data() + fields.size(), value).ec == std::errc();
}

bool holds_lock(pid_t pid, const struct stat& wanted) {
    const std::string base = fmt::format("/proc/{}", pid);
    const Directory fds(::opendir((base + "/fd").c_str()));
    if (!fds) return false;
    while (const dirent* entry = ::readdir(fds.get())) {
        if (entry->d_name[0] == '.') continue;
        struct stat seen{};
        if (::stat(fmt::format("{}/fd/{}", base, entry->d_name).c_str(), &seen) != 0) continue;
        if (seen.st_dev != wanted.st_dev || seen.st_ino != wanted.st_ino) continue;
        // Merely having it open is not holding it: another helper may be testing the lock.
        if (read_small(fmt::format("{}/fdinfo/{}", base, entry->d_name)).find("OFDLCK") != std::string::npos) {
            return true;
        }
    }
    return false;
}

struct flock whole_file(short type) {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

std::optional<ProcessStat> read_stat(pid_t pid) {
    const std::string text = read_small(fmt::format("/proc/{}/stat", pid));
    // The second field is the name in parentheses, which may itself hold spaces and parentheses.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 2 >= text.size()) return std::nullopt;
    ProcessStat stat;
    stat.state = text[name_end + 2];
    const std::string_view fields = std::string_view(text).substr(name_end + 2);
    if (!parse_field(fields, 20, stat.threads) || !parse_field(fields, 22, stat.start_time)) return std::nullopt;
    return stat;
}

bool is_alive(const Process& process) {
    const std::optional<ProcessStat> stat = read_stat(process.pid);
    if (!stat || stat->start_time != process.start_time) return false;
    const bool leader_gone = stat->state == 'Z' || stat->state == 'X';
    return !leader_gone || stat->threads > 1;
}

UniqueFd open_pidfd(const Process& process) {
    if (process.pid <= 1) return {};
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
    // Only after the pidfd is open does the check mean something: from now on the pid cannot be reused.
    if (!fd || !is_alive(process)) return {};
    return fd;
}

bool send_signal(const UniqueFd& pidfd, int signal) {
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0U) == 0;
}

bool wait_exit(const UniqueFd& pidfd, int milliseconds) {
    pollfd waited{pidfd.get(), POLLIN, 0};
    return ::poll(&waited, 1, milliseconds) == 1;
}

bool take_lock(int fd) {
    struct flock lock = whole_file(F_WRLCK);
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool lock_is_held(int fd) {
    struct flock lock = whole_file(F_WRLCK);
    return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::vector<Process> lock_holders(int fd) {
    std::vector<Process> holders;
    struct stat wanted{};
    if (::fstat(fd, &wanted) != 0) return holders;
    const Directory proc(::opendir("/proc"));
    if (!proc) return holders;
    while (const dirent* entry = ::readdir(proc.get())) {
        const std::optional<pid_t> pid = parse_pid(entry->d_name);
        if (!pid) continue;
        const std::optional<ProcessStat> before = read_stat(*pid);
        if (!before || !holds_lock(*pid, wanted)) continue;
        const Process process{*pid, before->start_time};
        if (is_alive(process)) holders.push_back(process);
    }
    return holders;
}

}  // namespace slipway::agent
