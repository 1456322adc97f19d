#include "agent/server.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/log.h"

namespace slipway::agent {
namespace {

constexpr std::size_t kMaxConnections = 8;
constexpr int kPruneInterval = 3600 * 1000;  // milliseconds

// Handles one request. False where the connection is over.
bool serve_one(Handler& handler, int fd) {
    std::string message(kMaxMessage + 1, '\0');
    const ssize_t got = ::recv(fd, message.data(), message.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    message.resize(static_cast<std::size_t>(got));
    const std::string answer = handler.handle(message);
    return ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
}

// A client that does not read its answers must not hold up the others.
void bound_sending(int fd) {
    const timeval limit{2, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

UniqueFd listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {};
    path.copy(address.sun_path, path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    struct stat seen{};
    // Only what is a socket is replaced.
    if (::lstat(path.c_str(), &seen) == 0 && S_ISSOCK(seen.st_mode)) ::unlink(path.c_str());
    const bool bound = fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    // Who may use it is decided by the peer's uid, which cannot be forged.
    if (!bound || ::chmod(path.c_str(), 0666) != 0 || ::listen(fd.get(), 8) != 0) return {};
    return fd;
}

bool may_enter(int fd, uid_t allowed) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == allowed || peer.uid == 0 || peer.uid == ::geteuid();
}

void let_in(int listener, uid_t allowed, std::vector<UniqueFd>& connections) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return;
    if (!may_enter(fd.get(), allowed)) {
        log::warning("agent", "refused a connection of a uid that is not allowed");
        return;
    }
    if (connections.size() >= kMaxConnections) return;
    bound_sending(fd.get());
    connections.push_back(std::move(fd));
}

}  // namespace

int serve(Handler& handler, const Door& door) {
    std::vector<UniqueFd> connections;
    UniqueFd listener;
    if (door.connection >= 0) {
        connections.emplace_back(door.connection);
        bound_sending(door.connection);
    } else {
        listener = listen_at(door.listen);
        if (!listener) {
            log::error("agent", "cannot listen", {{"path", door.listen}, {"why", std::strerror(errno)}});
            return 1;
        }
    }
    auto pruned = std::chrono::steady_clock::now();
    while (listener || !connections.empty()) {
        std::vector<pollfd> waited;
        waited.reserve(connections.size() + 1);
        for (const UniqueFd& each : connections) waited.push_back({each.get(), POLLIN, 0});
        if (listener) waited.push_back({listener.get(), POLLIN, 0});
        const std::size_t doors = waited.size();
        const int until_next = handler.tend(std::chrono::steady_clock::now());
        handler.lines().add_to(waited);
        const int ready = ::poll(waited.data(), waited.size(), std::min(until_next, kPruneInterval));
        if (ready < 0 && errno != EINTR) return 1;
        const auto now = std::chrono::steady_clock::now();
        if (now - pruned >= std::chrono::milliseconds(kPruneInterval)) {
            handler.instances().prune();
            pruned = now;
        }
        if (ready <= 0) continue;
        for (std::size_t i = doors; i < waited.size(); ++i) {
            if (waited[i].revents != 0) handler.lines().serve(waited[i].fd);
        }
        const std::size_t count = connections.size();
        for (std::size_t i = count; i-- > 0;) {
            if (waited[i].revents != 0 && !serve_one(handler, connections[i].get())) {
                connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (listener && waited[count].revents != 0) let_in(listener.get(), door.allowed_uid, connections);
    }
    return 0;
}

}  // namespace slipway::agent
