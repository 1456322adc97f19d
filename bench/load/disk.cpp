#include "load/disk.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>

#include "load/descriptor.h"

namespace slipway::bench {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kBlocks = 1024;  // of the file that is written over

std::unexpected<Error> cannot(const char* what) {
    return fail(ErrorCode::storage, fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<Histogram> measure_sync(const std::filesystem::path& directory, std::size_t count, bool grow) {
    const Descriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file.get() < 0) return cannot("open");
    const std::string block(kBlock, 'x');
    const auto write_at = [&](std::size_t place) {
        const auto offset = static_cast<off_t>(place * kBlock);
        return ::pwrite(file.get(), block.data(), block.size(), offset) == static_cast<ssize_t>(block.size());
    };
    if (!grow) {
        for (std::size_t i = 0; i < kBlocks; ++i) {
            if (!write_at(i)) return cannot("write");
        }
        if (::fsync(file.get()) != 0) return cannot("fsync");
    }
    Histogram times;
    for (std::size_t i = 0; i < count; ++i) {
        const auto began = std::chrono::steady_clock::now();
        if (!write_at(grow ? i : i % kBlocks)) return cannot("write");
        if (::fdatasync(file.get()) != 0) return cannot("fdatasync");
        times.add(std::chrono::steady_clock::now() - began);
    }
    return times;
}

}  // namespace slipway::bench
