// How many machines boot at once, and who is next. A boot takes a processor for seconds: too many at once starve
// each other and everything else of this host.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "base/clock.h"

namespace slipway::machines {

struct BootLevels {
    std::size_t under_way = 0;
    std::size_t waiting = 0;
};

// In the order of their first asking. Who has not asked for a while is forgotten; who boots for too long does not
// hold up the others any more. Not thread-safe.
class BootQueue {
  public:
    explicit BootQueue(std::size_t at_once) : at_once_(at_once) {}

    // 0: it is (still) its turn. Else how many have to come off before.
    std::size_t ask(const std::string& name, TimePoint now);
    // It has booted, or will not.
    void leave(const std::string& name);
    [[nodiscard]] std::size_t booting() const { return booting_.size(); }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
    // Without those who would be forgotten now.
    [[nodiscard]] BootLevels levels(TimePoint now) const;

  private:
    struct Waiting {
        std::string name;
        TimePoint asked;
    };
    void forget(TimePoint now);

    std::size_t at_once_;
    std::map<std::string, TimePoint> booting_;  // since when
    std::deque<Waiting> waiting_;
};

}  // namespace slipway::machines
