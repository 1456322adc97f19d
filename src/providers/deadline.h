// When a call has to be over, handed from step to step so that the sum stays within the call's budget.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace slipway {

class Deadline {
  public:
    explicit Deadline(Duration budget) : at_(std::chrono::steady_clock::now() + budget) {}
    [[nodiscard]] Duration left() const {
        const auto left = std::chrono::duration_cast<Duration>(at_ - std::chrono::steady_clock::now());
        return std::max(left, Duration::zero());
    }
    [[nodiscard]] bool over() const { return left() == Duration::zero(); }
    // The same or `at_most` from now, whichever comes first.
    [[nodiscard]] Deadline within(Duration at_most) const { return Deadline(std::min(left(), at_most)); }
    [[nodiscard]] std::chrono::steady_clock::time_point at() const { return at_; }

  private:
    std::chrono::steady_clock::time_point at_;
};

}  // namespace slipway
