// The store fails while an operation runs: whatever was or was not written, one resource comes of it.
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::CallVerb;
using dummy::Reaction;

class EngineStorageTest : public OpsTest {
  protected:
    void expect_one(const Asked& asked, Duration within) {
        ASSERT_TRUE(until([&] { return ended(asked.operation); }, within));
        EXPECT_EQ(state_of(asked.operation), "succeeded");
        EXPECT_EQ(state_of(asked.resource), "ready");
        EXPECT_EQ(cloud_.made(asked.resource), 1U);
        EXPECT_EQ(cloud_.count(asked.resource), 1U);
        EXPECT_TRUE(until([&] { return hosts_.at(0)->engine().under_way() == 0; }, 1s));
    }
};

TEST_F(EngineStorageTest, ARecordThatFailsIsMadeAgain) {
    for (const int times : {1, 2, 10}) {
        Host& host = add_host(fmt::format("host-{}", times));
        const Asked asked = ask();
        store_.fail_commits = times;
        host.engine().start();
        expect_one(asked, 25s);
        EXPECT_EQ(host.provider().count(CallVerb::create), 1U);
        host.kill();
        hosts_.clear();
    }
}

// It was written and the answer says that it was not: the worker reads what holds now.
TEST_F(EngineStorageTest, ARecordOfUnknownOutcomeIsReadAgain) {
    Host& host = add_host();
    const Asked asked = ask();
    store_.lose_commits = 1;
    host.engine().start();
    expect_one(asked, 25s);
    EXPECT_EQ(host.engine().counters().superseded, 0U);
}

TEST_F(EngineStorageTest, AnIntermediateRecordOfUnknownOutcomeIsReadAgain) {
    Host& host = add_host();
    host.provider().once(CallVerb::create, Reaction::pend(3));
    const Asked asked = ask();
    store_.lose_commits = 1;
    host.engine().start();
    expect_one(asked, 1min);
}

// The worker gives up, and the operation comes back when its lease is over.
TEST_F(EngineStorageTest, AnOutageLongerThanTheWorkersPatienceDelaysAndLosesNothing) {
    Host& host = add_host();
    const Asked asked = ask();
    store_.fail_commits = 40;
    host.engine().start();
    expect_one(asked, 3min);
}

TEST_F(EngineStorageTest, ReadsThatFailAfterAFailedRecordAreTriedAgain) {
    Host& host = start_host();
    host.provider().once(CallVerb::create, [] {
        Reaction reaction;
        reaction.delay = 2s;
        return reaction;
    }());
    const Asked asked = ask();
    advance(1s);
    store_.fail_commits = 1;
    store_.fail_reads = 3;
    expect_one(asked, 25s);
}

TEST_F(EngineStorageTest, LeasingThatFailsIsTriedAgainByTheScan) {
    start_host();
    store_.fail_leases = 3;
    const Asked asked = ask();
    expect_one(asked, 10s);
}

// A failed operation's undo under the same faults leaves nothing.
TEST_F(EngineStorageTest, AnUndoUnderStorageErrorsLeavesNothing) {
    Host& host = add_host();
    host.provider().once(CallVerb::create, Reaction::pend(1000));
    const Asked asked = ask({.limit = 5s});
    host.engine().start();
    advance(4s);
    store_.fail_commits = 2;
    ASSERT_TRUE(until([&] { return ended(asked.operation); }, 2min));
    EXPECT_EQ(state_of(asked.operation), "failed");
    EXPECT_EQ(cloud_.count(asked.resource), 0U);
    EXPECT_TRUE(resource(asked.resource).remnants.empty());
}

}  // namespace
}  // namespace slipway::ops_test
