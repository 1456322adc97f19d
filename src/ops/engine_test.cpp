// One engine and one operation: every class of answer comes to the end that the laws ask for.
#include <gmock/gmock.h>

#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;
using ::testing::Contains;
using ::testing::HasSubstr;

class EngineTest : public OpsTest {
  protected:
    EngineTest() : host_(start_host()) {}
    dummy::DummyProvider& provider() { return host_.provider(); }
    // Whether nothing is out there and nothing is said to be.
    void expect_clean_failure(const Asked& asked) {
        EXPECT_EQ(state_of(asked.resource), "failed");
        EXPECT_TRUE(resource(asked.resource).remnants.empty());
        EXPECT_EQ(cloud_.count(asked.resource), 0U);
        EXPECT_EQ(host_.engine().under_way(), 0U);
    }
    Host& host_;
};

// The price of an operation is the engine's throughput: accept, lease (with the intent), record.
TEST_F(EngineTest, AnOperationCostsThreeCommits) {
    const Asked asked = made();
    EXPECT_EQ(store_.commits, 2);
    EXPECT_EQ(store_.leases, 1);
    EXPECT_EQ(state_of(asked.operation), "succeeded");
    EXPECT_EQ(provider().count(CallVerb::create), 1U);
    EXPECT_EQ(provider().count(CallVerb::observe), 1U);  // the verification
    EXPECT_EQ(host_.engine().counters().ended, 1U);
    EXPECT_EQ(host_.engine().counters().calls, 2U);
    EXPECT_EQ(host_.engine().under_way(), 0U);
}

// A notice wakes the loop; a scan may be a second away.
TEST_F(EngineTest, AnAcceptedOperationStartsAtOnce) {
    advance(10s);
    const TimePoint asked_at = now();
    const Asked asked = ask();
    poll();
    EXPECT_TRUE(ended(asked.operation));
    EXPECT_EQ(now(), asked_at);
}

TEST_F(EngineTest, WithoutANoticeTheScanFindsTheWork) {
    advance(10s);
    memory_.listen(nullptr);
    const Asked asked = ask();
    EXPECT_TRUE(until([&] { return ended(asked.operation); }, 2s));
}

TEST_F(EngineTest, ARemovalLeavesNothing) {
    const Asked asked = made();
    const OperationId removal = ask_removal(asked.resource);
    ASSERT_TRUE(until([&] { return ended(removal); }));
    EXPECT_EQ(state_of(asked.resource), "gone");
    EXPECT_EQ(cloud_.count(asked.resource), 0U);
    EXPECT_TRUE(resource(asked.resource).secrets.empty());
}

TEST_F(EngineTest, APermanentFailureIsUndoneAndSaid) {
    provider().once(CallVerb::create, Reaction::fail(ErrorClass::permanent, "no such plan out there"));
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_EQ(operation(asked.operation).failure, "no such plan out there");
    EXPECT_EQ(provider().count(CallVerb::create), 1U);
    expect_clean_failure(asked);
}

// What was made and never runs is removed again.
TEST_F(EngineTest, WhatIsMadeAndFailsIsRemoved) {
    provider().once(CallVerb::create, Reaction::pend(1000));
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return state_of(asked.operation) == "waiting"; }));
    cloud_.find(1)->presence = Presence::failed;
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "failed");
    expect_clean_failure(asked);
}

TEST_F(EngineTest, TransientFailuresAreRetriedWithinTheBackoff) {
    std::vector<TimePoint> tries;
    provider().script([&](const Call& call) {
        if (call.verb != CallVerb::create) return Reaction::succeed();
        tries.push_back(now());
        return call.repeated < 4 ? Reaction::fail(ErrorClass::transient) : Reaction::succeed();
    });
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "succeeded");
    EXPECT_EQ(operation(asked.operation).steps[0].attempts, 4U);
    ASSERT_EQ(tries.size(), 5U);
    for (std::uint32_t i = 0; i + 1 < tries.size(); ++i) {
        EXPECT_LE(tries[i + 1] - tries[i], backoff(RetryPolicy{}, i, 1.0) + 1ms) << i;
    }
    EXPECT_GT(tries.back(), tries.front()) << "without any pause it would be a hot loop";
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

TEST_F(EngineTest, TheNumberOfAttemptsIsBound) {
    provider().script([](const Call& call) {
        return call.verb == CallVerb::create ? Reaction::fail(ErrorClass::transient, "busy") : Reaction::succeed();
    });
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_EQ(provider().count(CallVerb::create), RetryPolicy{}.max_attempts);
    expect_clean_failure(asked);
}

