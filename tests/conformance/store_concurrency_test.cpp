#include <atomic>
#include <barrier>
#include <set>
#include <thread>

#include "store_conformance.h"

// Many threads at once: exactly one wins what only one can have, and readers see whole commits in order.
namespace slipway::conformance {
namespace {

constexpr int kThreads = 8;

template <class Work>
void on_many_threads(Work work) {
    std::barrier start(kThreads);
    std::vector<std::jthread> threads;  // joined before the barrier goes
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            start.arrive_and_wait();
            work(i);
        });
    }
}

TEST_P(StoreConformance, ExactlyOneOfManyClaimsWins) {
    for (int round = 0; round < 10; ++round) {
        Resource pooled = sample_resource(round, "system");
        pooled.pooled = true;
        pooled.state = resource_state::Ready{{"redis", "h", 1}, {}};
        pooled = put(pooled);
        std::atomic<int> won = 0;
        std::atomic<int> lost = 0;
        on_many_threads([&](int i) {
            Resource claimed = pooled;
            claimed.pooled = false;
            claimed.organization = OrganizationId("org-" + std::to_string(i));
            Commit commit;
            commit.writes.emplace_back(write::PutResource{claimed});
            const auto answer = run(store().commit(commit));
            ++(std::holds_alternative<Committed>(answer.value()) ? won : lost);
        });
        EXPECT_EQ(won, 1);
        EXPECT_EQ(lost, kThreads - 1);
        EXPECT_EQ(stored(pooled.id).version, 2U);
    }
}

TEST_P(StoreConformance, ManyLeasersShareTheWorkWithoutOverlap) {
    constexpr int kOperations = 100;
    for (int i = 0; i < kOperations; ++i) {
        const Resource resource = sample_resource(i);
        must(accept(resource, sample_operation(i, resource)));
    }
    std::mutex mutex;
    std::multiset<std::string> leased;
    on_many_threads([&](int) {
        while (true) {
            const auto answer = lease(3);
            if (answer.work.empty()) return;
            const std::scoped_lock lock(mutex);
            for (const auto& work : answer.work) leased.insert(work.operation.id.str());
        }
    });
    EXPECT_EQ(leased.size(), static_cast<std::size_t>(kOperations));
    EXPECT_EQ(std::set(leased.begin(), leased.end()).size(), static_cast<std::size_t>(kOperations));
}

TEST_P(StoreConformance, AReaderOfTheFeedNeverSeesAGapThatIsFilledLater) {
    std::atomic<int> writing = kThreads - 1;
    on_many_threads([&](int i) {
        if (i > 0) {
            for (int n = 0; n < 50; ++n) {
                Commit commit;
                commit.events.push_back(sample_event(sample_resource(i), "a"));
                commit.events.push_back(sample_event(sample_resource(i), "b"));
                EXPECT_TRUE(run(store().commit(commit)));
            }
            --writing;
            return;
        }
        std::uint64_t last = 0;
        bool done = false;
        while (!done) {
            done = writing == 0;  // one more look after the last commit
            const auto events = run(store().events({}, last, 1000)).value().items;
            for (const Event& event : events) {
                EXPECT_EQ(event.sequence, last + 1);
                last = event.sequence;
            }
            EXPECT_EQ(last % 2, 0U) << "half a commit was seen";
        }
        EXPECT_EQ(last, 100U * (kThreads - 1));
    });
}

}  // namespace
}  // namespace slipway::conformance
