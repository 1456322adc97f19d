#include "agent/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace slipway::agent {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::string_view kTemporary = ".writing";

Answer<void> write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return std::unexpected(os_failure("write a file"));
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

bool has_content(int directory, const std::string& name, std::string_view content, const FileOwner& owner) {
    struct stat seen{};
    if (::fstatat(directory, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) return false;
    if (seen.st_uid != owner.uid || seen.st_gid != owner.gid || (seen.st_mode & 07777) != owner.mode) return false;
    const Answer<std::string> old = read_file(directory, name, content.size());
    return old && *old == content;
}

}  // namespace

Failure os_failure(std::string_view what) {
    const int error = errno;
    return Failure{FailureCode::io, fmt::format("cannot {}: {}", what, std::strerror(error))};
}

Answer<UniqueFd> open_directory(int parent, const std::string& name) {
    UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd) return fd;
    if (errno == ENOENT) return refuse(FailureCode::absent, "there is no such directory");
    if (errno == ENOTDIR || errno == ELOOP) {
        return refuse(FailureCode::foreign, "something other than a directory is in the way");
    }
    return std::unexpected(os_failure("open a directory"));
}

Answer<UniqueFd> make_directory(int parent, const std::string& name, mode_t mode) {
    if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
        return std::unexpected(os_failure("make a directory"));
    }
    Answer<UniqueFd> fd = open_directory(parent, name);
    if (fd && ::fchmod(fd->get(), mode) != 0) return std::unexpected(os_failure("set a directory's mode"));
    return fd;
}

Answer<void> sync(int fd, std::string_view what) {
    if (::fsync(fd) != 0) return std::unexpected(os_failure(fmt::format("sync {}", what)));
    return {};
}

Answer<bool> replace_file(int directory, const std::string& name, std::string_view content, const FileOwner& owner,
                          Durability durability) {
    if (has_content(directory, name, content, owner)) return false;
    const std::string temporary = fmt::format("{}.{}", kTemporary, name);
    ::unlinkat(directory, temporary.c_str(), 0);
    const UniqueFd fd(
        ::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(os_failure("make a file"));
    if (const Answer<void> written = write_all(fd.get(), content); !written) {
        return std::unexpected(written.error());
    }
    if (::fchown(fd.get(), owner.uid, owner.gid) != 0 || ::fchmod(fd.get(), owner.mode) != 0) {
        return std::unexpected(os_failure("set a file's owner"));
    }
    if (durability != Durability::none) {
        if (const Answer<void> synced = sync(fd.get(), "a file"); !synced) return std::unexpected(synced.error());
    }
    if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
        return std::unexpected(os_failure("put a file in its place"));
    }
    if (durability == Durability::name) {
        if (const Answer<void> synced = sync(directory, "a directory"); !synced)
            return std::unexpected(synced.error());
    }
    return true;
}

Answer<std::string> read_file(int directory, const std::string& name, std::size_t limit) {
    // O_NONBLOCK: opening a fifo that someone put there must not wait for its writer.
    const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!fd && errno == ENOENT) return refuse(FailureCode::absent, "there is no such file");
    if (!fd) return std::unexpected(os_failure("open a file"));
    struct stat seen{};
    if (::fstat(fd.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) {
        return refuse(FailureCode::foreign, "something other than a file is in the way");
    }
    if (static_cast<std::size_t>(seen.st_size) > limit)
        return refuse(FailureCode::invalid, "the file is too large");
    std::string content(limit + 1, '\0');
    std::size_t have = 0;
    while (have < content.size()) {
        const ssize_t got = ::read(fd.get(), content.data() + have, content.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(os_failure("read a file"));
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    if (have > limit) return refuse(FailureCode::invalid, "the file is too large");
    content.resize(have);
    return content;
}

std::string read_tail(int directory, const std::string& name, std::size_t limit) {
    const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat seen{};
    if (!fd || ::fstat(fd.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return {};
    const off_t wanted = std::min<off_t>(seen.st_size, static_cast<off_t>(limit));
    std::string content(static_cast<std::size_t>(wanted), '\0');
    const ssize_t got = ::pread(fd.get(), content.data(), content.size(), seen.st_size - wanted);
    content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return content;
}

std::vector<std::string> list_names(int directory) {
    std::vector<std::string> names;
    // A new description: fdopendir takes the descriptor over and moves its position.
    const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return names;
    struct CloseDir {
        void operator()(DIR* dir) const { ::closedir(dir); }
    };
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(copy));
    if (!dir) {
        ::close(copy);
        return names;
    }
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name(entry->d_name);
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

Answer<void> remove_tree(int parent, const std::string& name, int depth) {
    if (depth > kMaxDepth) return refuse(FailureCode::io, "directories are nested too deeply to be removed");
    if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return std::unexpected(os_failure("remove a file"));
    {
        // What the engine made may deny reading to its owner; the helper may be that owner.
        ::fchmodat(parent, name.c_str(), 0700, AT_SYMLINK_NOFOLLOW);
        const Answer<UniqueFd> fd = open_directory(parent, name);
        if (!fd) return std::unexpected(fd.error());
        ::fchmod(fd->get(), 0700);
        for (const std::string& each : list_names(fd->get())) {
            if (const Answer<void> removed = remove_tree(fd->get(), each, depth + 1); !removed) return removed;
        }
    }
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return std::unexpected(os_failure("remove a directory"));
    }
    return {};
}

}  // namespace slipway::agent
