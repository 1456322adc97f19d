#include "store_crash_vfs.h"

#include <atomic>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace slipway::conformance {
namespace {

constexpr std::int64_t kSector = 512;
using File = CrashDisk::File;

File& self(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
CrashDisk& disk_of(sqlite3_vfs* vfs) { return *static_cast<CrashDisk*>(vfs->pAppData); }

int close_file(sqlite3_file* file) {
    File& of = self(file);
    const int code = of.real->pMethods->xClose(of.real);
    delete of.path;
    of.path = nullptr;
    return code;
}
int read_file(sqlite3_file* file, void* out, int count, sqlite3_int64 at) {
    return self(file).real->pMethods->xRead(self(file).real, out, count, at);
}
int write_file(sqlite3_file* file, const void* in, int count, sqlite3_int64 at) {
    File& of = self(file);
    if (of.path != nullptr) {
        of.disk->remember(of, at, at + count);
        if (!of.disk->may_change()) return SQLITE_IOERR_WRITE;
    }
    return of.real->pMethods->xWrite(of.real, in, count, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    File& of = self(file);
    if (of.path != nullptr) {
        sqlite3_int64 present = 0;
        of.real->pMethods->xFileSize(of.real, &present);
        of.disk->remember(of, size, present);
        if (!of.disk->may_change()) return SQLITE_IOERR_TRUNCATE;
    }
    return of.real->pMethods->xTruncate(of.real, size);
}
int sync_file(sqlite3_file* file, int) {
    File& of = self(file);
    if (of.path == nullptr) return SQLITE_OK;
    if (!of.disk->may_change()) return SQLITE_IOERR_FSYNC;
    of.disk->synced(of);
    return SQLITE_OK;
}
int size_file(sqlite3_file* file, sqlite3_int64* size) {
    return self(file).real->pMethods->xFileSize(self(file).real, size);
}
int lock_file(sqlite3_file* file, int level) { return self(file).real->pMethods->xLock(self(file).real, level); }
int unlock_file(sqlite3_file* file, int level) {
    return self(file).real->pMethods->xUnlock(self(file).real, level);
}
int reserved_file(sqlite3_file* file, int* out) {
    return self(file).real->pMethods->xCheckReservedLock(self(file).real, out);
}
int control_file(sqlite3_file* file, int what, void* with) {
    // Size hints and chunks would change the file behind our back.
    if (what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;
    return self(file).real->pMethods->xFileControl(self(file).real, what, with);
}
int sector_file(sqlite3_file* file) { return self(file).real->pMethods->xSectorSize(self(file).real); }
int device_file(sqlite3_file* file) { return self(file).real->pMethods->xDeviceCharacteristics(self(file).real); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return self(file).real->pMethods->xShmMap(self(file).real, page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    return self(file).real->pMethods->xShmLock(self(file).real, offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { self(file).real->pMethods->xShmBarrier(self(file).real); }
int shm_unmap(sqlite3_file* file, int remove) {
    return self(file).real->pMethods->xShmUnmap(self(file).real, remove);
}

const sqlite3_io_methods kMethods = {
    2,         close_file,  read_file,     write_file,   truncate_file, sync_file,   size_file,
    lock_file, unlock_file, reserved_file, control_file, sector_file,   device_file, shm_map,
    shm_lock,  shm_barrier, shm_unmap,     nullptr,      nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    CrashDisk& disk = disk_of(vfs);
    File& of = self(file);
    of = {{nullptr}, &disk, nullptr, reinterpret_cast<sqlite3_file*>(&of + 1)};
    const int code = disk.real()->xOpen(disk.real(), name, of.real, flags, out);
    if (of.real->pMethods == nullptr) return code;
    of.base.pMethods = &kMethods;
    if (code == SQLITE_OK && name != nullptr &&
        (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0) {
        of.path = new std::string(name);
        disk.opened(name);
    }
    return code;
}
int delete_file(sqlite3_vfs* vfs, const char* name, int sync) {
    CrashDisk& disk = disk_of(vfs);
    if (!disk.may_change()) return SQLITE_IOERR_DELETE;
    return disk.real()->xDelete(disk.real(), name, sync);
}

std::string read_sector(sqlite3_file* real, std::int64_t at, std::int64_t size) {
    std::string out(static_cast<std::size_t>(std::min(kSector, size - at)), '\0');
    real->pMethods->xRead(real, out.data(), static_cast<int>(out.size()), at);
    return out;
}

}  // namespace

CrashDisk::CrashDisk(std::uint64_t crash_at) : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_), crash_at_(crash_at) {
    static std::atomic<int> number = 0;
    name_ = fmt::format("crash-{}", ++number);
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open_file;
    vfs_.xDelete = delete_file;
    if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::runtime_error("cannot register the VFS");
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&vfs_); }

bool CrashDisk::crashed() const {
    const std::scoped_lock lock(mutex_);
    return crash_at_ != 0 && calls_ >= crash_at_;
}

std::uint64_t CrashDisk::calls() const {
    const std::scoped_lock lock(mutex_);
    return calls_;
}

bool CrashDisk::may_change() {
    const std::scoped_lock lock(mutex_);
    ++calls_;
    return crash_at_ == 0 || calls_ < crash_at_;
}

void CrashDisk::opened(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    const auto [file, added] = files_.try_emplace(path);
    // What was there before this disk came counts as synced; a file of no bytes may vanish.
    if (added && !error && size > 0) {
        file->second.synced_size = static_cast<std::int64_t>(size);
        file->second.ever_synced = true;
    }
}

void CrashDisk::remember(File& file, std::int64_t from, std::int64_t to) {
    const std::scoped_lock lock(mutex_);
    Tracked& tracked = files_[*file.path];
    tracked.unsynced = true;
    for (std::int64_t at = from / kSector * kSector; at < to; at += kSector) {
        if (at >= tracked.synced_size || tracked.before.contains(at)) continue;
        tracked.before.emplace(at, read_sector(file.real, at, tracked.synced_size));
    }
}

void CrashDisk::synced(File& file) {
    const std::scoped_lock lock(mutex_);
    sqlite3_int64 size = 0;
    file.real->pMethods->xFileSize(file.real, &size);
    files_[*file.path] = {{}, size, true, false};
}

void CrashDisk::lose_unsynced(Loss loss, Random& random) {
    const std::scoped_lock lock(mutex_);
    for (auto& [path, tracked] : files_) {
        std::filesystem::remove(path + "-shm");
        if (!tracked.unsynced || !std::filesystem::exists(path)) continue;
        if (!tracked.ever_synced && loss == Loss::all) {
            std::filesystem::remove(path);
            continue;
        }
        const auto lost = [&] { return loss == Loss::all || random.below(2) == 0; };
        const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        if (file < 0) throw std::runtime_error("cannot open " + path);
        const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path));
        for (const auto& [at, bytes] : tracked.before) {
            if (lost() && ::pwrite(file, bytes.data(), bytes.size(), at) < 0) throw std::runtime_error("pwrite");
        }
        // What was appended: gone, or (where the file's size got there first) zeros.
        const std::string zeros(kSector, '\0');
        for (std::int64_t at = tracked.synced_size; at < size; at += kSector) {
            const auto count = static_cast<std::size_t>(std::min(kSector, size - at));
            if (loss == Loss::some && lost() && ::pwrite(file, zeros.data(), count, at) < 0) {
                throw std::runtime_error("pwrite");
            }
        }
        const bool shorter = loss == Loss::all || random.below(2) == 0;
        if ((size < tracked.synced_size || shorter) && ::ftruncate(file, tracked.synced_size) != 0) {
            throw std::runtime_error("ftruncate");
        }
        ::close(file);
    }
}

}  // namespace slipway::conformance
