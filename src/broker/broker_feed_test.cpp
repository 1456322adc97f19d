// The feed of events, waiting for it, and listings by selector.
#include <boost/asio/detached.hpp>

#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

class FeedTest : public BrokerTest {
  protected:
    // Waits beside the test; what it came to is in the answer.
    std::shared_ptr<std::optional<Status>> wait(std::uint64_t after, Duration limit) {
        auto ended = std::make_shared<std::optional<Status>>();
        boost::asio::co_spawn(
            context_,
            [](Broker& broker, std::uint64_t from, Duration longest,
               std::shared_ptr<std::optional<Status>> into) -> Task<void> {
                *into = co_await broker.wait_for_event(from, longest);
            }(*broker_, after, limit, ended),
            boost::asio::detached);
        poll();
        return ended;
    }
    std::uint64_t last() { return *run(broker_->last_event()); }
};

TEST_F(FeedTest, APageHasOnesOwnEventsInTheirOrder) {
    provision();
    provision(request(), caller("other"));
    work();
    const auto mine = run(broker_->events(caller(), {}, 0, 1000));
    ASSERT_TRUE(mine);
    ASSERT_GE(mine->items.size(), 3U);
    std::uint64_t before = 0;
    for (const Event& event : mine->items) {
        EXPECT_EQ(event.body.organization, OrganizationId("acme"));
        EXPECT_GT(event.sequence, before);
        before = event.sequence;
    }
    EXPECT_EQ(mine->scanned, last());
    EventFilter filter;
    filter.types = {"resource."};
    for (const Event& event : run(broker_->events(caller(), filter, 0, 1000))->items) {
        EXPECT_TRUE(event.body.type.starts_with("resource."));
    }
    EXPECT_TRUE(run(broker_->events(caller(), {}, last(), 10))->items.empty());
}

TEST_F(FeedTest, AWaitEndsWithTheNextEventWhoeversItIs) {
    const auto waited = wait(last(), 1min);
    EXPECT_FALSE(waited->has_value());
    provision(request(), caller("other"));
    poll();
    ASSERT_TRUE(waited->has_value());
    EXPECT_TRUE(**waited);
}

TEST_F(FeedTest, AWaitForWhatIsThereAlreadyEndsAtOnce) {
    provision();
    EXPECT_TRUE(wait(0, 1min)->has_value());
    EXPECT_TRUE(wait(last(), Duration::zero())->has_value());
}

TEST_F(FeedTest, AWaitEndsAtItsLimit) {
    const auto waited = wait(last(), 10s);
    clock_.advance(10s - 1us);
    broker_->tick();
    poll();
    EXPECT_FALSE(waited->has_value());
    clock_.advance(1us);
    broker_->tick();
    poll();
    EXPECT_TRUE(waited->has_value());
}

TEST_F(FeedTest, SoManyMayWaitAndNoMore) {
    BrokerOptions options;
    options.max_feed_waits = 2;
    make_broker(options);
    const auto first = wait(last(), 1min);
    const auto second = wait(last(), 1min);
    const auto third = wait(last(), 1min);
    ASSERT_TRUE(third->has_value());
    EXPECT_EQ((*third)->error().code, ErrorCode::exhausted);
    provision();
    poll();
    EXPECT_TRUE(first->has_value() && second->has_value());
    EXPECT_FALSE(wait(last(), 1min)->has_value()) << "there is room again";
    broker_->abandon_waits();
}

class SelectorListTest : public BrokerTest {
  protected:
    void make(std::map<std::string, std::string> labels) {
        ProvisionRequest wanted = request();
        wanted.labels = std::move(labels);
        provision(wanted);
        clock_.advance(1ms);
    }
    // All pages, each of at most `limit`.
    std::vector<std::string> all(const std::string& selector, std::uint32_t limit) {
        std::vector<std::string> found;
        PageRequest page{"", limit};
        for (int pages = 0; pages < 50; ++pages) {
            auto part = run(broker_->list(caller(), {}, *parse_selector(selector), page));
            EXPECT_TRUE(part);
            EXPECT_LE(part->items.size(), limit);
            for (const Resource& each : part->items) found.push_back(each.labels.at("n"));
            if (part->next.empty()) return found;
            page.after = part->next;
        }
        ADD_FAILURE() << "it never ends";
        return found;
    }
};

TEST_F(SelectorListTest, PagesByASelectorReachEverythingOnce) {
    for (int i = 0; i < 10; ++i) {
        make({{"n", std::to_string(i)}, {"zone", i % 3 == 0 ? "a" : "b"}, {i % 2 == 0 ? "even" : "odd", "1"}});
    }
    for (const std::uint32_t limit : {1U, 2U, 3U, 100U}) {
        EXPECT_EQ(all("zone=a", limit), (std::vector<std::string>{"0", "3", "6", "9"})) << limit;
        EXPECT_EQ(all("zone!=a,even", limit), (std::vector<std::string>{"2", "4", "8"})) << limit;
        EXPECT_EQ(all("zone in (a),!even", limit), (std::vector<std::string>{"3", "9"})) << limit;
        EXPECT_EQ(all("zone notin (a,b)", limit), std::vector<std::string>()) << limit;
        EXPECT_EQ(all("", limit).size(), 10U) << limit;
    }
}

}  // namespace
}  // namespace slipway::broker_test
