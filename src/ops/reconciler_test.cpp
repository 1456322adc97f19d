// The reconciler: sees what stopped, has it brought back from its data, and costs nothing while all is well.
#include <gmock/gmock.h>

#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::CallVerb;
using dummy::Reaction;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ReconcilerTest : public OpsTest {
  protected:
    ReconcilerTest() : host_(start_host("host-1")) {}
    Reconciler reconciler(const std::string& host = "host-1", std::uint32_t page = 200) {
        ReconcilerOptions options;
        options.host = HostId(host);
        options.page = page;
        return {{store_, host_.calls(), timeline_.clock(), host_.scheduler(), random_}, options};
    }
    Asked local() { return made({.host = HostId("host-1")}); }
    std::string name_of(const Asked& asked) { return resource(asked.resource).external_name; }
    std::uint64_t id_of(const Asked& asked) { return cloud_.named(name_of(asked)).at(0).id; }
    Host& host_;
};

TEST_F(ReconcilerTest, APassOverHealthyResourcesWritesNothing) {
    for (int i = 0; i < 5; ++i) local();
    const int commits = store_.commits;
    Reconciler reconciler = this->reconciler();
    const auto report = run(reconciler.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->seen, 5U);
    EXPECT_EQ(report->healthy, 5U);
    EXPECT_EQ(store_.commits, commits);
}

// With a million resources a pass would hold up every operation for seconds.
TEST_F(ReconcilerTest, OthersHaveTheirTurnDuringAPass) {
    for (int i = 0; i < 5; ++i) local();
    bool turn = false;
    timeline_.at(Duration::zero(), 0, [&] { turn = true; });
    Reconciler reconciler = this->reconciler("host-1", 2);
    const auto report = run(reconciler.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->seen, 5U);
    EXPECT_TRUE(turn);
}

TEST_F(ReconcilerTest, WhatStoppedIsBroughtBackFromItsDataByOneRepair) {
    const Asked asked = local();
    const std::uint64_t thing = id_of(asked);
    cloud_.kill(name_of(asked));
    Reconciler reconciler = this->reconciler();
    const auto report = run(reconciler.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->repairs, 1U);
    ASSERT_TRUE(until([&] { return resource(asked.resource).health == Health::healthy; }));
    EXPECT_EQ(cloud_.find(thing)->presence, Presence::running) << "the same thing, with its data";
    EXPECT_EQ(cloud_.made(asked.resource), 1U);
    EXPECT_EQ(state_of(asked.resource), "ready");
    OperationFilter repairs;
    repairs.kind = OperationKind::repair;
    EXPECT_EQ(memory_.snapshot().operations(repairs, {}).items.size(), 1U);
    EXPECT_THAT(event_types(asked.resource), Contains("resource.repair_requested"));
}

// A second pass (or hint) while it is being repaired asks for nothing more.
TEST_F(ReconcilerTest, WhatIsBeingRepairedIsLeftToIt) {
    const Asked asked = local();
    host_.kill();
    cloud_.kill(name_of(asked));
    Host& idle = add_host("host-1");
    Reconciler reconciler({store_, idle.calls(), timeline_.clock(), idle.scheduler(), random_},
                          {.host = HostId("host-1")});
    ASSERT_TRUE(run(reconciler.pass()));
    ASSERT_TRUE(run(reconciler.pass()));
    ASSERT_TRUE(run(reconciler.look("dummy", name_of(asked))));
    OperationFilter repairs;
    repairs.kind = OperationKind::repair;
    EXPECT_EQ(memory_.snapshot().operations(repairs, {}).items.size(), 1U);
}

// Two passes that saw it at the same time: one of them writes.
TEST_F(ReconcilerTest, TwoLooksAtOnceAskForOneRepair) {
    const Asked asked = local();
    host_.kill();
    cloud_.kill(name_of(asked));
    Host& idle = add_host("host-1");
    Reconciler reconciler({store_, idle.calls(), timeline_.clock(), idle.scheduler(), random_},
                          {.host = HostId("host-1")});
    store_.before_commit = [&](const Commit&) -> Task<void> {
        static_cast<void>(co_await reconciler.look("dummy", name_of(asked)));
    };
    ASSERT_TRUE(run(reconciler.pass()));
    OperationFilter repairs;
    repairs.kind = OperationKind::repair;
    EXPECT_EQ(memory_.snapshot().operations(repairs, {}).items.size(), 1U);
}

TEST_F(ReconcilerTest, WhatVanishedFailsAndItIsSaid) {
    const Asked asked = local();
    cloud_.vanish(name_of(asked));
    Reconciler reconciler = this->reconciler();
    ASSERT_TRUE(run(reconciler.pass()));
    ASSERT_TRUE(until([&] { return state_of(asked.resource) == "failed"; }));
    EXPECT_THAT(std::get<resource_state::Failed>(resource(asked.resource).state).reason, HasSubstr("not there"));
    EXPECT_THAT(event_types(asked.resource), Contains("resource.failed"));
    EXPECT_EQ(cloud_.made(asked.resource), 1U) << "an empty one in its place would look like lost data";
}

TEST_F(ReconcilerTest, OtherHostsResourcesAreTheirsToLookAt) {
    const Asked local_one = local();
    const Asked remote = made();  // on no machine of ours
    cloud_.kill(name_of(local_one));
    cloud_.kill(name_of(remote));
    Reconciler other = reconciler("host-2");
    const auto report = run(other.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->seen, 0U);
    ASSERT_TRUE(run(other.look("dummy", name_of(local_one))));
    EXPECT_THAT(event_types(local_one.resource), Not(Contains("resource.repair_requested")));
}

