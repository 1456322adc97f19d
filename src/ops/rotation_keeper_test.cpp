// Rotations that nobody confirms: ended at their time, once, and not again and again where that fails.
#include "ops/rotation_keeper.h"

#include <gmock/gmock.h>

#include "domain/rotation.h"
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;
using ::testing::Contains;

class RotationKeeperTest : public OpsTest {
  protected:
    RotationKeeperTest() {
        plan_.kind = Kind::database;
        plan_.engine = "postgres";
        host_ = &start_host();
    }
    // A database whose password was rotated and not confirmed.
    ResourceId rotated(Duration grace = 1h) {
        const Asked asked = made();
        auto draft =
            draft_rotation(resource(asked.resource), {{"key_1", "req-1"}, now(), 15min, grace}, random_, sealer_);
        EXPECT_TRUE(draft);
        const OperationId id = draft->operation.id;
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(draft->resource)});
        change.writes.emplace_back(write::PutOperation{std::move(draft->operation), std::nullopt});
        change.events.push_back(std::move(draft->event));
        commit(std::move(change));
        EXPECT_TRUE(until([&] { return ended(id); }));
        EXPECT_TRUE(kept(asked.resource));
        return asked.resource;
    }
    bool kept(const ResourceId& id) { return rotation_in(resource(id).parameters).keep_former; }
    std::uint32_t pass() {
        const auto confirmed = run(keeper_.pass());
        EXPECT_TRUE(confirmed);
        return confirmed ? *confirmed : 0;
    }
    Event last(const ResourceId& id, std::string_view type) {
        Event found;
        for (Event& event : memory_.snapshot().events(0, id, 1000)) {
            if (event.body.type == type) found = std::move(event);
        }
        return found;
    }

    Host* host_ = nullptr;
    RotationKeeper keeper_{{store_, timeline_.clock(), random_}};
};

TEST_F(RotationKeeperTest, NothingIsDoneBeforeItsTimeAndOneConfirmationThen) {
    const ResourceId id = rotated();
    made();  // another one, never rotated
    const int commits = store_.commits;
    EXPECT_EQ(pass(), 0U);
    advance(59min);
    EXPECT_EQ(pass(), 0U);
    EXPECT_EQ(store_.commits, commits) << "a pass that finds nothing costs the store nothing";
    advance(1min);
    EXPECT_EQ(pass(), 1U);
    EXPECT_EQ(pass(), 0U) << "that one is under way";
    ASSERT_TRUE(until([&] { return state_of(id) == "ready"; }));
    EXPECT_FALSE(kept(id));
    const Event said = last(id, "resource.rotation_confirmed");
    EXPECT_EQ(said.body.actor, "rotation");
    EXPECT_NE(said.body.message.find("nobody confirmed the new password in time"), std::string::npos)
        << said.body.message;
    EXPECT_EQ(pass(), 0U);
}

TEST_F(RotationKeeperTest, OneThatFailsIsTriedAgainAfterAPause) {
    const ResourceId id = rotated();
    host_->provider().script([](const Call& call) {
        return call.verb == CallVerb::update ? Reaction::fail(ErrorClass::permanent, "not now")
                                             : Reaction::succeed();
    });
    advance(1h);
    EXPECT_EQ(pass(), 1U);
    ASSERT_TRUE(until([&] { return state_of(id) == "ready"; }));
    EXPECT_TRUE(kept(id)) << "both passwords are as good as before";
    EXPECT_EQ(pass(), 0U) << "not at once";
    host_->provider().script(nullptr);
    advance(1min);
    EXPECT_EQ(pass(), 1U);
    ASSERT_TRUE(until([&] { return !kept(id) && state_of(id) == "ready"; }));
}

TEST_F(RotationKeeperTest, TwoKeepersConfirmItOnce) {
    const ResourceId id = rotated();
    advance(2h);
    RotationKeeper other({store_, timeline_.clock(), random_});
    store_.before_commit = [&](const Commit&) -> Task<void> {
        const auto confirmed = co_await other.pass();
        EXPECT_EQ(confirmed.value_or(0), 1U);
    };
    EXPECT_EQ(pass(), 0U) << "the other one was first";
    ASSERT_TRUE(until([&] { return state_of(id) == "ready"; }));
    EXPECT_FALSE(kept(id));
}

TEST_F(RotationKeeperTest, WhatIsBeingChangedIsLeftUntilThatIsDone) {
    const ResourceId id = rotated();
    host_->kill();
    ask_removal(id);
    advance(2h);
    EXPECT_EQ(pass(), 0U);
    EXPECT_EQ(state_of(id), "deprovisioning");
}

TEST_F(RotationKeeperTest, AStoreThatFailsIsSaid) {
    rotated();
    advance(2h);
    store_.fail_reads = 1;
    EXPECT_FALSE(run(keeper_.pass()));
    store_.fail_commits = 1;
    EXPECT_FALSE(run(keeper_.pass()));
    EXPECT_EQ(pass(), 1U);
}

}  // namespace
}  // namespace slipway::ops_test
