#include "agent/copy.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway::agent {
namespace {

// A template is far below these.
constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxEntries = 20'000;
constexpr off_t kMaxBytes = off_t{1} << 30;
constexpr std::size_t kChunk = 1 << 20;

struct Left {
    std::size_t entries = kMaxEntries;
    off_t bytes = kMaxBytes;
};

Answer<void> copy_by_hand(int from, int to) {
    std::string buffer(kChunk, '\0');
    for (;;) {
        const ssize_t got = ::read(from, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(os_failure("read a file"));
        if (got == 0) return {};
        for (ssize_t done = 0; done < got;) {
            const ssize_t written = ::write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return std::unexpected(os_failure("write a file"));
            done += written;
        }
    }
}

Answer<void> copy_content(int from, int to) {
    // Shared blocks, where the file system can.
    return ::ioctl(to, FICLONE, from) == 0 ? Answer<void>() : copy_rest(from, to);
}

Answer<void> copy_file(int from, int to, const std::string& name, const FileOwner& owner, Left& left) {
    const UniqueFd source(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat seen{};
    if (!source || ::fstat(source.get(), &seen) != 0) return std::unexpected(os_failure("open a file"));
    if (!S_ISREG(seen.st_mode)) return refuse(FailureCode::foreign, "there is something other than files in it");
    if (seen.st_size > left.bytes) return refuse(FailureCode::invalid, "the directory is too large to be copied");
    left.bytes -= seen.st_size;
    const UniqueFd copy(::openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!copy) return std::unexpected(os_failure("make a file"));
    if (seen.st_size > 0) {
        if (const Answer<void> copied = copy_content(source.get(), copy.get()); !copied) return copied;
    }
    if (::fchown(copy.get(), owner.uid, owner.gid) != 0) return std::unexpected(os_failure("set a file's owner"));
    return {};
}

Answer<void> copy_below(int from, int to, const FileOwner& owner, Left& left, int depth) {
    if (depth > kMaxDepth) return refuse(FailureCode::invalid, "directories are nested too deeply to be copied");
    for (const std::string& each : list_names(from)) {
        if (left.entries-- == 0) return refuse(FailureCode::invalid, "the directory is too large to be copied");
        struct stat seen{};
        if (::fstatat(from, each.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
            return std::unexpected(os_failure("look at a file"));
        }
        if (!S_ISDIR(seen.st_mode)) {
            if (!S_ISREG(seen.st_mode)) {
                return refuse(FailureCode::foreign, "there is something other than files in it");
            }
            if (const Answer<void> copied = copy_file(from, to, each, owner, left); !copied) return copied;
            continue;
        }
        const Answer<UniqueFd> source = open_directory(from, each);
        if (!source) return std::unexpected(source.error());
        const Answer<UniqueFd> copy = make_directory(to, each, 0700);
        if (!copy) return std::unexpected(copy.error());
        if (const Answer<void> done = copy_below(source->get(), copy->get(), owner, left, depth + 1); !done) {
            return done;
        }
        if (::fchown(copy->get(), owner.uid, owner.gid) != 0) {
            return std::unexpected(os_failure("set a directory's owner"));
        }
    }
    return {};
}

Answer<void> give_below(int directory, uid_t uid, gid_t gid, Left& left, int depth) {
    if (depth > kMaxDepth) return refuse(FailureCode::invalid, "directories are nested too deeply");
    for (const std::string& each : list_names(directory)) {
        if (left.entries-- == 0) return refuse(FailureCode::invalid, "the directory is too large");
        struct stat seen{};
        if (::fstatat(directory, each.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
            return std::unexpected(os_failure("look at a file"));
        }
        if (S_ISDIR(seen.st_mode)) {
            const Answer<UniqueFd> below = open_directory(directory, each);
            if (!below) return std::unexpected(below.error());
            if (const Answer<void> given = give_below(below->get(), uid, gid, left, depth + 1); !given)
                return given;
        } else if (!S_ISREG(seen.st_mode) || seen.st_nlink != 1) {
            // A second name would stay where it is and change hands too.
            return refuse(FailureCode::foreign, "there is something other than files in it");
        }
        if (::fchownat(directory, each.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
            return std::unexpected(os_failure("set a file's owner"));
        }
    }
    return {};
}

}  // namespace

Answer<void> copy_rest(int from, int to) {
    for (;;) {
        const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, kChunk * 64, 0);
        if (copied == 0) return {};
        if (copied < 0 && errno == EINTR) continue;
        // Both have their positions: by hand it goes on from there.
        if (copied < 0) return copy_by_hand(from, to);
    }
}

Answer<void> copy_tree(int from, int to, const FileOwner& owner) {
    Left left;
    if (const Answer<void> copied = copy_below(from, to, owner, left, 0); !copied) return copied;
    if (::fchown(to, owner.uid, owner.gid) != 0) return std::unexpected(os_failure("set a directory's owner"));
    return {};
}

Answer<void> give_tree(int directory, uid_t uid, gid_t gid) {
    Left left;
    if (const Answer<void> given = give_below(directory, uid, gid, left, 0); !given) return given;
    if (::fchown(directory, uid, gid) != 0) return std::unexpected(os_failure("set a directory's owner"));
    return {};
}

}  // namespace slipway::agent