TEST_F(ReconcilerTest, AHintLooksAtThatOneOnly) {
    const Asked asked = local();
    local();
    cloud_.kill(name_of(asked));
    const std::size_t observed = host_.provider().count(CallVerb::observe);
    Reconciler reconciler = this->reconciler();
    ASSERT_TRUE(run(reconciler.look("dummy", name_of(asked))));
    ASSERT_TRUE(until([&] { return cloud_.named(name_of(asked)).at(0).presence == Presence::running; }));
    EXPECT_EQ(host_.provider().count(CallVerb::observe), observed + 2);  // the look, and the repair's own
    EXPECT_TRUE(run(reconciler.look("dummy", "oct-unknown"))) << "a hint about nothing of ours is nothing";
}

// Not answering is not being gone: only said, and said again when it is over.
TEST_F(ReconcilerTest, AnUnreachableProviderIsAHealthAndNoRepair) {
    const Asked asked = local();
    Reconciler reconciler = this->reconciler();
    host_.provider().once(CallVerb::observe, Reaction::fail(ErrorClass::transient, "no route to it"));
    const auto report = run(reconciler.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->unreachable, 1U);
    EXPECT_EQ(report->repairs, 0U);
    EXPECT_EQ(resource(asked.resource).health, Health::unreachable);
    EXPECT_EQ(state_of(asked.resource), "ready");
    const int commits = store_.commits;
    host_.provider().once(CallVerb::observe, Reaction::fail(ErrorClass::transient, "no route to it"));
    ASSERT_TRUE(run(reconciler.pass()));
    EXPECT_EQ(store_.commits, commits) << "said once";
    ASSERT_TRUE(run(reconciler.pass()));
    EXPECT_EQ(resource(asked.resource).health, Health::healthy);
    EXPECT_THAT(event_types(asked.resource), Contains("resource.unreachable"));
    EXPECT_THAT(event_types(asked.resource), Contains("resource.healthy"));
}

// Each look at a server that hangs takes its whole budget: two tell enough of all that live there.
TEST_F(ReconcilerTest, AServerThatDoesNotAnswerForTwoIsNotAskedForTheOthers) {
    const Asked alone = local();
    for (int i = 0; i < 6; ++i) {
        Resource placed = resource(local().resource);
        placed.placed_on = ResourceId("res_server");
        Commit change;
        change.writes.emplace_back(write::PutResource{placed});
        commit(std::move(change));
    }
    const Asked last = local();
    host_.provider().script([&](const dummy::Call& call) {
        const bool elsewhere =
            call.target.external_name == name_of(alone) || call.target.external_name == name_of(last);
        return call.verb == CallVerb::observe && !elsewhere ? Reaction::fail(ErrorClass::transient, "no answer")
                                                            : Reaction();
    });
    const std::size_t observed = host_.provider().count(CallVerb::observe);
    Reconciler reconciler = this->reconciler();
    const auto report = run(reconciler.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(host_.provider().count(CallVerb::observe), observed + 4) << "two there, and two elsewhere";
    EXPECT_EQ(report->seen, 8U);
    EXPECT_EQ(report->unreachable, 6U);
    EXPECT_EQ(report->healthy, 2U);
    EXPECT_EQ(report->repairs, 0U);
}

TEST_F(ReconcilerTest, APassGoesThroughEveryPage) {
    for (int i = 0; i < 250; ++i) ask({.organization = fmt::format("org-{}", i % 20), .host = HostId("host-1")});
    ASSERT_TRUE(until([&] { return cloud_.things().size() == 250; }));
    advance(1s);
    Reconciler reconciler = this->reconciler();
    const auto report = run(reconciler.pass());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->seen, 250U);
}

TEST_F(ReconcilerTest, AStoreThatFailsEndsThePassWithAnError) {
    local();
    Reconciler reconciler = this->reconciler();
    store_.fail_reads = 1;
    EXPECT_EQ(run(reconciler.pass()).error().code, ErrorCode::storage);
}

// Removed while the look was under way: the removal goes on.
TEST_F(ReconcilerTest, ARemovalThatComesMeanwhileWins) {
    const Asked asked = local();
    host_.kill();
    cloud_.kill(name_of(asked));
    Host& host = add_host("host-1");
    Reconciler reconciler({store_, host.calls(), timeline_.clock(), host.scheduler(), random_},
                          {.host = HostId("host-1")});
    store_.before_commit = [&](const Commit&) -> Task<void> {
        Resource stored = resource(asked.resource);
        Operation removal = draft_operation(OperationKind::deprovision, stored, {}, now(), 15min, random_);
        Commit change;
        auto stepped = step(stored, {now(), resource_event::DeleteRequested{removal.id}});
        change.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
        change.writes.emplace_back(write::PutOperation{std::move(removal), std::nullopt});
        static_cast<void>(co_await store_.commit(std::move(change)));
    };
    ASSERT_TRUE(run(reconciler.pass()));
    host.engine().start();
    EXPECT_TRUE(until([&] { return state_of(asked.resource) == "gone"; }));
    EXPECT_EQ(cloud_.count(asked.resource), 0U);
}

}  // namespace
}  // namespace slipway::ops_test
