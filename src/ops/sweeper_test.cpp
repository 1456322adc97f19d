// The sweep: finds what nobody accounts for, removes it only where that is asked, due and still true.
#include <gmock/gmock.h>

#include "base/log.h"
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using dummy::Call;
using dummy::CallVerb;
using dummy::Reaction;
using ::testing::Contains;

class SweeperTest : public OpsTest {
  protected:
    SweeperTest() : host_(start_host()) {}
    SweepReport sweep(const SweepOptions& options) { return sweep_with(host_, options); }
    SweepReport sweep_with(Host& host, const SweepOptions& options) {
        Sweeper sweeper({store_, host.calls(), timeline_.clock()});
        auto report = run(sweeper.sweep(options));
        EXPECT_TRUE(report);
        return report.value_or(SweepReport{});
    }
    Result<SweepRemoval> remove_one(const std::string& name) {
        Sweeper sweeper({store_, host_.calls(), timeline_.clock()});
        return run(sweeper.remove_one(std::string(host_.provider().name()), name, SweepOptions()));
    }
    static SweepOptions real() { return {.dry_run = false, .grace = 1h}; }
    const dummy::Thing& add_thing(const std::string& name, const std::string& installation,
                                  const std::string& of = "res_unknown", std::uint64_t generation = 1) {
        dummy::Thing thing;
        thing.external_name = name;
        thing.installation = InstallationId(installation);
        thing.resource = ResourceId(of);
        thing.generation = generation;
        return cloud_.add(thing);
    }
    std::vector<Orphan> orphans() { return memory_.snapshot().orphans(); }
    // A failed creation whose undo did not work either.
    Asked with_remnants() {
        host_.provider().script([](const Call& call) {
            if (call.verb == CallVerb::remove) return Reaction::fail(ErrorClass::permanent, "not today");
            return call.verb == CallVerb::create ? Reaction::pend(1'000'000) : Reaction::succeed();
        });
        const Asked asked = ask({.limit = 10s, .ranges = {{"local/port", "port", 7000, 7000}}});
        EXPECT_TRUE(until([&] { return ended(asked.operation); }, 3h));
        host_.provider().script(nullptr);
        EXPECT_EQ(resource(asked.resource).remnants.size(), 1U);
        EXPECT_EQ(cloud_.count(asked.resource), 1U);
        return asked;
    }
    Host& host_;
};

TEST_F(SweeperTest, WhatIsAccountedForIsNoOrphan) {
    made();
    host_.provider().once(CallVerb::create, Reaction::pend(1'000'000));
    ask();
    advance(1s);
    const SweepReport report = sweep(real());
    EXPECT_EQ(report.inventory, 2U);
    EXPECT_TRUE(report.found.empty());
    EXPECT_TRUE(orphans().empty());
}

TEST_F(SweeperTest, ADryRunTouchesNothingAndRemembersTheFirstSight) {
    add_thing("oct-lost", "ours");
    const TimePoint seen_at = now();
    const SweepReport report = sweep({.dry_run = true, .grace = 0s});
    ASSERT_EQ(report.found.size(), 1U);
    EXPECT_EQ(report.found[0].kind, "lost");
    EXPECT_EQ(report.removed, 0U);
    EXPECT_EQ(cloud_.things().size(), 1U);
    EXPECT_EQ(host_.provider().count(CallVerb::remove), 0U);
    advance(30min);
    sweep({.dry_run = true, .grace = 0s});
    ASSERT_EQ(orphans().size(), 1U);
    EXPECT_EQ(orphans()[0].first_seen, seen_at);
    EXPECT_EQ(orphans()[0].last_seen, now());
}

TEST_F(SweeperTest, NothingIsRemovedBeforeItsGraceIsOver) {
    add_thing("oct-lost", "ours");
    EXPECT_EQ(sweep(real()).removed, 0U);
    advance(59min);
    EXPECT_EQ(sweep(real()).removed, 0U);
    EXPECT_EQ(cloud_.things().size(), 1U);
    advance(1min);
    EXPECT_EQ(sweep(real()).removed, 1U);
    EXPECT_TRUE(cloud_.things().empty());
    EXPECT_TRUE(orphans().empty());
    const auto events = memory_.snapshot().events(0, ResourceId("res_unknown"), 10);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].body.type, "orphan.removed");
}

