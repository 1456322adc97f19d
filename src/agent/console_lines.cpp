// Typing at consoles.
#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "agent/console.h"

namespace slipway::agent {
namespace {

constexpr std::size_t kMostLines = 32;
constexpr std::chrono::seconds kIdle(10);           // longer than a line is kept for nobody
constexpr std::chrono::minutes kStuck(2);           // and one that is not read
constexpr int kMostUnread = 64 * 1024;              // as the kernel counts what is in a socket
constexpr std::size_t kMostThrownAway = 64 * 1024;  // bytes at once: the others wait meanwhile

std::unexpected<Failure> in_the_way() {
    return refuse(FailureCode::foreign, "something other than its console is in the way");
}

int unread(const UniqueFd& line) {
    int count = 0;
    return ::ioctl(line.get(), SIOCOUTQ, &count) == 0 ? count : 0;
}

// False: the other end is gone.
bool throw_away(const UniqueFd& line) {
    std::array<char, 16 * 1024> buffer{};
    for (std::size_t all = 0; all < kMostThrownAway;) {
        const ssize_t got = ::recv(line.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got == 0) return false;
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        all += static_cast<std::size_t>(got);
    }
    return true;
}

bool is_of(const UniqueFd& connection, uid_t uid) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == uid;
}

// What pidfd_getfd(2) lends; libc knows it by its number only.
UniqueFd borrow(const UniqueFd& process, int number) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0U)));
}

// The masters of terminals that a process has open: of a monitor that is its container's console and nothing else.
std::vector<int> masters_of(pid_t pid) {
    std::vector<int> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
        std::error_code closed;
        const std::string target = std::filesystem::read_symlink(entry.path(), closed);
        if (target.ends_with("/ptmx")) found.push_back(std::stoi(entry.path().filename()));
    }
    std::ranges::sort(found);
    return found;
}

// Byte by byte, each only where it finds room: the descriptor is shared with the monitor, which wants it to block.
std::size_t write_where_room(const UniqueFd& terminal, std::string_view bytes) {
    std::size_t written = 0;
    for (const char& each : bytes) {
        pollfd room{terminal.get(), POLLOUT, 0};
        if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) break;
        if (::write(terminal.get(), &each, 1) != 1) break;
        ++written;
    }
    return written;
}

}  // namespace

ConsoleLines::Line* ConsoleLines::find(const std::string& name) {
    const auto found = std::ranges::find(lines_, name, &Line::name);
    if (found == lines_.end()) return nullptr;
    if (!throw_away(found->fd)) {
        lines_.erase(found);
        return nullptr;
    }
    lines_.splice(lines_.end(), lines_, found);
    return &*found;
}

// By its descriptor, so that what is connected to is what was looked at, however long its path.
Answer<Typed> ConsoleLines::attach(const std::string& name, int directory, uid_t uid) {
    const Answer<UniqueFd> data = open_directory(directory, "data");
    if (!data) return std::unexpected(data.error());
    const UniqueFd place(::openat(data->get(), "console.sock", O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!place && errno == ENOENT) return Typed::off;
    struct stat seen{};
    if (!place || ::fstat(place.get(), &seen) != 0 || !S_ISSOCK(seen.st_mode) || seen.st_uid != uid) {
        return in_the_way();
    }
    UniqueFd line(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!line) return std::unexpected(os_failure("attach to a console"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}", place.get());
    path.copy(address.sun_path, path.size());
    if (::connect(line.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ECONNREFUSED) return Typed::off;
        if (errno == EAGAIN) return Typed::unread;  // so many wait there already
        return std::unexpected(os_failure("attach to a console"));
    }
    if (!is_of(line, uid)) return in_the_way();
    if (lines_.size() >= kMostLines) lines_.pop_front();
    lines_.push_back({name, std::move(line), Clock::now()});
    return Typed::taken;
}

Answer<Typed> ConsoleLines::send(const std::string& name, std::string_view bytes) {
    Line* line = find(name);
    if (line == nullptr) return Typed::off;
    line->used = Clock::now();
    if (unread(line->fd) > kMostUnread) return Typed::unread;
    const ssize_t sent = ::send(line->fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(bytes.size())) return Typed::taken;
    if (sent < 0 && errno == EAGAIN) return Typed::unread;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return Typed::off;
    return refuse(FailureCode::io, "only a part of it could be typed");
}

Answer<Typed> ConsoleLines::type(const std::string& name, int directory, uid_t uid, std::string_view bytes) {
    if (find(name) == nullptr) {
        const Answer<Typed> attached = attach(name, directory, uid);
        if (!attached || *attached != Typed::taken) return attached;
    }
    return send(name, bytes);
}

void ConsoleLines::add_to(std::vector<pollfd>& waited) const {
    for (const Line& each : lines_) waited.push_back({each.fd.get(), POLLIN, 0});
}

void ConsoleLines::serve(int fd) {
    const auto found = std::ranges::find_if(lines_, [&](const Line& line) { return line.fd.get() == fd; });
    if (found != lines_.end() && !throw_away(found->fd)) lines_.erase(found);
}

bool ConsoleLines::close_idle(Clock::time_point now) {
    std::erase_if(lines_, [&](const Line& line) {
        const auto idle = now - line.used;
        return idle > kStuck || (idle > kIdle && unread(line.fd) == 0);
    });
    return lines_.empty();
}

Answer<Typed> type_in_container(const Process& monitor, std::string_view bytes) {
    const UniqueFd process = open_pidfd(monitor);
    if (!process) return Typed::off;
    const std::vector<int> masters = masters_of(monitor.pid);
    if (masters.empty()) return Typed::off;  // it is only beginning, or ending
    if (masters.size() > 1) return refuse(FailureCode::unsupported, "its monitor has more than one terminal");
    const UniqueFd terminal = borrow(process, masters.front());
    if (!terminal) {
        if (errno == EPERM || errno == ENOSYS) {
            return refuse(FailureCode::unsupported,
                          "this host does not let the helper reach a container's console (ptrace is forbidden)");
        }
        return Typed::off;
    }
    unsigned int number = 0;
    if (::ioctl(terminal.get(), TIOCGPTN, &number) != 0) return Typed::off;
    const std::size_t written = write_where_room(terminal, bytes);
    if (written == bytes.size()) return Typed::taken;
    if (written == 0) return Typed::unread;
    return refuse(FailureCode::io, "only a part of it could be typed");
}

}  // namespace slipway::agent
