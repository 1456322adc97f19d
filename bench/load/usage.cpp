#include "load/usage.h"

#include <sys/resource.h>

namespace slipway::bench {

double seconds_of(Nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

double used_cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace slipway::bench
