// One process at a time works on a data directory.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace slipway::sqlite {

// Held while it lives; the kernel lets go of it when the process dies in any way.
class DirectoryLock {
  public:
    // Makes the directory (mode 0700) where it is missing. ErrorCode::unavailable, naming the process that has
    // it, where another one is at work; ErrorCode::storage where the directory cannot be used.
    static Result<DirectoryLock> take(const std::filesystem::path& directory);

    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    ~DirectoryLock();

  private:
    explicit DirectoryLock(int file) : file_(file) {}
    int file_;
};

}  // namespace slipway::sqlite
