// Bounded waits: they end by the commit, by the deadline or with the process, and change nothing.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using Waited = std::optional<Result<Operation>>;

class WaitTest : public BrokerTest {
  protected:
    // Begins to wait; the answer comes into `into`, or never.
    void begin(const OperationId& id, Duration limit, Waited& into) {
        boost::asio::co_spawn(
            context_, broker_->wait(id, limit),
            [&into](const std::exception_ptr&, Result<Operation> answer) { into.emplace(std::move(answer)); });
        poll();
    }
};

TEST_F(WaitTest, TheCommitThatEndsTheOperationEndsTheWait) {
    const Accepted asked = provision();
    Waited waited;
    begin(asked.operation->id, 1min, waited);
    EXPECT_FALSE(waited);
    work(Verb::create);
    poll();
    EXPECT_FALSE(waited) << "it changed and has not ended";
    clock_.advance(31s);
    work();
    poll();
    ASSERT_TRUE(waited && *waited);
    EXPECT_EQ(state_name((*waited)->state), "succeeded");
}

TEST_F(WaitTest, EveryoneWhoWaitsIsWoken) {
    const Accepted asked = provision();
    const Accepted other = provision();
    std::vector<Waited> waits(5);
    Waited of_other;
    for (Waited& each : waits) begin(asked.operation->id, 1min, each);
    begin(other.operation->id, 1min, of_other);
    ASSERT_TRUE(run(broker_->cancel(caller(), asked.operation->id, "no")));
    poll();
    for (const Waited& each : waits) EXPECT_TRUE(each.has_value());
    EXPECT_FALSE(of_other);
    broker_->abandon_waits();
}

TEST_F(WaitTest, TheDeadlineEndsTheWaitWithTheStateAsItIs) {
    const Accepted asked = provision();
    Waited waited;
    begin(asked.operation->id, 5s, waited);
    clock_.advance(4900ms);
    broker_->tick();
    poll();
    EXPECT_FALSE(waited);
    clock_.advance(100ms);
    broker_->tick();
    poll();
    ASSERT_TRUE(waited && *waited);
    EXPECT_EQ(state_name((*waited)->state), "queued");
    work();
    EXPECT_EQ(state_of(asked.operation->id), "succeeded") << "whoever waited changed nothing";
}

TEST_F(WaitTest, WhatHasEndedOrHasNoTimeIsAnsweredAtOnce) {
    const Accepted asked = provision();
    EXPECT_EQ(state_name(run(broker_->wait(asked.operation->id, 0s))->state), "queued");
    work();
    EXPECT_EQ(state_name(run(broker_->wait(asked.operation->id, 1h))->state), "succeeded");
    EXPECT_EQ(run(broker_->wait(OperationId("op_unknown"), 1h)).error().code, ErrorCode::not_found);
}

// Destroyed with everything they hold; nothing of them runs afterwards.
TEST_F(WaitTest, AbandonedWaitsAreDestroyedAndNeverRunAgain) {
    const Accepted asked = provision();
    const auto alive = std::make_shared<int>(1);
    bool went_on = false;
    for (int i = 0; i < 3; ++i) {
        boost::asio::co_spawn(
            context_,
            [&, held = alive, id = asked.operation->id]() -> Task<void> {
                const auto answer = co_await broker_->wait(id, 1h);
                went_on = true;
            },
            [](const std::exception_ptr&) {});
    }
    poll();
    EXPECT_EQ(alive.use_count(), 4);
    broker_->abandon_waits();
    poll();  // coroutines are unwound on their executor
    EXPECT_EQ(alive.use_count(), 1);
    work();
    broker_->tick();
    poll();
    EXPECT_FALSE(went_on);
}

class WaitersTest : public WaitTest {
  protected:
    // What changed() answered; nothing while it waits.
    void begin(Waiters::Ticket& ticket, TimePoint deadline, std::optional<bool>& into) {
        boost::asio::co_spawn(context_, ticket.changed(deadline),
                              [&into](const std::exception_ptr&, bool changed) { into = changed; });
        poll();
    }
    const OperationId id_{"op_1"};
    Waiters waiters_;
};

// The change between reading the state and waiting for it.
TEST_F(WaitersTest, AChangeBeforeTheWaitIsNotMissed) {
    const auto ticket = waiters_.enter(id_);
    waiters_.notify({id_});
    std::optional<bool> changed;
    begin(*ticket, TimePoint::max(), changed);
    EXPECT_EQ(changed, true);
    std::optional<bool> again;
    begin(*ticket, TimePoint::max(), again);
    EXPECT_EQ(again, std::nullopt) << "one change ends one wait";
    waiters_.abandon();
}

TEST_F(WaitersTest, ATickEndsOnlyWhatIsOver) {
    const auto early = waiters_.enter(id_);
    const auto late = waiters_.enter(id_);
    std::optional<bool> of_early;
    std::optional<bool> of_late;
    begin(*early, clock_.now() + 1s, of_early);
    begin(*late, clock_.now() + 2s, of_late);
    waiters_.tick(clock_.now() + 1s);
    poll();
    EXPECT_EQ(of_early, false);
    EXPECT_EQ(of_late, std::nullopt);
    waiters_.notify({OperationId("op_2")});
    poll();
    EXPECT_EQ(of_late, std::nullopt) << "another operation's change";
    waiters_.notify({id_});
    poll();
    EXPECT_EQ(of_late, true);
}

// Tickets are held as long as someone may wait: a server that never forgets them would grow for ever.
TEST_F(WaitersTest, TicketsLeaveNothingBehind) {
    {
        const auto one = waiters_.enter(id_);
        const auto other = waiters_.enter(id_);
        EXPECT_EQ(waiters_.size(), 2U);
    }
    EXPECT_EQ(waiters_.size(), 0U);
    const Accepted asked = provision();
    Waited waited;
    WaitTest::begin(asked.operation->id, 1s, waited);
    clock_.advance(2s);
    broker_->tick();
    poll();
    EXPECT_TRUE(waited);
}

}  // namespace
}  // namespace slipway::broker_test
