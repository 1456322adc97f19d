// Ends that come: warned of once, removed once, moved in time, and tried again where something is in the way.
#include "ops/expiry_keeper.h"

#include <gmock/gmock.h>

#include "domain/expiry.h"
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;
using ::testing::Contains;
using ::testing::HasSubstr;

class ExpiryKeeperTest : public OpsTest {
  protected:
    ExpiryKeeperTest() { host_ = &start_host(); }

    // Asked for now, to last so long; made unless the host is stopped.
    Asked lasting(Duration lifetime, Wish wish = {}) {
        Draft draft = draft_of(wish);
        draft.resource.expiry = expiry_after(lifetime, now());
        const Asked asked{draft.resource.id, draft.operation.id};
        commit(accept(std::move(draft)));
        return asked;
    }
    Asked made_lasting(Duration lifetime) {
        const Asked asked = lasting(lifetime);
        EXPECT_TRUE(until([&] { return ended(asked.operation); }));
        return asked;
    }
    void extend(const ResourceId& id, Duration lifetime) {
        Resource changed = resource(id);
        changed.expiry = expiry_after(lifetime, now());
        Commit commit_of;
        commit_of.writes.emplace_back(write::PutResource{std::move(changed)});
        commit(std::move(commit_of));
    }
    ExpiryKeeper::Pass pass() { return pass(keeper_); }
    ExpiryKeeper::Pass pass(ExpiryKeeper& keeper) {
        auto passed = run(keeper.pass());
        EXPECT_TRUE(passed);
        return passed ? *passed : ExpiryKeeper::Pass{};
    }
    std::size_t told(const ResourceId& id, std::string_view type) {
        return static_cast<std::size_t>(std::ranges::count(event_types(id), type));
    }
    Event last(const ResourceId& id, std::string_view type) {
        Event found;
        for (Event& event : memory_.snapshot().events(0, id, 1000)) {
            if (event.body.type == type) found = std::move(event);
        }
        return found;
    }
    std::size_t removals(const ResourceId& id) {
        OperationFilter filter;
        filter.resource = id;
        filter.kind = OperationKind::deprovision;
        return memory_.snapshot().operations(filter, {"", 100}).items.size();
    }

    Host* host_ = nullptr;
    CallLog log_;
    ExpiryKeeper keeper_{{store_, timeline_.clock(), random_, &log_}};
};

TEST_F(ExpiryKeeperTest, WarnedOnceAndRemovedOnceEachAtItsTime) {
    const TimePoint asked = now();
    const ResourceId id = made_lasting(2h).resource;
    made();  // another one, which lasts
    const int commits = store_.commits;
    EXPECT_EQ(pass().next, asked + 108min);
    advance(asked + 108min - 1us - now());
    EXPECT_EQ(pass().warned, 0U);
    EXPECT_EQ(store_.commits, commits) << "a pass that finds nothing costs the store nothing";
    advance(1us);
    EXPECT_EQ(pass().warned, 1U);
    EXPECT_EQ(last(id, "resource.expiring").body.at, asked + 108min);
    EXPECT_EQ(last(id, "resource.expiring").body.organization, OrganizationId("acme"));
    EXPECT_EQ(pass().next, asked + 2h);
    advance(asked + 2h - 1us - now());
    EXPECT_EQ(pass().removed, 0U);
    EXPECT_EQ(state_of(id), "ready") << "not before its end";
    advance(1us);
    EXPECT_EQ(pass().removed, 1U);
    EXPECT_EQ(pass().next, std::nullopt);
    ASSERT_TRUE(until([&] { return state_of(id) == "gone"; }));
    EXPECT_EQ(told(id, "resource.expiring"), 1U);
    EXPECT_EQ(removals(id), 1U);
    EXPECT_EQ(log_.expired, std::vector{id});
    const Event said = last(id, "resource.delete_requested");
    EXPECT_EQ(said.body.actor, "expiry");
    EXPECT_THAT(said.body.message, HasSubstr("its lifetime is over"));
    EXPECT_EQ(operation(said.body.operation).actor, "expiry");
    EXPECT_EQ(said.body.at, asked + 2h);
}

TEST_F(ExpiryKeeperTest, AnExtensionInTimeWarnsAnew) {
    const ResourceId id = made_lasting(2h).resource;
    advance(110min);
    EXPECT_EQ(pass().warned, 1U);
    extend(id, 2h);
    const TimePoint end = now() + 2h;
    advance(30min);
    EXPECT_EQ(pass().removed, 0U);
    EXPECT_EQ(pass().next, end - 12min);
    advance(80min);
    EXPECT_EQ(pass().warned, 1U);
    EXPECT_EQ(told(id, "resource.expiring"), 2U) << "once for each time that it was set";
    advance(10min);
    EXPECT_EQ(pass().removed, 1U);
}

