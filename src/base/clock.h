// Time is passed in: nothing below main/ reads a clock of the machine by itself.
#pragma once

#include <chrono>
#include <string>

namespace slipway {

using Duration = std::chrono::microseconds;
using TimePoint = std::chrono::sys_time<Duration>;  // UTC

// Thread-safe. May jump backwards when an operator sets the machine's clock.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] TimePoint now() const override;
};

// The machine's clock as it was at construction, carried on by its steady clock: it never jumps while the process
// lives. Leases and due times are kept by it. Thread-safe.
class SteadyClock final : public Clock {
  public:
    SteadyClock();
    [[nodiscard]] TimePoint now() const override;

  private:
    TimePoint start_;
    std::chrono::steady_clock::time_point steady_start_;
};

// For tests: stands still until it is moved. Not thread-safe against `set` and `advance`.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(TimePoint start) : now_(start) {}
    [[nodiscard]] TimePoint now() const override { return now_; }
    void set(TimePoint time) { now_ = time; }
    void advance(Duration by) { now_ += by; }

  private:
    TimePoint now_;
};

// RFC 3339 in UTC with milliseconds: 2016-05-20T04:28:03.758Z
std::string format_time(TimePoint time);

// Microseconds since 1970, the form in which times are stored.
inline std::int64_t to_micros(TimePoint time) { return time.time_since_epoch().count(); }
inline TimePoint from_micros(std::int64_t micros) { return TimePoint(Duration(micros)); }

}  // namespace slipway
