// Control groups, of either version: what a container may use, and what is left of one that was killed.
#pragma once

#include <string>
#include <vector>

#include "agent/protocol.h"

namespace slipway::agent {

class Cgroups {
  public:
    explicit Cgroups(std::string base = "/sys/fs/cgroup") : base_(std::move(base)) {}

    // Unsupported, with what is missing, where memory, processors and processes cannot be limited.
    [[nodiscard]] Answer<void> check() const;
    // Of one version for all controllers, or of the first, a directory for each.
    [[nodiscard]] bool unified() const;
    // Whether memory that was moved to swap counts as well.
    [[nodiscard]] bool counts_swap() const;
    // Ends whatever lives in a group or below, and removes it. None there is fine. Blocks until it is so, for at
    // most `limit_ms`; then: busy. `group` is like "slipway-00000000/name".
    [[nodiscard]] Answer<void> clear(const std::string& group, int limit_ms) const;
    // Removes a group that nothing lives in and that has no others below; else it stays.
    void drop(const std::string& group) const;
    // Those that live in it or below.
    [[nodiscard]] std::vector<pid_t> members(const std::string& group) const;

  private:
    // The directories of a group that are there.
    [[nodiscard]] std::vector<std::string> places(const std::string& group) const;

    std::string base_;
};

}  // namespace slipway::agent