// Whoever comes between the keeper's look and its commit has extended it: the removal was not accepted.
TEST_F(ExpiryKeeperTest, AnExtensionWinsAgainstARemovalThatWasNotAccepted) {
    const ResourceId id = made_lasting(2h).resource;
    advance(111min);
    pass();
    advance(1h);
    store_.before_commit = [&](const Commit&) -> Task<void> {
        Resource changed = resource(id);
        changed.expiry = expiry_after(1h, now());
        Commit first;
        first.writes.emplace_back(write::PutResource{std::move(changed)});
        EXPECT_TRUE(co_await memory_.commit(std::move(first)));
    };
    const ExpiryKeeper::Pass passed = pass();
    EXPECT_EQ(passed.removed, 0U);
    EXPECT_EQ(passed.next, now() + 1s) << "it looks again soon";
    EXPECT_EQ(state_of(id), "ready");
    EXPECT_EQ(removals(id), 0U);
    EXPECT_EQ(told(id, "resource.delete_requested"), 0U);
    advance(59min);
    EXPECT_EQ(pass().warned, 1U);
}

TEST_F(ExpiryKeeperTest, OfSeveralKeepersOneWarnsAndOneRemoves) {
    const ResourceId id = made_lasting(2h).resource;
    ExpiryKeeper other({store_, timeline_.clock(), random_});
    for (const Duration until : {110min, 11min}) {
        advance(until);
        store_.before_commit = [&](const Commit&) -> Task<void> {
            const auto passed = co_await other.pass();
            EXPECT_TRUE(passed);
            EXPECT_EQ(passed->warned + passed->removed, 1U);
        };
        const ExpiryKeeper::Pass passed = pass();
        EXPECT_EQ(passed.warned + passed.removed, 0U) << "the other one was first";
    }
    EXPECT_EQ(told(id, "resource.expiring"), 1U);
    EXPECT_EQ(removals(id), 1U);
}

// The process that warned is gone; the one after it knows by the record what is left to do.
TEST_F(ExpiryKeeperTest, ACrashBetweenWarningAndRemovalChangesNothing) {
    const ResourceId id = made_lasting(2h).resource;
    advance(110min);
    EXPECT_EQ(pass().warned, 1U);
    host_->kill();
    advance(1h);
    Host& next = start_host();
    ExpiryKeeper fresh({store_, timeline_.clock(), random_});
    EXPECT_EQ(pass(fresh).removed, 1U);
    EXPECT_EQ(pass(fresh).removed, 0U);
    EXPECT_TRUE(until([&] { return state_of(id) == "gone"; }));
    EXPECT_EQ(told(id, "resource.expiring"), 1U);
    EXPECT_EQ(removals(id), 1U);
    EXPECT_TRUE(next.alive());
}

// Nobody was there from before the warning until after the end: it is late already.
TEST_F(ExpiryKeeperTest, WhatIsOverByTheTimeThatSomebodyLooksIsRemovedAtOnce) {
    const ResourceId id = made_lasting(2h).resource;
    advance(24h);
    const ExpiryKeeper::Pass passed = pass();
    EXPECT_EQ(passed.warned, 0U);
    EXPECT_EQ(passed.removed, 1U);
    EXPECT_EQ(told(id, "resource.expiring"), 0U);
}

