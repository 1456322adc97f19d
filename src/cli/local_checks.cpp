#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/machine.h"
#include "cli/doctor.h"

namespace slipway::cli {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kLittleSpace = 1024 * kMiB;
constexpr std::uint64_t kNoSpace = 100 * kMiB;
constexpr rlim_t kFewFiles = 4096;

std::string why() { return std::generic_category().message(errno); }

Finding check_permissions(const std::string& path, const struct stat& seen) {
    const std::string check = "state directory";
    if (!S_ISDIR(seen.st_mode)) return {check, Severity::problem, path + " is not a directory", "move it away"};
    if ((seen.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return {check, Severity::problem,
                fmt::format("{} can be written by others (mode {:o})", path, seen.st_mode & 07777U),
                "chmod go-w " + path};
    }
    if (::access(path.c_str(), W_OK | X_OK) != 0) {
        return {check, Severity::warning, fmt::format("{} cannot be written by this user", path),
                "run as the user that the server runs as, or name another with --state-dir"};
    }
    return {check, Severity::ok, fmt::format("{} (mode {:o})", path, seen.st_mode & 07777U), ""};
}

// The keys that the server keeps there. Whoever reads one is administrator, or opens every secret.
std::vector<Finding> check_keys(const std::string& path) {
    std::vector<Finding> findings;
    for (const std::string name : {"admin.key", "master.key"}) {
        const std::string key = fmt::format("{}/{}", path, name);
        struct stat seen{};
        if (::stat(key.c_str(), &seen) != 0) continue;  // it was taken elsewhere, or there was no start yet
        const unsigned mode = seen.st_mode & 07777U;
        if ((mode & (S_IRWXG | S_IRWXO)) != 0) {
            findings.push_back({"keys", Severity::problem,
                                fmt::format("{} can be read by others (mode {:o})", key, mode),
                                "chmod 600 " + key});
        } else {
            findings.push_back({"keys", Severity::ok, fmt::format("{} (mode {:o})", key, mode), ""});
        }
    }
    return findings;
}

Finding check_space(const std::string& path) {
    const std::string check = "free space";
    struct statvfs space{};
    if (::statvfs(path.c_str(), &space) != 0) {
        return {check, Severity::warning, fmt::format("cannot be read at {}: {}", path, why()),
                "run as the user that the server runs as"};
    }
    const std::uint64_t left = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    const std::string message = fmt::format("{} MiB at {}", left / kMiB, path);
    const std::string fix = "make room, or keep the state elsewhere with --state-dir";
    if (left < kNoSpace) return {check, Severity::problem, message, fix};
    if (left < kLittleSpace) return {check, Severity::warning, message, fix};
    return {check, Severity::ok, message, ""};
}

Finding check_sync(const std::string& path) {
    const std::string check = "fsync";
    const auto time = sync_time(path);
    if (!time) {
        const std::string& reason = time.error().message;
        if (time.error().code == ErrorCode::storage) {
            return {check, Severity::problem, fmt::format("failed in {}: {}", path, reason),
                    "look at the disk and its mount"};
        }
        return {check, Severity::warning, fmt::format("could not be tried in {}: {}", path, reason),
                "make room, or mount it for writing"};
    }
    const std::string message = fmt::format("{:.2f} ms", std::chrono::duration<double, std::milli>(*time).count());
    if (*time > kSlowSync) {
        return {check, Severity::warning, message + ": every accepted request waits for one",
                "keep the state on a faster disk"};
    }
    return {check, Severity::ok, message, ""};
}

}  // namespace

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::ok: return "ok";
        case Severity::warning: return "warning";
        case Severity::problem: return "problem";
    }
    return "unknown";
}

Finding check_names() {
    const std::string check = "names";
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo("slipway-doctor-check.localhost", nullptr, &hints, &found);
    if (found != nullptr) ::freeaddrinfo(found);
    if (failed == 0) return {check, Severity::ok, "*.localhost resolves", ""};
    // A domain of one's own (local.domain) does not need it.
    return {check, Severity::warning,
            fmt::format("*.localhost does not resolve ({}), so that instances cannot be reached by their names",
                        ::gai_strerror(failed)),
            "apt-get install libnss-myhostname"};
}

Finding check_ipv6() {
    const std::string check = "IPv6 loopback";
    const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const std::string reason = why();
    if (fd >= 0) ::close(fd);
    if (bound) return {check, Severity::ok, "::1 can be bound", ""};
    return {check, Severity::warning,
            fmt::format("::1 cannot be bound ({}); instances listen on 127.0.0.1 alone", reason),
            "sysctl net.ipv6.conf.lo.disable_ipv6=0, where IPv6 is wanted"};
}

Finding check_open_files() {
    const std::string check = "open files";
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const std::string message = limit.rlim_max == RLIM_INFINITY
                                    ? fmt::format("at most {}, no upper bound", limit.rlim_cur)
                                    : fmt::format("at most {}, up to {}", limit.rlim_cur, limit.rlim_max);
    if (limit.rlim_max < kFewFiles) {
        return {check, Severity::warning, message + ": one for each connection and more for each engine",
                "raise it: ulimit -n 65536, or LimitNOFILE= of the service"};
    }
    return {check, Severity::ok, message, ""};
}

Finding check_privileges(bool root) {
    const std::string check = "privileges";
    if (root) return {check, Severity::ok, "root: every engine runs under a uid of its own", ""};
    return {check, Severity::warning,
            "not root: every engine runs as this user and is not kept apart from the others",
            "start the server as root (it hands its rights to the helper), or run `slipway agent` as root"};
}

std::vector<Finding> check_state_dir(const std::string& path) {
    struct stat seen{};
    if (::stat(path.c_str(), &seen) != 0) {
        const bool absent = errno == ENOENT;
        return {{"state directory", absent ? Severity::ok : Severity::warning,
                 absent ? path + " does not exist yet: the server makes it" : fmt::format("{}: {}", path, why()),
                 absent ? "" : "run as the user that the server runs as"}};
    }
    std::vector<Finding> findings{check_permissions(path, seen)};
    if (!S_ISDIR(seen.st_mode)) return findings;
    std::ranges::move(check_keys(path), std::back_inserter(findings));
    findings.push_back(check_space(path));
    if (::access(path.c_str(), W_OK | X_OK) == 0) findings.push_back(check_sync(path));
    return findings;
}

}  // namespace slipway::cli
