#include "main/service_manager.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

namespace slipway {
namespace {

bool send_datagram(const std::string& socket_name, const std::string& message) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_name.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    socket_name.copy(address.sun_path, socket_name.size());
    if (socket_name.front() == '@') address.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_name.size());
    const ssize_t sent = ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                  reinterpret_cast<const sockaddr*>(&address), size);
    ::close(fd);
    return sent == static_cast<ssize_t>(message.size());
}

}  // namespace

void ServiceManager::tell(const std::string& message) const {
    if (socket_.empty() || send_datagram(socket_, message)) return;
    log::warning("main", "the service manager cannot be told how the server is doing",
                 {{"socket", socket_}, {"why", std::strerror(errno)}});
}

void ServiceManager::ready(std::string_view status) const { tell(fmt::format("READY=1\nSTATUS={}", status)); }

// The time tells the manager which reload it is.
void ServiceManager::reloading() const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", (now.tv_sec * 1'000'000) + (now.tv_nsec / 1000)));
}

void ServiceManager::stopping() const { tell("STOPPING=1\nSTATUS=stopping"); }

}  // namespace slipway
