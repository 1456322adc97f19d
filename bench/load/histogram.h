// Latencies in buckets whose width is at most 1/64 of their value, so that every percentile is right within 1.6 %
// however many there are.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/json.h"

namespace slipway::bench {

using Nanoseconds = std::chrono::nanoseconds;

class Histogram {
  public:
    Histogram();
    void add(Nanoseconds latency);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] Nanoseconds max() const { return Nanoseconds(max_); }
    // The smallest bucket's upper end below which this share of all lies (0 < share <= 1); 0 where there are none.
    [[nodiscard]] Nanoseconds percentile(double share) const;
    // {"p50","p90","p99","p999","max","mean"} in microseconds.
    [[nodiscard]] json::object microseconds() const;

  private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
    double sum_ = 0;
};

}  // namespace slipway::bench
