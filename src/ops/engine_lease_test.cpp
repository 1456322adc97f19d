// Leases: who may work on an operation, what becomes of it when a worker dies, sleeps or stops, and the bounds on
// how much is under way.
#include <gmock/gmock.h>

#include "base/log.h"
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;
using ::testing::Contains;
using ::testing::Not;

class EngineLeaseTest : public OpsTest {
  protected:
    static Reaction slow(Duration delay) {
        Reaction reaction;
        reaction.delay = delay;
        return reaction;
    }
    static Reaction late_answer(Duration delay) {
        Reaction reaction;
        reaction.answer_delay = delay;
        return reaction;
    }
    // The operation as a process of that host left it when it died during the creation.
    Asked left_by(const std::string& host, Duration lease) {
        const Asked asked = ask();
        Operation operation = this->operation(asked.operation);
        Resource resource = this->resource(asked.resource);
        auto leased = slipway::lease(operation, resource, LeaseToken(host + "/t1"), now(), lease, RetryPolicy{});
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(leased->resource)});
        change.writes.emplace_back(write::PutOperation{std::move(leased->operation), std::nullopt});
        commit(std::move(change));
        return asked;
    }
};

// The lease ran out while the worker slept; its late effect must not make a second one, nor its late answer be
// recorded.
TEST_F(EngineLeaseTest, ASupersededWorkersWriteIsRefusedAndCounted) {
    Host& first = start_host("host-1");
    first.provider().once(CallVerb::create, late_answer(5s));
    const Asked asked = ask();
    advance(1s);
    ASSERT_EQ(first.engine().under_way(), 1U);
    first.pause(2min);
    Host& second = start_host("host-2");
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 40s));
    const std::uint64_t version = operation(asked.operation).version;
    EXPECT_EQ(second.engine().counters().takeovers, 1U);
    EXPECT_THAT(event_types(asked.resource), Contains("operation.taken_over"));
    advance(3min);
    EXPECT_EQ(first.engine().counters().superseded, 1U);
    EXPECT_EQ(first.engine().under_way(), 0U);
    EXPECT_EQ(operation(asked.operation).version, version) << "the late answer changed nothing";
    EXPECT_EQ(state_of(asked.operation), "succeeded");
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

// The same with an effect that comes late: the provider's unique name is what keeps it single.
TEST_F(EngineLeaseTest, ASupersededWorkersLateEffectMakesNoSecondResource) {
    Host& first = start_host("host-1");
    first.provider().once(CallVerb::create, slow(5s));
    const Asked asked = ask();
    advance(1s);
    first.pause(2min);
    start_host("host-2");
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 40s));
    advance(3min);
    EXPECT_EQ(first.engine().counters().superseded, 1U);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
    EXPECT_EQ(state_of(asked.resource), "ready");
}

// Removed meanwhile by the new worker: the late creation must not bring it back.
TEST_F(EngineLeaseTest, ALateCreationAfterARemovalBringsNothingBack) {
    Host& first = start_host("host-1");
    first.provider().once(CallVerb::create, slow(5s));
    const Asked asked = ask();
    advance(1s);
    first.pause(5min);
    start_host("host-2");
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 40s));
    const OperationId removal = ask_removal(asked.resource);
    ASSERT_TRUE(until([&] { return ended(removal); }));
    advance(6min);
    EXPECT_EQ(state_of(asked.resource), "gone");
    EXPECT_EQ(cloud_.count(asked.resource), 0U);
}

TEST_F(EngineLeaseTest, AKilledWorkersOperationIsTakenOverAfterItsLeaseAndNotBefore) {
    Host& first = start_host("host-1");
    first.provider().once(CallVerb::create, late_answer(5s));
    const Asked asked = ask();
    first.kill();
    const TimePoint died = now();
    Host& second = start_host("host-2");
    advance(29s);
    EXPECT_EQ(second.engine().counters().leased, 0U);
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 5s));
    EXPECT_LE(now() - died, 31s);
    EXPECT_EQ(second.provider().count(CallVerb::create), 0U) << "it was there already, and was adopted";
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

// A call may take its whole budget: without renewal a second worker would come in the middle of it.
TEST_F(EngineLeaseTest, SlowCallsKeepTheirLease) {
    EngineOptions options;
    Host& first = start_host("host-1", {{}}, options);
    first.provider().script([&](const Call&) { return slow(options.call_budget - 1s); });
    Host& second = start_host("host-2");
    const TimePoint asked_at = now();
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 3min));
    EXPECT_GE(now() - asked_at, 28s);
    EXPECT_EQ(first.engine().counters().leased + second.engine().counters().leased, 1U);
    EXPECT_EQ(first.engine().counters().superseded + second.engine().counters().superseded, 0U);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

