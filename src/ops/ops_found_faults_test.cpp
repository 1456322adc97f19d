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
    Reconciler reconciler({store_, host.calls(), timeline_.clock(), random_}, {});
    Sweeper sweeper({store_, host.calls(), timeline_.clock()});
    auto background = Background::make(
        {pools, reconciler, sweeper, host.registry(), host.scheduler(), host.executor()}, BackgroundOptions{});
    background->start();
    host.on_commit = [&] { background->hint_pools(); };
    advance(60s);
    host.on_commit = nullptr;
    host.kill();
    std::size_t count = 0;
    memory_.snapshot().for_each_resource([&](const Resource&) { ++count; });
    EXPECT_LE(count, 100U) << "in one minute";
}

}  // namespace
}  // namespace slipway::ops_test