// Gone for a while and back: its grace begins anew.
TEST_F(SweeperTest, WhatVanishesByItselfIsForgotten) {
    add_thing("oct-lost", "ours");
    sweep(real());
    cloud_.vanish("oct-lost");
    sweep(real());
    EXPECT_TRUE(orphans().empty());
    advance(2h);
    add_thing("oct-lost", "ours");
    EXPECT_EQ(sweep(real()).removed, 0U);
}

TEST_F(SweeperTest, ForeignThingsAreReportedAndNeverTouched) {
    add_thing("theirs", "another-installation");
    add_thing("untagged", "");
    for (int i = 0; i < 3; ++i) {
        const SweepReport report = sweep({.dry_run = false, .grace = 0s});
        EXPECT_EQ(report.found.size(), 2U);
        EXPECT_EQ(report.removed, 0U);
        advance(30min);
    }
    EXPECT_EQ(cloud_.things().size(), 2U);
    EXPECT_EQ(host_.provider().count(CallVerb::remove), 0U);
    EXPECT_EQ(orphans().at(0).kind, "foreign");
}

// A thing with our tag and the resource's name but another generation is not the resource's.
TEST_F(SweeperTest, AnotherGenerationIsLostAndItsSuccessorIsNotTouched) {
    const Asked asked = made();
    const std::string name = resource(asked.resource).external_name;
    add_thing(name, "ours", asked.resource.str(), 7);
    const SweepReport report = sweep({.dry_run = false, .grace = 0s});
    EXPECT_EQ(report.removed, 1U);
    ASSERT_EQ(cloud_.named(name).size(), 1U);
    EXPECT_EQ(cloud_.named(name)[0].generation, 1U);
    EXPECT_EQ(state_of(asked.resource), "ready");
}

TEST_F(SweeperTest, WhatIsStillThereAfterItsEndIsGoneAndRemoved) {
    const Asked asked = made();
    const OperationId removal = ask_removal(asked.resource);
    ASSERT_TRUE(until([&] { return ended(removal); }));
    add_thing(resource(asked.resource).external_name, "ours", asked.resource.str());
    EXPECT_EQ(sweep(real()).found.at(0).kind, "gone");
    advance(1h);
    EXPECT_EQ(sweep(real()).removed, 1U);
    EXPECT_TRUE(cloud_.things().empty());
    EXPECT_EQ(state_of(asked.resource), "gone");
}

TEST_F(SweeperTest, RemnantsOfAFailureAreRemovedAndClearedAndTheirPortIsFree) {
    const Asked asked = with_remnants();
    EXPECT_EQ(resource(asked.resource).allocations.size(), 1U) << "what may still listen keeps its port";
    sweep(real());
    advance(1h);
    EXPECT_EQ(sweep(real()).removed, 1U);
    EXPECT_TRUE(cloud_.things().empty());
    EXPECT_TRUE(resource(asked.resource).remnants.empty());
    EXPECT_TRUE(resource(asked.resource).allocations.empty());
    EXPECT_TRUE(orphans().empty());
    EXPECT_THAT(event_types(asked.resource), Contains("orphan.removed"));
    const auto too_early = run(store_.commit(accept(draft_of({.ranges = {{"local/port", "port", 7000, 7000}}}))));
    ASSERT_TRUE(too_early);
    EXPECT_TRUE(std::holds_alternative<Rejected>(*too_early)) << "it has to rest first";
    advance(SweepOptions{}.rest);
    const Asked next = made({.ranges = {{"local/port", "port", 7000, 7000}}});
    EXPECT_EQ(resource(next.resource).allocations.at("port"), 7000);
}

TEST_F(SweeperTest, ARemovalThatFailsIsCountedAndTriedAgain) {
    add_thing("oct-lost", "ours");
    host_.provider().once(CallVerb::remove, Reaction::fail(ErrorClass::transient));
    const SweepOptions options{.dry_run = false, .grace = 0s};
    SweepReport report = sweep(options);
    EXPECT_EQ(report.failed, 1U);
    EXPECT_EQ(report.removed, 0U);
    EXPECT_EQ(orphans().size(), 1U);
    report = sweep(options);
    EXPECT_EQ(report.removed, 1U);
}

// "Deleting" is not gone yet: it is an orphan until it is.
TEST_F(SweeperTest, ARemovalUnderWayIsNotARemoval) {
    add_thing("oct-lost", "ours");
    host_.provider().once(CallVerb::remove, Reaction::pend(5));
    const SweepReport report = sweep({.dry_run = false, .grace = 0s});
    EXPECT_EQ(report.removed, 0U);
    EXPECT_EQ(orphans().size(), 1U);
}

