#include "store/sqlite/directory_lock.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway::sqlite {
namespace {

std::unexpected<Error> refuse(const std::filesystem::path& path, std::string_view what) {
    return fail(ErrorCode::storage, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

std::string holder(int file) {
    std::array<char, 32> text{};
    const ssize_t count = ::pread(file, text.data(), text.size() - 1, 0);
    const std::string pid(text.data(), count > 0 ? std::strspn(text.data(), "0123456789") : 0);
    return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
        std::filesystem::create_directories(directory.parent_path(), error);
        if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return refuse(directory, "cannot make it");
    }
    const auto path = directory / "lock";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return refuse(path, "cannot open it");
    DirectoryLock lock(file);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return refuse(path, "cannot lock it");
        return fail(ErrorCode::unavailable,
                    fmt::format("the data directory {} is in use by {}", directory.string(), holder(file)));
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        return refuse(path, "cannot write it");
    }
    return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

DirectoryLock::~DirectoryLock() {
    if (file_ >= 0) ::close(file_);
}

}  // namespace slipway::sqlite
