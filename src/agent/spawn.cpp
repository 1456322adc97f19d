#include "agent/spawn.h"

#include <array>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/spawn_parts.h"

namespace slipway::agent {
namespace {

constexpr int kHelperFd = 3;

std::vector<std::string> words_of(const SpawnOptions& options) {
    std::vector<std::string> words{"slipway", "agent"};
    const std::vector<std::string> rest{"--fd",
                                        std::to_string(kHelperFd),
                                        "--root",
                                        options.root,
                                        "--uid-first",
                                        std::to_string(options.uid_first),
                                        "--uid-last",
                                        std::to_string(options.uid_last),
                                        "--container-uids",
                                        std::to_string(options.container_uids)};
    words.insert(words.end(), options.extra.begin(), options.extra.end());
    words.insert(words.end(), rest.begin(), rest.end());
    if (!options.images.empty()) words.insert(words.end(), {"--images", options.images});
    if (!options.bridge.empty()) words.insert(words.end(), {"--bridge", options.bridge});
    return words;
}

// Of the server's environment what a program needs to run at all: the rest may hold secrets, and is the server's.
std::vector<std::string> environment_of_helper() {
    std::vector<std::string> kept{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C"};
    for (const char* name : {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
        if (const char* value = std::getenv(name)) kept.push_back(fmt::format("{}={}", name, value));
    }
    return kept;
}

int start(const SpawnOptions& options, int fd, pid_t& pid) {
    SpawnParts with;
    sigset_t none;
    sigemptyset(&none);
    // A session of its own: an interrupt from the terminal is for the broker, which then closes the connection.
    ::posix_spawnattr_setflags(&with.attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    ::posix_spawnattr_setsigmask(&with.attributes_, &none);
    ::posix_spawn_file_actions_adddup2(&with.actions_, fd, kHelperFd);
    std::vector<std::string> words = words_of(options);
    std::vector<std::string> variables = environment_of_helper();
    return ::posix_spawn(&pid, options.executable.c_str(), &with.actions_, &with.attributes_,
                         pointers(words).data(), pointers(variables).data());
}

}  // namespace

Answer<Link> spawn(const SpawnOptions& options) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return refuse(FailureCode::unavailable, fmt::format("cannot make a socket pair: {}", std::strerror(errno)));
    }
    Link link;
    link.socket.reset(ends[0]);
    UniqueFd theirs(ends[1]);
    if (theirs.get() == kHelperFd) {
        // dup2 onto itself would keep close-on-exec set in older C libraries: use another number.
        UniqueFd other(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
        theirs = std::move(other);
    }
    ::fcntl(link.socket.get(), F_SETFL, O_NONBLOCK);
    const int error = start(options, theirs.get(), link.pid);
    if (error != 0) {
        return refuse(FailureCode::unavailable,
                      fmt::format("the helper process could not be started: {}", std::strerror(error)));
    }
    return link;
}

Answer<Link> connect(const ConnectOptions& options) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options.socket.size() >= sizeof address.sun_path) {
        return refuse(FailureCode::unavailable, "the path of the helper's socket is too long");
    }
    options.socket.copy(address.sun_path, options.socket.size());
    Link link;
    link.socket.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!link.socket ||
        ::connect(link.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return refuse(FailureCode::unavailable, fmt::format("the helper's socket {} does not answer: {}",
                                                            options.socket, std::strerror(errno)));
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(link.socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        peer.uid != options.helper_uid) {
        return refuse(FailureCode::unavailable, "the helper's socket belongs to somebody else");
    }
    return link;
}

}  // namespace slipway::agent
