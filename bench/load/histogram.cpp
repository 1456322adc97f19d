#include "load/histogram.h"

#include <bit>
#include <cmath>

namespace slipway::bench {
namespace {

constexpr unsigned kSubBits = 6;
constexpr std::uint64_t kSub = 1U << kSubBits;
constexpr unsigned kTopBit = 40;  // 18 minutes: more is counted as that
constexpr std::uint64_t kTop = (1ULL << (kTopBit + 1)) - 1;

// Values below 2 * kSub have a bucket each; above, each power of two has kSub.
std::size_t bucket_of(std::uint64_t value) {
    value = std::min(value, kTop);
    if (value < 2 * kSub) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
    return (static_cast<std::size_t>(shift) << kSubBits) + (value >> shift);
}

std::uint64_t upper_end(std::size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const std::size_t shift = (bucket >> kSubBits) - 1;
    return (((bucket & (kSub - 1)) + kSub + 1) << shift) - 1;
}

double micros(double nanoseconds) { return std::round(nanoseconds) / 1000.0; }

}  // namespace

Histogram::Histogram() : buckets_(bucket_of(kTop) + 1) {}

void Histogram::add(Nanoseconds latency) {
    const auto value = static_cast<std::uint64_t>(std::max<Nanoseconds::rep>(latency.count(), 0));
    buckets_[bucket_of(value)] += 1;
    count_ += 1;
    max_ = std::max(max_, value);
    sum_ += static_cast<double>(value);
}

Nanoseconds Histogram::percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= wanted && seen > 0) return Nanoseconds(std::min(upper_end(i), max_));
    }
    return Nanoseconds(0);
}

json::object Histogram::microseconds() const {
    json::object out;
    const auto put = [&](const char* name, double share) {
        out[name] = micros(static_cast<double>(percentile(share).count()));
    };
    put("p50", 0.5);
    put("p90", 0.9);
    put("p99", 0.99);
    put("p999", 0.999);
    out["max"] = micros(static_cast<double>(max_));
    out["mean"] = count_ == 0 ? 0.0 : micros(sum_ / static_cast<double>(count_));
    return out;
}

}  // namespace slipway::bench
