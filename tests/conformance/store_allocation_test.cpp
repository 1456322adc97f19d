#include "store_conformance.h"

// Numbers of ranges: never two live ones of one value, rest respected, longest rest first.
namespace slipway::conformance {
namespace {

Allocation port(const Resource& resource, std::int64_t first, std::int64_t last) {
    return {"local/port", "port", first, last, resource.id, false, {}};
}

Commit make_with_port(int number, std::int64_t first, std::int64_t last) {
    Commit commit;
    commit.writes.emplace_back(write::PutResource{sample_resource(number)});
    commit.allocations.push_back(port(sample_resource(number), first, last));
    return commit;
}

class Ports {
  public:
    explicit Ports(Store& store) : store_(store) {}
    // The port that the new resource got; 0: none was free.
    std::int64_t make(int number, std::int64_t first = 1, std::int64_t last = 3) {
        const auto answer = run(store_.commit(make_with_port(number, first, last))).value();
        if (const auto* rejected = std::get_if<Rejected>(&answer)) {
            EXPECT_EQ(rejected->obstacle, Obstacle::range_exhausted);
            EXPECT_EQ(rejected->subject, "local/port");
            return 0;
        }
        return std::get<Committed>(answer).resources.at(0).allocations.at("port");
    }
    void release(int number, TimePoint rest_until) {
        Commit commit;
        commit.writes.emplace_back(write::ReleaseAllocations{resource_id(number), rest_until});
        EXPECT_TRUE(std::holds_alternative<Committed>(run(store_.commit(commit)).value()));
    }

  private:
    Store& store_;
};

TEST_P(StoreConformance, GivesTheLowestNumberThatWasNeverGivenAndStoresItWithTheResource) {
    Ports ports(store());
    EXPECT_EQ(ports.make(1), 1);
    EXPECT_EQ(ports.make(2), 2);
    EXPECT_EQ(ports.make(3), 3);
    EXPECT_EQ(stored(resource_id(2)).allocations.at("port"), 2);
    EXPECT_EQ(refused(make_with_port(4, 1, 3)).obstacle, Obstacle::range_exhausted);
    EXPECT_EQ(ports.make(5, 1, 4), 4) << "the range was widened";
    EXPECT_EQ(ports.make(6, 0, 4), 0) << "downwards too";
}

TEST_P(StoreConformance, LetsAFreedNumberRestAndGivesTheLongestRestedFirst) {
    Ports ports(store());
    for (const int i : {1, 2, 3}) ports.make(i);
    ports.release(2, kStart + 10s);
    ports.release(1, kStart + 20s);
    EXPECT_EQ(ports.make(4), 0) << "both rest";
    clock.set(kStart + 10s);
    EXPECT_EQ(ports.make(4), 2) << "rested at that instant";
    clock.set(kStart + 20s);
    ports.release(4, kStart + 21s);
    clock.set(kStart + 30s);
    EXPECT_EQ(ports.make(5), 1) << "its rest was over first";
    EXPECT_EQ(ports.make(6), 2);
    ports.release(6, kStart + 31s);
    EXPECT_EQ(ports.make(7, 1, 4), 4) << "what was never given comes before what rested";
}

TEST_P(StoreConformance, KeepsTheNumberOfAResourceThatAsksAgainUnlessItIsToBeReplaced) {
    Ports ports(store());
    ASSERT_EQ(ports.make(1), 1);
    Commit again;
    again.writes.emplace_back(write::PutResource{stored(resource_id(1))});
    again.allocations.push_back(port(sample_resource(1), 1, 3));
    EXPECT_EQ(must(again).resources.at(0).allocations.at("port"), 1);

    Commit replace;
    replace.writes.emplace_back(write::PutResource{stored(resource_id(1))});
    replace.allocations.push_back(port(sample_resource(1), 1, 3));
    replace.allocations[0].replace = true;
    replace.allocations[0].rest_until =
        kStart;  // it may be given again at once, but not to the one that gave it up
    EXPECT_EQ(must(replace).resources.at(0).allocations.at("port"), 2);
    EXPECT_EQ(stored(resource_id(1)).allocations.at("port"), 2);
    EXPECT_EQ(ports.make(2), 3);
    EXPECT_EQ(ports.make(3), 1);
    Commit full;
    full.writes.emplace_back(write::PutResource{stored(resource_id(1))});
    full.allocations = replace.allocations;
    EXPECT_EQ(refused(full).obstacle, Obstacle::range_exhausted);
}

TEST_P(StoreConformance, GivesAllNumbersOfACommitOrNone) {
    const Resource resource = sample_resource(1);
    Commit commit;
    commit.writes.emplace_back(write::PutResource{resource});
    commit.allocations.push_back(port(resource, 1, 2));
    commit.allocations.push_back({"local/port", "admin", 1, 2, resource.id, false, {}});
    commit.allocations.push_back({"local/port", "extra", 1, 2, resource.id, false, {}});
    EXPECT_EQ(refused(commit).obstacle, Obstacle::range_exhausted);
    commit.allocations.pop_back();
    commit.allocations.push_back({"local/uid", "uid", 1, 2, resource.id, false, {}});
    const auto given = must(commit).resources.at(0).allocations;
    EXPECT_EQ(given, (std::map<std::string, std::int64_t>{{"port", 1}, {"admin", 2}, {"uid", 1}}));
    Ports(store()).release(1, kStart);
    EXPECT_EQ(Ports(store()).make(2, 1, 2), 1) << "all of a resource are freed together";
    EXPECT_EQ(Ports(store()).make(3, 1, 2), 2);
}

TEST_P(StoreConformance, RejectedCommitGivesItsNumberToTheNextOne) {
    Ports ports(store());
    ports.make(1);
    Commit fails = make_with_port(2, 1, 3);
    fails.preconditions.emplace_back(precondition::ExternalNameFree{"local", sample_resource(1).external_name});
    refused(fails);
    EXPECT_EQ(ports.make(2), 2);
}

TEST_P(StoreConformance, NeverGivesALiveNumberTwiceInALongHistory) {
    SeededRandom random(7);
    Ports ports(store());
    std::map<std::int64_t, int> live;  // port -> resource
    std::map<std::int64_t, TimePoint> rest_until;
    for (int number = 1; number <= 300; ++number) {
        clock.advance(std::chrono::seconds(random.below(5)));
        if (!live.empty() && random.below(2) == 0) {
            const auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random.below(live.size())));
            rest_until[victim->first] = clock.now() + std::chrono::seconds(random.below(20));
            ports.release(victim->second, rest_until[victim->first]);
            live.erase(victim);
        }
        const std::int64_t given = ports.make(number, 100, 119);
        if (given == 0) continue;
        EXPECT_FALSE(live.contains(given));
        if (rest_until.contains(given)) {
            EXPECT_LE(rest_until[given], clock.now());
        }
        live[given] = number;
    }
}

}  // namespace
}  // namespace slipway::conformance
