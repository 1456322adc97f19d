// A disk that forgets: SQLite's files behind a VFS that knows what was synced, and can lose the rest as a power
// failure does.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "base/random.h"

namespace slipway::conformance {

class CrashDisk {
  public:
    // Registers itself as an SQLite VFS. At the `crash_at`-th write, sync or truncation (from 1; 0: never) the
    // machine dies: that call and every later one that changes something fails.
    explicit CrashDisk(std::uint64_t crash_at);
    CrashDisk(const CrashDisk&) = delete;
    CrashDisk& operator=(const CrashDisk&) = delete;
    ~CrashDisk();

    [[nodiscard]] const std::string& vfs() const { return name_; }
    [[nodiscard]] bool crashed() const;
    [[nodiscard]] std::uint64_t calls() const;

    enum class Loss : std::uint8_t { all, some };
    // Once everything is closed: takes back unsynced sectors (all, or each with probability one half), as they
    // were when last synced, and files that were never synced.
    void lose_unsynced(Loss loss, Random& random);

    // For the VFS.
    struct Tracked {
        std::map<std::int64_t, std::string> before;  // unsynced sectors, as they were; shorter at the end
        std::int64_t synced_size = 0;
        bool ever_synced = false;
        bool unsynced = false;
    };
    struct File {
        sqlite3_file base;
        CrashDisk* disk;
        std::string* path;  // null: not tracked
        sqlite3_file* real;
    };
    bool may_change();  // counts the call
    void remember(File& file, std::int64_t from, std::int64_t to);
    void synced(File& file);
    void opened(const std::string& path);
    sqlite3_vfs* real() { return real_; }

  private:
    std::string name_;
    sqlite3_vfs* real_;
    sqlite3_vfs vfs_{};
    mutable std::mutex mutex_;
    std::uint64_t calls_ = 0;
    const std::uint64_t crash_at_;
    std::map<std::string, Tracked> files_;
};

}  // namespace slipway::conformance