TEST_F(EngineTest, AThrottledCallWaitsAsLongAsTheProviderAsks) {
    Reaction slow_down = Reaction::fail(ErrorClass::throttled, "rate exceeded");
    slow_down.retry_after = 7s;
    provider().once(CallVerb::create, slow_down);
    const TimePoint asked_at = now();
    const Asked asked = ask();
    advance(6900ms);
    EXPECT_EQ(provider().calls().size(), 1U);
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "succeeded");
    EXPECT_LE(now() - asked_at, 7100ms);
}

// Creating again what may exist would make two.
TEST_F(EngineTest, AnUnknownOutcomeIsObservedBeforeAnythingElse) {
    provider().once(CallVerb::create, Reaction::lose_answer());
    const Asked asked = made();
    EXPECT_EQ(provider().count(CallVerb::create), 1U);
    EXPECT_EQ(provider().calls()[1].verb, CallVerb::observe);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

TEST_F(EngineTest, ALostRequestIsMadeAgainAfterLooking) {
    provider().once(CallVerb::create, Reaction::lose_request());
    const Asked asked = made();
    EXPECT_EQ(provider().count(CallVerb::create), 2U);
    EXPECT_EQ(provider().calls()[1].verb, CallVerb::observe);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

TEST_F(EngineTest, ACallBeyondItsBudgetIsAnUnknownOutcome) {
    Reaction slow;
    slow.delay = 1h;
    provider().once(CallVerb::create, slow);
    const Asked asked = made();
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

// The name is taken by what an earlier worker made for this very operation.
TEST_F(EngineTest, AConflictWithOurOwnIsAdopted) {
    Draft draft = draft_of({});
    const Asked asked{draft.resource.id, draft.operation.id};
    dummy::Thing thing;
    thing.external_name = draft.resource.external_name;
    thing.installation = InstallationId("ours");
    thing.resource = asked.resource;
    thing.generation = 1;
    cloud_.add(thing);
    commit(accept(std::move(draft)));
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "succeeded");
    EXPECT_EQ(provider().count(CallVerb::create), 1U);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

TEST_F(EngineTest, AConflictWithAStrangerFailsAndLeavesTheStrangerAlone) {
    Draft draft = draft_of({});
    const Asked asked{draft.resource.id, draft.operation.id};
    dummy::Thing thing;
    thing.external_name = draft.resource.external_name;
    thing.installation = InstallationId("theirs");
    thing.resource = ResourceId("res_theirs");
    cloud_.add(thing);
    commit(accept(std::move(draft)));
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_THAT(operation(asked.operation).failure, HasSubstr("not ours"));
    EXPECT_EQ(cloud_.count(ResourceId("res_theirs")), 1U);
    expect_clean_failure(asked);
}

TEST_F(EngineTest, PendingIsPolledUntilItRuns) {
    provider().once(CallVerb::create, Reaction::pend(4));
    const TimePoint asked_at = now();
    const Asked asked = made();
    EXPECT_EQ(provider().count(CallVerb::create), 1U);
    EXPECT_EQ(provider().count(CallVerb::observe), 5U);  // four looks and the verification
    EXPECT_GE(now() - asked_at, 4 * RetryPolicy{}.poll);
    EXPECT_EQ(operation(asked.operation).steps[0].attempts, 0U) << "waiting is not failing";
}

TEST_F(EngineTest, WhatIsNotDoneBeforeItsDeadlineIsUndone) {
    provider().once(CallVerb::create, Reaction::pend(1'000'000));
    const Asked asked = ask({.limit = 30s});
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 2min));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_THAT(operation(asked.operation).failure, HasSubstr("deadline"));
    expect_clean_failure(asked);
}

// Nobody worked on it: a broker that was down for a day must not fail what it accepted.
TEST_F(EngineTest, TimeInAQueueDoesNotCountAgainstTheDeadline) {
    host_.kill();
    const Asked asked = ask({.limit = 30s});
    advance(24h);
    start_host("host-2");
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 2min));
    EXPECT_EQ(state_of(asked.operation), "succeeded");
}

TEST_F(EngineTest, ACancelDuringACallIsHonouredAfterIt) {
    Reaction slow;
    slow.delay = 5s;
    provider().once(CallVerb::create, slow);
    const Asked asked = ask();
    advance(1s);
    ASSERT_EQ(state_of(asked.operation), "running");
    ask_cancel(asked.operation);
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 1min));
    EXPECT_EQ(state_of(asked.operation), "cancelled");
    EXPECT_EQ(cloud_.made(asked.resource), 1U) << "the call was under way: its effect has to be undone";
    expect_clean_failure(asked);
}

