// Numbers of ranges and who has them, in memory: the one place where a store decides which value is given next.
// A value that was never given comes first (lowest first), then the one that has rested the longest. A copyable
// value; finding the next number does not depend on the size of the range.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "store/store.h"

namespace slipway::store {

class AllocationBook {
  public:
    // One change of a row, for a store that keeps rows.
    struct Change {
        std::string range;
        std::int64_t value = 0;
        ResourceId resource;  // empty: freed
        std::string key;
        TimePoint rest_until;
    };

    // For loading what is stored.
    void restore(const Change& row);
    void clear() { *this = AllocationBook(); }

    // Gives every allocation its value, or none of them: then the name of the range that has no free value.
    // `given` gets one value for each, `changes` the rows that changed.
    struct Plan {
        std::vector<std::int64_t> given;
        std::vector<Change> changes;  // freed rows come before given ones
        std::optional<std::string> exhausted;
    };
    [[nodiscard]] Plan plan(const std::vector<Allocation>& wanted, TimePoint now);
    void apply(const Plan& plan);
    // Frees what the resource has; returns the changed rows.
    std::vector<Change> release(const ResourceId& resource, TimePoint rest_until);

  private:
    struct Owner {
        ResourceId resource;
        std::string key;
    };
    struct Range {
        std::map<std::int64_t, Owner> live;
        std::map<std::int64_t, TimePoint> rest_until;          // of freed values
        std::set<std::pair<TimePoint, std::int64_t>> resting;  // the same, longest rest first
        std::map<std::int64_t, std::int64_t> frontier;         // first of a range -> lowest never given
        [[nodiscard]] bool ever_given(std::int64_t value) const {
            return live.contains(value) || rest_until.contains(value);
        }
    };
    using Held = std::tuple<ResourceId, std::string, std::string>;  // resource, range, key

    std::optional<std::int64_t> choose(const Allocation& wanted, TimePoint now,
                                       const std::set<std::pair<std::string, std::int64_t>>& taken);
    void set(const Change& row);

    std::map<std::string, Range, std::less<>> ranges_;
    std::map<Held, std::int64_t> held_;
};

}  // namespace slipway::store
