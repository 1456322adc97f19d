#include "providers/dummy/dummy_provider.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "base/start_test_support.h"

namespace slipway::dummy {
namespace {

using namespace std::chrono_literals;

// Time that is only added up.
class CountingScheduler final : public Scheduler {
  public:
    Task<void> sleep(Duration delay) override {
        slept_ += delay;
        co_return;
    }
    Duration slept_{};
};

class DummyTest : public ::testing::Test {
  protected:
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        boost::asio::io_context io;
        start(io, into(result, std::move(task)));
        io.run();
        return std::move(*result);
    }
    static Target target(std::string token = "t1") {
        return {InstallationId("ins"), ResourceId("res_1"), "one", 1, std::move(token), {}};
    }
    DummyProvider provider(Names names) {
        DummyOptions options;
        options.names = names;
        return {options, world_, scheduler_};
    }
    World world_;
    CountingScheduler scheduler_;
};

TEST_F(DummyTest, StrictNamesRefuseASecondCreateEvenWithTheSameToken) {
    DummyProvider dummy = provider(Names::strict);
    ASSERT_TRUE(run(dummy.create(target(), {}, 1s)));
    const ProviderAnswer again = run(dummy.create(target(), {}, 1s));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().error_class, ErrorClass::conflict);
    EXPECT_EQ(world_.made(ResourceId("res_1")), 1U);
}

TEST_F(DummyTest, TokensMakeDuplicatesPossibleSoThatTheyCanBeCounted) {
    DummyProvider dummy = provider(Names::token);
    ASSERT_TRUE(run(dummy.create(target(), {}, 1s)));
    ASSERT_TRUE(run(dummy.create(target(), {}, 1s)));
    EXPECT_EQ(world_.count(ResourceId("res_1")), 1U);
    ASSERT_TRUE(run(dummy.create(target("t2"), {}, 1s)));
    EXPECT_EQ(world_.count(ResourceId("res_1")), 2U);
    ASSERT_TRUE(run(dummy.remove(target(), {}, 1s)));
    EXPECT_EQ(world_.count(ResourceId("res_1")), 0U);
    EXPECT_EQ(world_.peak(ResourceId("res_1")), 2U);
}

TEST_F(DummyTest, AScriptedPendingIsAnsweredExactlyThatOften) {
    DummyProvider dummy = provider(Names::strict);
    dummy.once(CallVerb::create, Reaction::pend(3));
    EXPECT_EQ(run(dummy.create(target(), {}, 1s))->presence, Presence::pending);
    EXPECT_EQ(run(dummy.observe(target(), {}, 1s))->presence, Presence::pending);
    EXPECT_EQ(run(dummy.observe(target(), {}, 1s))->presence, Presence::pending);
    EXPECT_EQ(run(dummy.observe(target(), {}, 1s))->presence, Presence::running);
    dummy.once(CallVerb::remove, Reaction::pend(2));
    EXPECT_EQ(run(dummy.remove(target(), {}, 1s))->presence, Presence::deleting);
    EXPECT_EQ(run(dummy.observe(target(), {}, 1s))->presence, Presence::deleting);
    EXPECT_EQ(run(dummy.observe(target(), {}, 1s))->presence, Presence::absent);
}

TEST_F(DummyTest, ALostAnswerTookEffectAndALostRequestDidNot) {
    DummyProvider dummy = provider(Names::strict);
    dummy.once(CallVerb::create, Reaction::lose_request());
    EXPECT_EQ(run(dummy.create(target(), {}, 1s)).error().error_class, ErrorClass::unknown_outcome);
    EXPECT_TRUE(world_.things().empty());
    dummy.once(CallVerb::create, Reaction::lose_answer());
    EXPECT_EQ(run(dummy.create(target(), {}, 1s)).error().error_class, ErrorClass::unknown_outcome);
    EXPECT_EQ(world_.things().size(), 1U);
}

TEST_F(DummyTest, ADelayBeyondTheBudgetIsAnUnknownOutcomeAndWaitsNoLongerThanTheBudget) {
    DummyProvider dummy = provider(Names::strict);
    Reaction slow;
    slow.delay = 5s;
    dummy.once(CallVerb::create, slow);
    EXPECT_EQ(run(dummy.create(target(), {}, 1s)).error().error_class, ErrorClass::unknown_outcome);
    EXPECT_EQ(scheduler_.slept_, Duration(1s));
    EXPECT_EQ(world_.things().size(), 1U);
}

TEST_F(DummyTest, TheScriptSeesEveryCallAndItsRepetition) {
    DummyProvider dummy = provider(Names::strict);
    dummy.script([](const Call& call) {
        return call.verb == CallVerb::create && call.repeated < 2 ? Reaction::fail(ErrorClass::throttled)
                                                                  : Reaction::succeed();
    });
    EXPECT_FALSE(run(dummy.create(target(), {}, 1s)));
    EXPECT_FALSE(run(dummy.create(target(), {}, 1s)));
    EXPECT_TRUE(run(dummy.create(target(), {}, 1s)));
    EXPECT_EQ(dummy.count(CallVerb::create), 3U);
}

TEST_F(DummyTest, KillingTellsTheListener) {
    DummyProvider dummy = provider(Names::strict);
    std::string told;
    dummy.on_change([&](std::string name) { told = std::move(name); });
    ASSERT_TRUE(run(dummy.create(target(), {}, 1s)));
    dummy.kill("one");
    EXPECT_EQ(told, "one");
    EXPECT_EQ(run(dummy.observe(target(), {}, 1s))->presence, Presence::stopped);
    EXPECT_EQ(run(dummy.update(target(), {}, 1s))->presence, Presence::running);
}

TEST_F(DummyTest, TheInventoryPagesThroughEverything) {
    DummyOptions options;
    options.page_size = 7;
    DummyProvider dummy(options, world_, scheduler_);
    for (int i = 0; i < 30; ++i) {
        Thing thing;
        thing.external_name = std::to_string(i);
        world_.add(thing);
    }
    std::string cursor;
    std::size_t count = 0;
    do {
        const auto page = run(dummy.inventory(cursor, 1s));
        ASSERT_TRUE(page);
        EXPECT_LE(page->items.size(), 7U);
        count += page->items.size();
        cursor = page->next;
    } while (!cursor.empty());
    EXPECT_EQ(count, 30U);
}

}  // namespace
}  // namespace slipway::dummy
