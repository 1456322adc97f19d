// The background loops: on their rhythm, on hints, and over when they are told to stop.
#include <gmock/gmock.h>

#include "domain/expiry.h"
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;

class BackgroundTest : public OpsTest {
  protected:
    BackgroundTest() {
        Plan pooled;
        pooled.engine = "redis";
        pooled.name = "pooled";
        pooled.provider = "dummy";
        pooled.pool = 2;
        catalog_ = Catalog({pooled});
        dummy::DummyOptions local;
        local.on_this_host = true;
        host_ = &start_host("host-1", {local});
        PoolOptions pool_options;
        pool_options.host = HostId("host-1");
        pools_ = std::make_unique<PoolKeeper>(
            PoolKeeper::Parts{store_, catalog_, host_->registry(), sealer_, timeline_.clock(), random_},
            pool_options);
        reconciler_ = std::make_unique<Reconciler>(
            Reconciler::Parts{store_, host_->calls(), timeline_.clock(), host_->scheduler(), random_},
            ReconcilerOptions{.host = HostId("host-1")});
        sweeper_ = std::make_unique<Sweeper>(Sweeper::Parts{store_, host_->calls(), timeline_.clock()});
        rotations_ = std::make_unique<RotationKeeper>(RotationKeeper::Parts{store_, timeline_.clock(), random_});
        expiries_ = std::make_unique<ExpiryKeeper>(ExpiryKeeper::Parts{store_, timeline_.clock(), random_});
    }
    ~BackgroundTest() override {
        host_->on_commit = nullptr;
        host_->kill();
        background_.reset();
    }
    void start(const BackgroundOptions& options = {}) {
        background_ =
            Background::make({*pools_, *reconciler_, *sweeper_, *rotations_, *expiries_, host_->registry(),
                              timeline_.clock(), host_->scheduler(), host_->executor()},
                             options);
        background_->start();
        // As the server wires it: every commit may have been a claim.
        host_->on_commit = [this](const CommitNotice& notice) {
            background_->hint_pools();
            if (notice.expiry_due) background_->hint_expiry(*notice.expiry_due);
        };
    }
    // Made, to last so long from now.
    ResourceId lasting(Duration lifetime) {
        const ResourceId id = made({.host = HostId("host-1")}).resource;
        set_end(id, lifetime);
        return id;
    }
    void set_end(const ResourceId& id, Duration lifetime) {
        Resource changed = resource(id);
        changed.expiry = expiry_after(lifetime, now());
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(changed)});
        commit(std::move(change));
    }
    std::optional<TimePoint> told_at(const ResourceId& id, std::string_view type) {
        for (const Event& event : memory_.snapshot().events(0, id, 1000)) {
            if (event.body.type == type) return event.body.at;
        }
        return std::nullopt;
    }
    std::size_t ready() { return count("ready"); }
    std::size_t count(const std::string& state) {
        ResourceFilter filter;
        filter.state = state;
        return memory_.snapshot().resources(filter, {"", 1000}).items.size();
    }

    Catalog catalog_;
    Host* host_ = nullptr;
    std::unique_ptr<PoolKeeper> pools_;
    std::unique_ptr<Reconciler> reconciler_;
    std::unique_ptr<Sweeper> sweeper_;
    std::unique_ptr<RotationKeeper> rotations_;
    std::unique_ptr<ExpiryKeeper> expiries_;
    std::shared_ptr<Background> background_;
};

TEST_F(BackgroundTest, PoolsAreFilledFromTheStart) {
    start();
    EXPECT_TRUE(until([&] { return ready() == 2; }, 1s));
}

TEST_F(BackgroundTest, AClaimIsReplacedAtOnce) {
    start();
    ASSERT_TRUE(until([&] { return ready() == 2; }, 1s));
    advance(3s);
    const Resource pooled = *memory_.snapshot().claimable(Kind::cache, "redis", "pooled", 0);
    auto stepped = step(pooled, {now(), resource_event::Claimed{OrganizationId("acme"), "test", "b", {}, {}}});
    Commit change;
    change.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
    commit(std::move(change));
    EXPECT_TRUE(until([&] { return ready() == 3; }, 100ms));
}

// A burst of claims is one look at the pools, not one for each.
TEST_F(BackgroundTest, HintsCoalesce) {
    start();
    ASSERT_TRUE(until([&] { return ready() == 2; }, 1s));
    advance(100ms);
    store_.pool_looks = 0;
    for (int i = 0; i < 1000; ++i) background_->hint_pools();
    advance(100ms);
    EXPECT_LE(store_.pool_looks, 2);
    EXPECT_GE(store_.pool_looks, 1);
}

// What died while no broker was there comes back without waiting for the first interval.
TEST_F(BackgroundTest, TheFirstPassComesAtOnce) {
    const Asked asked = made({.host = HostId("host-1")});
    const std::string name = resource(asked.resource).external_name;
    cloud_.kill(name);
    start();
    EXPECT_TRUE(until([&] { return cloud_.named(name).at(0).presence == Presence::running; }, 1s));
}