TEST_F(EngineTest, ACancelWhileWaitingIsHonouredAtOnce) {
    provider().once(CallVerb::create, Reaction::pend(1'000'000));
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return state_of(asked.operation) == "waiting"; }));
    ask_cancel(asked.operation);
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 10ms));
    EXPECT_EQ(state_of(asked.operation), "cancelled");
    expect_clean_failure(asked);
}

// An exception is a bug of the provider's, and still no reason to make two or to fall over.
TEST_F(EngineTest, AProviderThatThrowsOnceIsObservedAndDone) {
    bool thrown = false;
    provider().script([&](const Call& call) -> Reaction {
        if (call.verb == CallVerb::create && !std::exchange(thrown, true)) throw std::runtime_error("boom");
        return Reaction::succeed();
    });
    const Asked asked = made();
    EXPECT_EQ(provider().calls()[1].verb, CallVerb::observe);
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
}

// Even undoing does not work: then it is said what may be out there, for the sweep and for people.
TEST_F(EngineTest, AProviderThatAlwaysThrowsEndsWithRemnants) {
    provider().script([](const Call&) -> Reaction { throw std::runtime_error("boom"); });
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 3h));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_EQ(resource(asked.resource).remnants.size(), 1U);
    EXPECT_EQ(provider().count(CallVerb::create), 1U) << "it never saw that nothing is there";
    EXPECT_EQ(host_.engine().under_way(), 0U);
}

// Its secrets cannot be opened: nothing may be called with half a spec.
TEST_F(EngineTest, UnreadableSecretsFailTheCreationWithoutACall) {
    sealer_.broken = true;
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return operation(asked.operation).direction == Direction::undo; }));
    EXPECT_EQ(provider().count(CallVerb::create), 0U);
    EXPECT_EQ(cloud_.things().size(), 0U);
}

class AllocationTest : public EngineTest {
  protected:
    static dummy::DummyOptions with_ports(std::int64_t first, std::int64_t last) {
        dummy::DummyOptions options;
        options.name = "ports";
        options.ranges = {{"local/port", "port", first, last}};
        return options;
    }
    Host& start_with(std::int64_t first, std::int64_t last) {
        host_.kill();
        return start_host("host-2", {with_ports(first, last)});
    }
    Wish wish(std::int64_t first, std::int64_t last) {
        return {.provider = "ports", .ranges = {{"local/port", "port", first, last}}};
    }
    static Reaction in_use() {
        Reaction reaction = Reaction::fail(ErrorClass::address_in_use, "the port is occupied");
        reaction.allocation = "port";
        return reaction;
    }
};

TEST_F(AllocationTest, AnOccupiedPortIsReplacedByAnother) {
    Host& host = start_with(7000, 7002);
    host.provider().once(CallVerb::create, in_use());
    const Asked asked = made(wish(7000, 7002));
    EXPECT_EQ(resource(asked.resource).allocations.at("port"), 7001);
    EXPECT_EQ(endpoint_of(resource(asked.resource).state)->port, 7001);
    EXPECT_THAT(event_types(asked.resource), Contains("operation.reallocated"));
}

TEST_F(AllocationTest, AnExhaustedRangeFailsCleanlyAndGivesThePortBackAfterItsRest) {
    Host& host = start_with(7000, 7000);
    host.provider().once(CallVerb::create, in_use());
    const Asked asked = ask(wish(7000, 7000));
    ASSERT_TRUE(until([&] { return ended(asked.operation); }));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_THAT(operation(asked.operation).failure, HasSubstr("no free number"));
    EXPECT_TRUE(resource(asked.resource).allocations.empty());
    EXPECT_EQ(cloud_.count(asked.resource), 0U);
    const auto too_early = run(store_.commit(accept(draft_of(wish(7000, 7000)))));
    ASSERT_TRUE(too_early);
    EXPECT_EQ(std::get<Rejected>(*too_early).obstacle, Obstacle::range_exhausted) << "it has to rest first";
    advance(EngineOptions{}.rest);
    const Asked next = made(wish(7000, 7000));
    EXPECT_EQ(resource(next.resource).allocations.at("port"), 7000);
}

TEST_F(AllocationTest, APortOfARemovedResourceRestsBeforeItIsGivenAgain) {
    start_with(7000, 7000);
    const Asked asked = made(wish(7000, 7000));
    const OperationId removal = ask_removal(asked.resource);
    ASSERT_TRUE(until([&] { return ended(removal); }));
    const auto too_early = run(store_.commit(accept(draft_of(wish(7000, 7000)))));
    ASSERT_TRUE(too_early);
    EXPECT_TRUE(std::holds_alternative<Rejected>(*too_early));
    advance(EngineOptions{}.rest);
    made(wish(7000, 7000));
}

}  // namespace
}  // namespace slipway::ops_test