TEST_F(EngineLeaseTest, StopFinishesThePresentCallAndGivesTheLeaseBack) {
    Host& first = start_host("host-1");
    first.provider().once(CallVerb::create, slow(5s));
    const Asked asked = ask();
    bool stopped = false;
    boost::asio::co_spawn(first.executor(), first.engine().stop(10s),
                          [&](const std::exception_ptr&) { stopped = true; });
    const Asked later = ask();
    ASSERT_TRUE(until([&] { return stopped; }, 6s));
    EXPECT_EQ(first.engine().under_way(), 0U);
    EXPECT_EQ(state_of(asked.operation), "queued");
    EXPECT_EQ(cloud_.made(asked.resource), 1U) << "its call was finished";
    EXPECT_EQ(state_of(later.operation), "queued") << "no new lease while it stops";
    Host& second = start_host("host-2");
    ASSERT_TRUE(until([&] { return ended(asked.operation) && ended(later.operation); }, 1s))
        << "nobody has to wait for a lease to run out";
    EXPECT_EQ(second.engine().counters().ended, 2U);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

TEST_F(EngineLeaseTest, StopWaitsNoLongerThanItsLimit) {
    Host& first = start_host("host-1");
    first.provider().once(CallVerb::create, slow(10s));
    ask();
    const TimePoint from = now();
    bool stopped = false;
    boost::asio::co_spawn(first.executor(), first.engine().stop(2s),
                          [&](const std::exception_ptr&) { stopped = true; });
    ASSERT_TRUE(until([&] { return stopped; }, 5s));
    EXPECT_LE(now() - from, 2100ms);
    EXPECT_EQ(first.engine().under_way(), 1U);
}

// The next process of a host knows that the leases of the last one are nobody's.
TEST_F(EngineLeaseTest, ARestartResumesItsOwnLeasesAtOnceAndNotOthers) {
    const Asked own = left_by("host-1", 30s);
    const Asked others = left_by("host-2", 30s);
    const Asked longer_name = left_by("host-11", 30s);
    start_host("host-1");
    ASSERT_TRUE(until([&] { return ended(own.operation); }, 1s));
    EXPECT_EQ(state_of(own.operation), "succeeded");
    advance(20s);
    EXPECT_FALSE(ended(others.operation)) << "its worker may be at work";
    EXPECT_FALSE(ended(longer_name.operation)) << "a host whose name begins the same is another host";
    ASSERT_TRUE(until([&] { return ended(others.operation) && ended(longer_name.operation); }, 20s));
}

// A read that fails at the start must not cost every operation of this host a whole lease time.
TEST_F(EngineLeaseTest, ARecoveryThatCannotReadTriesAgain) {
    const Asked own = left_by("host-1", 30s);
    store_.fail_reads = 2;
    start_host("host-1");
    ASSERT_TRUE(until([&] { return ended(own.operation); }, 5s));
}

// Written under a clock that was an hour ahead.
TEST_F(EngineLeaseTest, TimesFarAheadAreBroughtBackByARestart) {
    const Asked asked = ask();
    Operation ahead = operation(asked.operation);
    ahead.run_at = now() + 1h;
    Commit change;
    change.writes.emplace_back(write::PutOperation{std::move(ahead), std::nullopt});
    commit(std::move(change));
    start_host("host-1");
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 5s));
}

TEST_F(EngineLeaseTest, OperationsOfAHostAreLeasedByThatHostOnly) {
    Host& other = start_host("host-2");
    const Asked asked = ask({.host = HostId("host-1")});
    advance(1min);
    EXPECT_EQ(other.engine().counters().leased, 0U);
    start_host("host-1");
    EXPECT_TRUE(until([&] { return ended(asked.operation); }, 1s));
}

TEST_F(EngineLeaseTest, TwoEnginesShareTheWorkWithoutDoingAnythingTwice) {
    Host& first = start_host("host-1");
    Host& second = start_host("host-2");
    std::vector<Asked> all;
    for (int i = 0; i < 50; ++i) all.push_back(ask({.organization = fmt::format("org-{}", i % 7)}));
    ASSERT_TRUE(
        until([&] { return std::ranges::all_of(all, [&](const Asked& a) { return ended(a.operation); }); }));
    for (const Asked& asked : all) EXPECT_EQ(cloud_.made(asked.resource), 1U);
    EXPECT_EQ(first.engine().counters().leased + second.engine().counters().leased, 50U);
}

class BoundsTest : public EngineLeaseTest {
  protected:
    // Runs until all have ended; answers the most that were under way at once.
    std::size_t peak_of(Host& host, const std::vector<Asked>& all) {
        std::size_t peak = 0;
        EXPECT_TRUE(until([&] {
            peak = std::max(peak, host.engine().under_way());
            return std::ranges::all_of(all, [&](const Asked& asked) { return ended(asked.operation); });
        }));
        return peak;
    }
};

TEST_F(BoundsTest, AProviderGetsNoMoreThanItCanDo) {
    dummy::DummyOptions narrow;
    narrow.concurrency = 3;
    Host& host = start_host("host-1", {narrow});
    host.provider().script([](const Call&) { return slow(1s); });
    std::vector<Asked> all;
    for (int i = 0; i < 10; ++i) all.push_back(ask());
    EXPECT_EQ(peak_of(host, all), 3U);
}

TEST_F(BoundsTest, ABusyProviderDoesNotHoldUpAnother) {
    dummy::DummyOptions narrow;
    narrow.concurrency = 1;
    dummy::DummyOptions other;
    other.name = "other";
    Host& host = start_host("host-1", {narrow, other});
    host.provider(0).script([](const Call&) { return slow(10s); });
    for (int i = 0; i < 5; ++i) ask();
    const Asked quick = ask({.provider = "other"});
    EXPECT_TRUE(until([&] { return ended(quick.operation); }, 1s));
}

TEST_F(BoundsTest, OneOrganizationsBurstStaysWithinItsShareAndHoldsUpNobody) {
    EngineOptions options;
    options.per_organization = 4;
    Host& host = add_host("host-1", {{}}, options);
    host.provider().script([](const Call&) { return slow(1s); });
    std::vector<Asked> burst;
    for (int i = 0; i < 12; ++i) burst.push_back(ask());
    host.engine().start();
    poll();
    EXPECT_EQ(host.engine().under_way(), 4U);
    const Asked other = ask({.organization = "other"});
    EXPECT_EQ(host.engine().under_way(), 5U);
    EXPECT_TRUE(until([&] { return ended(other.operation); }, 3s));
    peak_of(host, burst);
}

}  // namespace
}  // namespace slipway::ops_test
