#include "agent/loop.h"

#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace slipway::agent {
namespace {

constexpr int kTries = 20;  // others may take the free one first

bool serves(const std::string& path, const struct stat& file) {
    const UniqueFd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    loop_info64 info{};
    return device && ::ioctl(device.get(), LOOP_GET_STATUS64, &info) == 0 && info.lo_device == file.st_dev &&
           info.lo_inode == file.st_ino;
}

}  // namespace

Loop attach_loop(const std::string& file) {
    const UniqueFd disk(::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!disk || !control) return {};
    for (int i = 0; i < kTries; ++i) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) return {};
        Loop loop;
        loop.path = fmt::format("/dev/loop{}", number);
        loop.device = UniqueFd(::open(loop.path.c_str(), O_RDWR | O_CLOEXEC));
        if (!loop.device) return {};
        loop_config config{};
        config.fd = static_cast<std::uint32_t>(disk.get());
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (::ioctl(loop.device.get(), LOOP_CONFIGURE, &config) == 0) return loop;
        if (errno != EBUSY) return {};
    }
    errno = EBUSY;
    return {};
}

bool has_loop(const std::string& file) {
    struct stat wanted{};
    if (::stat(file.c_str(), &wanted) != 0) return false;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/block", error)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("loop") || !std::filesystem::exists(entry.path() / "loop", error)) continue;
        if (serves("/dev/" + name, wanted)) return true;
    }
    return false;
}

}  // namespace slipway::agent