TEST_F(ExpiryKeeperTest, ACreationThatIsUnderWayIsHaltedAndUndone) {
    host_->provider().script([](const Call& call) {
        return call.verb == CallVerb::create ? Reaction::pend(100'000) : Reaction::succeed();
    });
    const Asked asked = lasting(1min);
    advance(30s);
    EXPECT_EQ(state_of(asked.resource), "provisioning");
    advance(30s);
    EXPECT_EQ(pass().removed, 1U);
    ASSERT_TRUE(until([&] { return state_of(asked.resource) == "gone"; }));
    EXPECT_EQ(state_of(asked.operation), "cancelled");
    EXPECT_TRUE(cloud_.named(resource(asked.resource).external_name).empty()) << "nothing is left";
}

TEST_F(ExpiryKeeperTest, WhatCameToNothingGoesAtItsEndToo) {
    host_->provider().script([](const Call& call) {
        return call.verb == CallVerb::create ? Reaction::fail(ErrorClass::permanent) : Reaction::succeed();
    });
    const Asked asked = made_lasting(1h);
    EXPECT_EQ(state_of(asked.resource), "failed");
    advance(1h);
    EXPECT_EQ(pass().removed, 1U);
    EXPECT_TRUE(until([&] { return state_of(asked.resource) == "gone"; }));
}

TEST_F(ExpiryKeeperTest, WhatIsBeingRemovedOrWaitsInAPoolIsLeftAlone) {
    const ResourceId leaving = made_lasting(1h).resource;
    const Asked pooled = lasting(1h, {.pooled = true});
    ASSERT_TRUE(until([&] { return ended(pooled.operation); }));
    host_->kill();
    ask_removal(leaving);
    advance(2h);
    const ExpiryKeeper::Pass passed = pass();
    EXPECT_EQ(passed.warned + passed.removed + passed.delayed, 0U);
    EXPECT_EQ(passed.next, std::nullopt);
    EXPECT_EQ(removals(leaving), 1U);
    EXPECT_EQ(state_of(pooled.resource), "ready");
}

TEST_F(ExpiryKeeperTest, AServerThatServesOthersWaitsForThemWithoutSpinning) {
    plan_.kind = Kind::database_server;
    const ResourceId server = made_lasting(1h).resource;
    plan_.kind = Kind::database;
    Draft draft = draft_of({});
    draft.resource.placed_on = server;
    const ResourceId database = draft.resource.id;
    commit(accept(std::move(draft)));
    ASSERT_TRUE(until([&] { return state_of(database) == "ready"; }));

    advance(1h);
    ExpiryKeeper::Pass passed = pass();
    EXPECT_EQ(passed.delayed, 1U);
    EXPECT_EQ(passed.next, now() + 5min);
    EXPECT_EQ(state_of(server), "ready");
    EXPECT_THAT(last(server, "resource.expiry_delayed").body.message, HasSubstr("others live on it"));
    const int commits = store_.commits;
    advance(4min);
    pass();
    EXPECT_EQ(store_.commits, commits) << "not before its time";
    advance(1min);
    EXPECT_EQ(pass().delayed, 1U);
    EXPECT_EQ(told(server, "resource.expiry_delayed"), 1U) << "said once";
    ask_removal(database);
    ASSERT_TRUE(until([&] { return state_of(database) == "gone"; }));
    advance(5min);
    EXPECT_EQ(pass().removed, 1U);
    EXPECT_TRUE(until([&] { return state_of(server) == "gone"; }));
}

// A removal that came to nothing is asked for again, but not at once.
TEST_F(ExpiryKeeperTest, ARemovalThatFailsIsTriedAgainAfterAPause) {
    const ResourceId id = made_lasting(1h).resource;
    host_->provider().script([](const Call& call) {
        return call.verb == CallVerb::remove ? Reaction::fail(ErrorClass::permanent, "not now")
                                             : Reaction::succeed();
    });
    advance(1h);
    const TimePoint asked = now();
    EXPECT_EQ(pass().removed, 1U);
    ASSERT_TRUE(until([&] { return state_of(id) == "failed"; }, 24h));
    EXPECT_EQ(resource(id).expiry->due, asked + 5min);
    host_->provider().script(nullptr);
    advance(5min);
    EXPECT_EQ(pass().removed, 1U);
    EXPECT_TRUE(until([&] { return state_of(id) == "gone"; }));
    EXPECT_EQ(removals(id), 2U);
}

TEST_F(ExpiryKeeperTest, MoreThanOnePageIsSeenToInOnePass) {
    host_->kill();
    for (int i = 0; i < 230; ++i) lasting(1min);
    advance(55s);
    EXPECT_EQ(pass().warned, 230U);
    advance(5s);
    EXPECT_EQ(pass().removed, 230U);
    EXPECT_EQ(pass().removed, 0U);
}

TEST_F(ExpiryKeeperTest, AStoreThatFailsIsSaid) {
    const ResourceId id = made_lasting(1h).resource;
    advance(1h);
    store_.fail_reads = 1;
    EXPECT_FALSE(run(keeper_.pass()));
    store_.fail_commits = 1;
    EXPECT_FALSE(run(keeper_.pass()));
    EXPECT_EQ(state_of(id), "ready");
    EXPECT_EQ(pass().removed, 1U);
}

}  // namespace
}  // namespace slipway::ops_test
