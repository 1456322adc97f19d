#include "base/machine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <sys/timex.h>
#include <unistd.h>

namespace slipway {
namespace {

constexpr int kSyncs = 5;

std::string why() { return std::generic_category().message(errno); }

}  // namespace

std::optional<PortRange> outgoing_ports(const std::string& file) {
    std::ifstream in(file);
    PortRange range;
    if (!(in >> range.first >> range.last)) return std::nullopt;
    return range;
}

ClockCare clock_care() {
    timex facts{};
    if (::ntp_adjtime(&facts) < 0) return ClockCare::unknown;
    return (facts.status & STA_UNSYNC) == 0 ? ClockCare::kept : ClockCare::nothing;
}

Result<Duration> sync_time(const std::string& directory) {
    std::string name = directory + "/.doctor-XXXXXX";
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0) return fail(ErrorCode::unavailable, why());
    ::unlink(name.c_str());
    const std::array<char, 4096> page{};
    std::array<std::chrono::steady_clock::duration, kSyncs> times{};
    bool failed = false;
    std::string reason;
    for (auto& time : times) {
        const auto begin = std::chrono::steady_clock::now();
        failed = ::write(fd, page.data(), page.size()) != std::ssize(page) || ::fsync(fd) != 0;
        if (failed) {
            reason = why();
            break;
        }
        time = std::chrono::steady_clock::now() - begin;
    }
    ::close(fd);
    if (failed) return fail(ErrorCode::storage, reason);
    std::ranges::sort(times);
    return std::chrono::duration_cast<Duration>(times.at(kSyncs / 2));
}

}  // namespace slipway