TEST_F(BackgroundTest, AProvidersHintBringsItBackAtOnce) {
    start();
    const Asked asked = made({.host = HostId("host-1")});
    const std::string name = resource(asked.resource).external_name;
    advance(5s);
    host_->provider().kill(name);
    EXPECT_TRUE(until([&] { return cloud_.named(name).at(0).presence == Presence::running; }, 1s));
}

TEST_F(BackgroundTest, WithoutAHintThePassFindsIt) {
    start();
    const Asked asked = made({.host = HostId("host-1")});
    const std::string name = resource(asked.resource).external_name;
    cloud_.kill(name);
    EXPECT_TRUE(until([&] { return cloud_.named(name).at(0).presence == Presence::running; }, 31s));
}

TEST_F(BackgroundTest, SweepsComeByThemselvesAndADryRunIsTheDefault) {
    dummy::Thing lost;
    lost.external_name = "oct-lost";
    lost.installation = InstallationId("ours");
    lost.resource = ResourceId("res_lost");
    cloud_.add(lost);
    start();
    EXPECT_TRUE(until([&] { return memory_.snapshot().orphans().size() == 1; }, 11min));
    advance(3h);
    EXPECT_EQ(cloud_.named("oct-lost").size(), 1U);
}

// To the moment, and without looking again and again until then.
TEST_F(BackgroundTest, AnEndIsSeenToWhenItIsDue) {
    start();
    const ResourceId id = lasting(2h);
    const TimePoint end = now() + 2h;
    store_.expiry_looks = 0;
    advance(3h);
    EXPECT_EQ(told_at(id, "resource.expiring"), end - 12min);
    EXPECT_EQ(told_at(id, "resource.delete_requested"), end);
    EXPECT_EQ(state_of(id), "gone");
    EXPECT_LE(store_.expiry_looks, 200) << "once a minute, and when it is due";
}

TEST_F(BackgroundTest, AnEndThatIsSetShortlyBeforeIsNotMissed) {
    start();
    advance(90s);  // between two looks
    const ResourceId brief = lasting(4s);
    const TimePoint end = now() + 4s;
    const ResourceId briefer = lasting(1s);
    const TimePoint earlier = now() + 1s;
    advance(10s);
    EXPECT_EQ(told_at(brief, "resource.expiring"), end - 2s);
    EXPECT_EQ(told_at(brief, "resource.delete_requested"), end);
    EXPECT_EQ(told_at(briefer, "resource.delete_requested"), earlier);
}

TEST_F(BackgroundTest, AnEndThatIsMovedInTimeDoesNotCome) {
    start();
    const ResourceId id = lasting(2h);
    advance(119min);
    set_end(id, 2h);
    const TimePoint end = now() + 2h;
    advance(118min);
    EXPECT_EQ(state_of(id), "ready");
    advance(3min);
    EXPECT_EQ(told_at(id, "resource.delete_requested"), end);
}

TEST_F(BackgroundTest, WhatEndedWhileNobodyWasThereIsRemovedAtTheStart) {
    const ResourceId id = lasting(1min);
    advance(1h);
    EXPECT_EQ(state_of(id), "ready");
    start();
    EXPECT_TRUE(until([&] { return state_of(id) == "gone"; }, 1s));
}

TEST_F(BackgroundTest, AStoreThatFailsForAWhileEndsNoLoop) {
    start();
    advance(100ms);
    store_.fail_reads = 100;
    store_.fail_commits = 20;
    advance(5min);
    store_.fail_reads = store_.fail_commits = 0;
    const Asked asked = made({.host = HostId("host-1")});
    const std::string name = resource(asked.resource).external_name;
    cloud_.kill(name);
    EXPECT_TRUE(until([&] { return cloud_.named(name).at(0).presence == Presence::running; }, 31s));
    EXPECT_TRUE(until([&] { return ready() >= 3; }, 31s));
    const ResourceId brief = lasting(10s);
    EXPECT_TRUE(until([&] { return state_of(brief) == "gone"; }, 11s));
}

TEST_F(BackgroundTest, StopEndsEveryLoop) {
    start();
    ASSERT_TRUE(until([&] { return ready() == 2; }, 1s));
    const Asked asked = made({.host = HostId("host-1")});
    host_->on_commit = nullptr;
    background_->stop();
    const std::weak_ptr<Background> watch = background_;
    background_.reset();
    host_->provider().kill(resource(asked.resource).external_name);  // a hint that nobody listens to any more
    advance(BackgroundOptions{}.sweep_interval + 1s);
    EXPECT_TRUE(watch.expired()) << "a loop still holds it";
    EXPECT_EQ(cloud_.named(resource(asked.resource).external_name).at(0).presence, Presence::stopped);
}

}  // namespace
}  // namespace slipway::ops_test