TEST_F(SweeperTest, OneProvidersBrokenInventoryDoesNotStopTheOthers) {
    dummy::DummyOptions broken;
    broken.name = "a-broken";
    Host& host = add_host("host-2", {broken, {}});
    add_thing("oct-lost", "ours");
    host.provider(0).once(CallVerb::inventory, Reaction::fail(ErrorClass::transient, "no route to it"));
    const SweepReport report = sweep_with(host, real());
    ASSERT_EQ(report.found.size(), 1U);
    EXPECT_EQ(report.found[0].provider, "dummy");
}

// Nothing may be concluded from an inventory that could not be read: what was found before stays known.
TEST_F(SweeperTest, ABrokenInventoryForgetsNothing) {
    add_thing("oct-lost", "ours");
    sweep(real());
    host_.provider().once(CallVerb::inventory, Reaction::fail(ErrorClass::transient));
    sweep(real());
    EXPECT_EQ(orphans().size(), 1U);
}

// An exception in a provider must not end the process.
TEST_F(SweeperTest, AProviderThatThrowsDoesNotStopTheOthers) {
    dummy::DummyOptions broken;
    broken.name = "a-broken";
    Host& host = add_host("host-2", {broken, {}});
    add_thing("oct-lost", "ours");
    host.provider(0).script([](const Call&) -> Reaction { throw std::runtime_error("boom"); });
    host.provider(1).script([](const Call& call) -> Reaction {
        if (call.verb == CallVerb::remove) throw std::runtime_error("boom");
        return Reaction::succeed();
    });
    Sweeper sweeper({store_, host.calls(), timeline_.clock()});
    std::optional<Result<SweepReport>> report;
    boost::asio::co_spawn(context_, sweeper.sweep({.dry_run = false, .grace = 0s}),
                          [&](const std::exception_ptr& error, Result<SweepReport> value) {
                              EXPECT_FALSE(error) << "it got out of the sweep";
                              report = std::move(value);
                          });
    ASSERT_TRUE(until([&] { return report.has_value(); }));
    ASSERT_TRUE(*report);
    EXPECT_EQ((*report)->found.size(), 1U);
    EXPECT_EQ((*report)->failed, 1U);
}

TEST_F(SweeperTest, EveryPageOfAnInventoryIsSeen) {
    dummy::DummyOptions small;
    small.page_size = 3;
    Host& host = add_host("host-2", {small});
    for (int i = 0; i < 10; ++i) add_thing(fmt::format("oct-{}", i), "ours");
    EXPECT_EQ(sweep_with(host, {.dry_run = false, .grace = 0s}).removed, 10U);
    EXPECT_TRUE(cloud_.things().empty());
}

// It was nobody's in the inventory, and somebody's when it was to be removed (a store that was restored, or read
// behind): it stays.
TEST_F(SweeperTest, WhatSomebodyAccountsForByThenIsNotRemoved) {
    Draft draft = draft_of({});
    const ResourceId id = draft.resource.id;
    add_thing(draft.resource.external_name, "ours", id.str());
    std::optional<Commit> late = accept(std::move(draft));
    host_.kill();
    Host& host = add_host("host-2");
    int reads = 0;
    store_.before_read = [&](const ResourceId&) -> Task<void> {
        if (++reads == 2) static_cast<void>(co_await memory_.commit(std::move(*late)));
    };
    const SweepReport report = sweep_with(host, {.dry_run = false, .grace = 0s});
    EXPECT_EQ(report.removed, 0U);
    EXPECT_EQ(cloud_.count(id), 1U);
    EXPECT_EQ(host.provider().count(CallVerb::remove), 0U);
    store_.before_read = nullptr;
    EXPECT_TRUE(sweep_with(host, {.dry_run = false, .grace = 0s}).found.empty());
    EXPECT_TRUE(orphans().empty());
}

// Recreated under the same name between the inventory and the removal: the generation says that it is another.
TEST_F(SweeperTest, WhatCameUnderThatNameSinceIsNotRemoved) {
    add_thing("oct-lost", "ours", "res_unknown", 1);
    int reads = 0;
    store_.before_read = [&](const ResourceId&) -> Task<void> {
        if (++reads == 2) {
            cloud_.vanish("oct-lost");
            add_thing("oct-lost", "ours", "res_unknown", 2);
        }
        co_return;
    };
    sweep({.dry_run = false, .grace = 0s});
    store_.before_read = nullptr;
    ASSERT_EQ(cloud_.named("oct-lost").size(), 1U);
    EXPECT_EQ(cloud_.named("oct-lost")[0].generation, 2U);
}

