// Faults that were found by reading and shown by a test first.
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;

class FoundFaultsTest : public OpsTest {};

// recover() knows its own leases by "<host>/<random>" (store.h), and the stores have to make such tokens.
TEST_F(FoundFaultsTest, AKilledHostsNextProcessResumesAtOnce) {
    Host& first = start_host("host-1");
    Reaction late;
    late.answer_delay = 5s;
    first.provider().once(CallVerb::create, late);
    const Asked asked = ask();
    ASSERT_EQ(state_of(asked.operation), "running");
    first.kill();
    start_host("host-1");
    EXPECT_TRUE(until([&] { return ended(asked.operation); }, 1s)) << "it waits for its own dead lease";
}

// EngineOptions::per_organization: "operations of one organization under way at
// once".
TEST_F(FoundFaultsTest, OneOrganizationNeverHasMoreThanItsShareUnderWay) {
    EngineOptions options;
    options.per_organization = 4;
    Host& host = add_host("host-1", {{}}, options);
    host.provider().script([](const Call&) {
        Reaction slow;
        slow.delay = 1s;
        return slow;
    });
    for (int i = 0; i < 12; ++i) ask();
    host.engine().start();
    std::size_t peak = 0;
    until([&] {
        peak = std::max(peak, host.engine().under_way());
        return cloud_.things().size() == 12;
    });
    EXPECT_LE(peak, 4U) << "three under way and a lease of four more";
}

// A retry of one's own is no takeover: the counter goes to the metrics.
TEST_F(FoundFaultsTest, ARetryIsNoTakeover) {
    Host& host = start_host();
    host.provider().once(CallVerb::create, Reaction::fail(ErrorClass::transient));
    made();
    EXPECT_EQ(host.engine().counters().takeovers, 0U);
}

// Every failure of a pooled creation is a commit, every commit a hint, every
// hint a new creation: no bound.
TEST_F(FoundFaultsTest, APoolWhoseProviderAlwaysFailsIsNotRefilledWithoutEnd) {
    Plan pooled;
    pooled.engine = "redis";
    pooled.name = "pooled";
    pooled.provider = "dummy";
    pooled.pool = 2;
    const Catalog catalog({pooled});
    Host& host = start_host();
    host.provider().script([](const Call& call) {
        return call.verb == CallVerb::create ? Reaction::fail(ErrorClass::permanent) : Reaction::succeed();
    });
    PoolKeeper pools({store_, catalog, host.registry(), sealer_, timeline_.clock(), random_}, {});
    Reconciler reconciler({store_, host.calls(), timeline_.clock(), host.scheduler(), random_}, {});
    Sweeper sweeper({store_, host.calls(), timeline_.clock()});
    RotationKeeper rotations({store_, timeline_.clock(), random_});
    ExpiryKeeper expiries({store_, timeline_.clock(), random_});
    auto background = Background::make({pools, reconciler, sweeper, rotations, expiries, host.registry(),
                                        timeline_.clock(), host.scheduler(), host.executor()},
                                       BackgroundOptions{});
    background->start();
    host.on_commit = [&](const CommitNotice&) { background->hint_pools(); };
    advance(60s);
    host.on_commit = nullptr;
    host.kill();
    std::size_t count = 0;
    memory_.snapshot().for_each_resource([&](const Resource&) { ++count; });
    EXPECT_LE(count, 100U) << "in one minute";
}

// The commit that settles a removed remnant is conditional on the resource's version: refused, it used to be taken
// for done, and the failed resource kept its remnants and its port for ever.
TEST_F(FoundFaultsTest, RemnantsAreSettledThoughTheResourceChangesInThatInstant) {
    Host& host = start_host();
    host.provider().script([](const Call& call) {
        if (call.verb == CallVerb::remove) return Reaction::fail(ErrorClass::permanent, "not today");
        return call.verb == CallVerb::create ? Reaction::pend(1'000'000) : Reaction::succeed();
    });
    const Asked asked = ask({.limit = 10s, .ranges = {{"local/port", "port", 7000, 7000}}});
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 3h));
    host.provider().script(nullptr);
    ASSERT_EQ(resource(asked.resource).remnants.size(), 1U);
    Sweeper sweeper({store_, host.calls(), timeline_.clock()});
    int changes = 0;
    store_.before_commit = [&](const Commit&) -> Task<void> {
        ++changes;
        Commit other;
        Resource stored = resource(asked.resource);
        stored.labels["changed"] = "meanwhile";
        other.writes.emplace_back(write::PutResource{std::move(stored)});
        EXPECT_TRUE(co_await memory_.commit(std::move(other)));
    };
    ASSERT_TRUE(run(sweeper.sweep({.dry_run = false, .grace = 0s})));
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(resource(asked.resource).labels.at("changed"), "meanwhile");
    EXPECT_TRUE(resource(asked.resource).remnants.empty());
    EXPECT_TRUE(resource(asked.resource).allocations.empty());
}

// Nothing can be made without its secrets, but a lost data key must not keep alive what is there.
TEST_F(FoundFaultsTest, WhatCannotBeOpenedAnyMoreCanStillBeRemoved) {
    Host& host = start_host();
    const Asked asked = made();
    ASSERT_FALSE(resource(asked.resource).secrets.empty());
    sealer_.broken = true;
    host.provider().once(CallVerb::remove, Reaction::fail(ErrorClass::transient));
    const OperationId removal = ask_removal(asked.resource);
    EXPECT_TRUE(until([&] { return ended(removal); }, 1h));
    EXPECT_EQ(state_of(removal), "succeeded");
    EXPECT_EQ(state_of(asked.resource), "gone");
    EXPECT_TRUE(cloud_.things().empty());
}

// A renewal that meets another's record goes on from that record: the call that was planned for the old one is not
// made before anybody has looked.
TEST_F(FoundFaultsTest, ARenewalThatFindsAnotherRecordObservesFirst) {
    EngineOptions options;
    options.call_budget = 20s;
    options.lease = 30s;
    Host& host = add_host("host-1", {{}}, options);
    Reaction slow;
    slow.delay = 15s;
    host.provider().once(CallVerb::create, Reaction::fail(ErrorClass::transient));
    host.provider().once(CallVerb::observe, slow);  // before the second creation: the lease is half over then
    host.engine().start();
    const Asked asked = ask();
    ASSERT_TRUE(until([&] { return host.provider().count(CallVerb::observe) == 1; }, 10s));
    store_.before_commit = [&](const Commit&) -> Task<void> {
        Commit other;
        Operation stored = operation(asked.operation);
        stored.cancel_reason = "noted by another";
        other.writes.emplace_back(write::PutOperation{std::move(stored), std::nullopt});
        EXPECT_TRUE(co_await memory_.commit(std::move(other)));
    };
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 1h));
    EXPECT_EQ(state_of(asked.resource), "ready");
    EXPECT_EQ(host.provider().count(CallVerb::observe), 3U) << "the slow one, another look, and the verification";
    EXPECT_EQ(host.provider().count(CallVerb::create), 2U);
}

}  // namespace
}  // namespace slipway::ops_test
