#include "domain/placement.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace slipway {
namespace {

ResourceId host(std::uint64_t number) { return ResourceId(fmt::format("res_{:06}", number)); }
Placement on(std::uint64_t number) { return placement::OnHost{host(number)}; }

TEST(Place, TheFirstOneNeedsAHost) { EXPECT_EQ(place({}, {}, 50), Placement(placement::NextHost{})); }

TEST(Place, TheCurrentHostServesOneMoreThanTheThreshold) {
    std::vector<HostLoad> hosts{{host(1), 2}};
    EXPECT_EQ(place(hosts, host(1), 2), on(1));
    hosts[0].placed = 3;
    EXPECT_EQ(place(hosts, host(1), 2), Placement(placement::NextHost{}));
}

TEST(Place, AFreedPlaceOnAnOlderHostGoesFirstTheOldestHostsFirst) {
    EXPECT_EQ(place(std::vector<HostLoad>{{host(1), 3}, {host(2), 2}, {host(3), 0}}, host(3), 2), on(2));
    EXPECT_EQ(place(std::vector<HostLoad>{{host(1), 1}, {host(2), 0}, {host(3), 0}}, host(3), 2), on(1));
}

TEST(Place, TheYoungestIsTheLastWhereTheCurrentOneIsNotThere) {
    const std::vector<HostLoad> hosts{{host(1), 1}, {host(2), 0}};
    EXPECT_EQ(place(hosts, {}, 2), on(1));
    EXPECT_EQ(place(hosts, host(9), 2), on(1));
}

TEST(Place, TheCurrentOneIsTheLastEvenWhereItsIdSaysOtherwise) {
    // Two that were made in one millisecond may have their ids the wrong way round.
    EXPECT_EQ(place(std::vector<HostLoad>{{host(1), 0}, {host(2), 1}}, host(1), 2), on(2));
}

TEST(Place, AThresholdOfNothingGivesEachItsOwnHost) {
    EXPECT_EQ(place(std::vector<HostLoad>{{host(1), 0}}, host(1), 0), on(1));
    EXPECT_EQ(place(std::vector<HostLoad>{{host(1), 1}}, host(1), 0), Placement(placement::NextHost{}));
}

// Arrivals, removals and hosts that take no more, at random, against what must hold at every step.
struct Model {
    struct Host {
        HostLoad load;
        bool takes = true;
    };
    std::vector<Host> hosts;  // the oldest first
    ResourceId current;
    std::uint64_t threshold;

    void arrive() {
        std::vector<HostLoad> taking;
        bool has_place = false;
        for (const Host& each : hosts) {
            if (!each.takes) continue;
            taking.push_back(each.load);
            has_place |= each.load.placed <= threshold;
        }
        const Placement at = place(taking, current, threshold);
        ASSERT_EQ(std::holds_alternative<placement::NextHost>(at), !has_place) << "a host too many, or too few";
        if (!has_place) {
            hosts.push_back({{host(hosts.size() + 1), 1}, true});
            current = hosts.back().load.host;
            return;
        }
        const ResourceId& id = std::get<placement::OnHost>(at).host;
        const auto found = std::ranges::find(hosts, id, [](const Host& each) { return each.load.host; });
        ASSERT_NE(found, hosts.end());
        ASSERT_TRUE(found->takes);
        for (auto older = hosts.begin(); older != found; ++older) {
            ASSERT_FALSE(older->takes && older->load.placed <= threshold) << "an older host had a place";
        }
        found->load.placed += 1;
        ASSERT_LE(found->load.placed, threshold + 1);
    }
};

TEST(Place, NeverOverfillsAHostAndNeverMakesOneThatIsNotNeeded) {
    for (std::uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFatalFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        SeededRandom random(seed);
        Model model{{}, {}, random.below(6)};
        for (int i = 0; i < 300 && !::testing::Test::HasFatalFailure(); ++i) {
            const std::uint64_t what = random.below(20);
            if (what < 13 || model.hosts.empty()) {
                model.arrive();
                continue;
            }
            auto& of = model.hosts[random.below(model.hosts.size())];
            if (what < 19 && of.load.placed > 0) of.load.placed -= 1;
            if (what == 19) of.takes = !of.takes && of.load.host != model.current;
        }
    }
}

TEST(Place, WithoutRemovalsThereAreAsFewHostsAsCanBe) {
    for (std::uint64_t seed = 1; seed <= 100 && !::testing::Test::HasFatalFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        SeededRandom random(seed);
        const std::uint64_t threshold = random.below(9);
        const std::uint64_t arrivals = random.below(400);
        Model model{{}, {}, threshold};
        for (std::uint64_t i = 0; i < arrivals; ++i) model.arrive();
        EXPECT_EQ(model.hosts.size(), (arrivals + threshold) / (threshold + 1));
    }
}

}  // namespace
}  // namespace slipway