// Its failure was about the present generation: what a removed older one leaves says nothing of it.
TEST_F(SweeperTest, RemnantsAreClearedOnlyByTheRemovalOfThatGeneration) {
    const Asked asked = with_remnants();
    add_thing(resource(asked.resource).external_name, "ours", asked.resource.str(), 9);
    host_.provider().script([](const Call& call) {
        if (call.verb != CallVerb::remove || call.target.generation == 9) return Reaction::succeed();
        return Reaction::fail(ErrorClass::transient);
    });
    const SweepReport report = sweep({.dry_run = false, .grace = 0s});
    EXPECT_EQ(report.removed, 1U);
    EXPECT_EQ(cloud_.count(asked.resource), 1U);
    EXPECT_EQ(resource(asked.resource).remnants.size(), 1U) << "it is still out there";
    EXPECT_EQ(resource(asked.resource).allocations.size(), 1U);
}

TEST_F(SweeperTest, AStoreThatFailsRemovesNothing) {
    add_thing("oct-lost", "ours");
    store_.fail_reads = 1;
    Sweeper sweeper({store_, host_.calls(), timeline_.clock()});
    EXPECT_EQ(run(sweeper.sweep({.dry_run = false, .grace = 0s})).error().code, ErrorCode::storage);
    EXPECT_EQ(cloud_.things().size(), 1U);
}

// Somebody asked for this one by its name: no grace holds him up.
TEST_F(SweeperTest, OneOrphanIsRemovedAtOnceAndNoOther) {
    add_thing("oct-lost", "ours");
    add_thing("oct-lost-too", "ours");
    EXPECT_EQ(remove_one("oct-lost").error().code, ErrorCode::not_found) << "no sweep has seen it yet";
    sweep(real());
    const auto removal = remove_one("oct-lost");
    ASSERT_TRUE(removal) << removal.error().message;
    EXPECT_TRUE(removal->removed);
    EXPECT_EQ(removal->orphan.removed_at, now());
    EXPECT_TRUE(cloud_.named("oct-lost").empty());
    EXPECT_EQ(cloud_.named("oct-lost-too").size(), 1U);
    ASSERT_EQ(orphans().size(), 1U);
    EXPECT_EQ(orphans()[0].external_name, "oct-lost-too");
    EXPECT_THAT(event_types(ResourceId("res_unknown")), Contains("orphan.removed"));
}

TEST_F(SweeperTest, OneThatIsForeignOrAccountedForIsNotRemoved) {
    add_thing("theirs", "another-installation");
    const Asked asked = with_remnants();
    const std::string name = resource(asked.resource).external_name;
    sweep(real());
    EXPECT_EQ(remove_one("theirs").error().code, ErrorCode::conflict);
    Resource adopted = resource(asked.resource);
    adopted.state = resource_state::Ready{};
    Commit commit;
    commit.writes.emplace_back(write::PutResource{std::move(adopted)});
    ASSERT_TRUE(run(store_.commit(std::move(commit))));
    const std::size_t removals = host_.provider().count(CallVerb::remove);
    EXPECT_EQ(remove_one(name).error().code, ErrorCode::conflict);
    EXPECT_EQ(host_.provider().count(CallVerb::remove), removals);
    EXPECT_EQ(cloud_.named("theirs").size(), 1U);
    EXPECT_EQ(cloud_.count(asked.resource), 1U);
}

TEST_F(SweeperTest, OneWhoseProviderFailsOrIsStillAtItStaysNoted) {
    add_thing("oct-lost", "ours");
    sweep(real());
    host_.provider().once(CallVerb::remove, Reaction::fail(ErrorClass::permanent, "not today"));
    const auto failed = remove_one("oct-lost");
    EXPECT_EQ(failed.error().code, ErrorCode::provider_failure);
    EXPECT_THAT(failed.error().message, ::testing::HasSubstr("not today"));
    host_.provider().once(CallVerb::remove, Reaction::pend(5));
    const auto under_way = remove_one("oct-lost");
    ASSERT_TRUE(under_way);
    EXPECT_FALSE(under_way->removed);
    EXPECT_EQ(orphans().size(), 1U);
    EXPECT_EQ(
        run(Sweeper({store_, host_.calls(), timeline_.clock()}).remove_one("nowhere", "oct-lost", {})).error().code,
        ErrorCode::not_found);
}

}  // namespace
}  // namespace slipway::ops_test
