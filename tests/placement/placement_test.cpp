#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "yard.h"

namespace slipway::placement_test {
namespace {

using ::testing::HasSubstr;

std::string state_of(const Resource& resource) { return std::string(state_name(resource.state)); }
std::string why_failed(const Resource& resource) {
    const auto* failed = std::get_if<resource_state::Failed>(&resource.state);
    return failed != nullptr ? failed->reason : "it is " + state_of(resource);
}
std::vector<std::uint64_t> sizes(const std::vector<HostLoad>& loads) {
    std::vector<std::uint64_t> all;
    for (const HostLoad& each : loads) all.push_back(each.placed);
    return all;
}
// Some of them, each once.
std::vector<ResourceId> some_of(const std::vector<Resource>& all, std::size_t count, Random& random) {
    std::vector<ResourceId> ids;
    for (const Resource& each : all) ids.push_back(each.id);
    for (std::size_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random.below(ids.size() - i)]);
    ids.resize(count);
    return ids;
}
// Servers take a moment to be made, so that others come meanwhile.
dummy::Reaction slowly(const dummy::Call& call) {
    dummy::Reaction reaction;
    if (call.verb == dummy::CallVerb::create) reaction.delay = 30ms;
    return reaction;
}

TEST(Placement, TwoHundredAtOnceFillTheFewestServersAndNoneIsMadeAhead) {
    Yard yard(20, slowly);
    const std::vector<Resource> made = yard.databases(200);
    std::set<ResourceId> used;
    for (const Resource& each : made) {
        EXPECT_EQ(state_of(each), "ready");
        EXPECT_FALSE(each.placed_on.empty());
        used.insert(each.placed_on);
    }
    const auto loads = yard.loads();
    EXPECT_EQ(loads.size(), 10U) << "200 databases, 21 on each";
    EXPECT_EQ(yard.servers().size(), 10U);
    EXPECT_EQ(used.size(), 10U);
    std::uint64_t served = 0;
    std::set<std::string> names;
    for (const HostLoad& load : loads) {
        EXPECT_LE(load.placed, 21U);
        served += load.placed;
    }
    EXPECT_EQ(served, 200U);
    for (const Resource& server : yard.servers()) {
        EXPECT_EQ(state_of(server), "ready");
        EXPECT_EQ(server.organization, OrganizationId(kSystemOrganization));
        EXPECT_EQ(server.billing_code, "shared");
        names.insert(server.name);
    }
    for (int i = 1; i <= 10; ++i) EXPECT_TRUE(names.contains(fmt::format("hephy-instance-{:07}", i)));
}

TEST(Placement, FreedPlacesAreUsedBeforeTheNextServerIsMade) {
    constexpr std::uint64_t kSeed = 4;
    SCOPED_TRACE(fmt::format("seed {}", kSeed));
    SeededRandom random(kSeed);
    Yard yard(4);
    std::vector<Resource> alive = yard.databases(25);
    EXPECT_EQ(sizes(yard.loads()), (std::vector<std::uint64_t>{5, 5, 5, 5, 5}));
    for (int round = 0; round < 4; ++round) {
        const std::size_t count = 1 + random.below(12);
        yard.remove(some_of(alive, count, random));
        for (const Resource& each : yard.databases(count)) EXPECT_EQ(state_of(each), "ready");
        EXPECT_EQ(yard.servers().size(), 5U) << "there were free places";
        EXPECT_EQ(sizes(yard.loads()), (std::vector<std::uint64_t>{5, 5, 5, 5, 5}));
        ResourceFilter live;
        live.kind = Kind::database;
        alive = yard.run(yard.store().resources(live, {"", 1000})).value().items;
        EXPECT_EQ(alive.size(), 25U);
    }
    (void)yard.databases(1);
    EXPECT_EQ(yard.servers().size(), 6U);
}

TEST(Placement, WhereAServerComesToNothingItsDatabasesFailAtOnceSayWhyAndTheNextOneIsMade) {
    bool broken = true;
    Yard yard(20, [&](const dummy::Call& call) {
        if (call.verb != dummy::CallVerb::create || !std::exchange(broken, false)) return dummy::Reaction();
        dummy::Reaction reaction = dummy::Reaction::fail(ErrorClass::permanent, "the disk is too small");
        reaction.delay = 200ms;  // others come to wait for it
        return reaction;
    });
    std::size_t failed = 0;
    for (const Resource& each : yard.databases(30)) {
        if (state_of(each) == "ready") continue;  // it came when the first one had failed
        ++failed;
        EXPECT_THAT(why_failed(each), HasSubstr("hephy-instance-0000001"));
        EXPECT_THAT(why_failed(each), HasSubstr("the disk is too small"));
        EXPECT_TRUE(each.remnants.empty());
    }
    EXPECT_GE(failed, 1U);
    EXPECT_LE(failed, 21U) << "no more than had a place there";
    const auto servers = yard.servers();
    ASSERT_FALSE(servers.empty());
    EXPECT_EQ(state_of(servers[0]), "failed");
    std::uint64_t placed = 0;
    for (const HostLoad& load : yard.loads()) placed += load.placed;
    const auto again = yard.databases(5);
    for (const Resource& each : again) EXPECT_EQ(state_of(each), "ready");
    const auto loads = yard.loads();
    ASSERT_FALSE(loads.empty());
    EXPECT_NE(loads[0].host, servers[0].id);
    std::uint64_t now = 0;
    for (const HostLoad& load : loads) now += load.placed;
    EXPECT_EQ(now, placed + 5) << "those that failed have no place any more";
}

TEST(Placement, AServerIsRemovedOnlyWhenNothingIsOnItAndIsCurrentNoLonger) {
    Yard yard(1);
    const auto made = yard.databases(3);
    const std::string name = "hephy-instance-0000002";
    const auto current = yard.run(yard.shared().current(Yard::administrator(), "postgres")).value();
    EXPECT_EQ(current.server.name, name);
    const auto refused = yard.run(yard.shared().remove(Yard::administrator(), name));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    EXPECT_TRUE(refused.error().message.starts_with("it serves 1 database; delete them first: "))
        << refused.error().message;
    for (const Resource& each : made) {
        if (each.placed_on == current.server.id) yard.remove({each.id});
    }
    const auto removed = yard.run(yard.shared().remove(Yard::administrator(), name));
    ASSERT_TRUE(removed) << removed.error().message;
    (void)yard.run(yard.broker().wait(removed->operation->id, Yard::kLimit));
    EXPECT_EQ(yard.run(yard.shared().current(Yard::administrator(), "postgres")).value().server.name,
              "hephy-instance-0000001");
    (void)yard.databases(1);
    EXPECT_EQ(yard.run(yard.shared().current(Yard::administrator(), "postgres")).value().server.name,
              "hephy-instance-0000003");
}

TEST(Placement, HoweverManyEnsureAServerOneIsMade) {
    Yard yard(20, slowly);
    const auto ask = [&](std::size_t i) {
        ServerRequest request;
        request.face = "test";
        request.engine = "postgres";
        request.plan = "small";
        request.name = fmt::format("mine-{}", i);
        return yard.shared().ensure(Yard::administrator(), std::move(request));
    };
    std::size_t created = 0;
    std::set<std::string> names;
    for (const auto& each : yard.at_once<Result<ServerAnswer>>(40, ask)) {
        ASSERT_TRUE(each) << each.error().message;
        created += each->created ? 1 : 0;
        names.insert(each->server.name);
    }
    EXPECT_EQ(created, 1U);
    EXPECT_EQ(names.size(), 1U);
    EXPECT_EQ(yard.servers().size(), 1U);
}

TEST(Placement, HoweverManyAskForAClustersDatabaseOneIsMade) {
    Yard yard(20, slowly);
    const OrganizationId acme("acme");
    ASSERT_TRUE(yard.run(yard.clusters().create(Yard::tenant(), acme, "blue")));
    const auto ask = [&](std::size_t) {
        ClusterDatabaseRequest request;
        request.face = "test";
        request.engine = "postgres";
        request.plan = "small";
        return yard.clusters().create_database(Yard::tenant(), acme, "blue", std::move(request));
    };
    std::size_t created = 0;
    std::set<ResourceId> ids;
    for (const auto& each : yard.at_once<Result<ClusterDatabase>>(40, ask)) {
        ASSERT_TRUE(each) << each.error().message;
        ASSERT_TRUE(each->database);
        created += each->created ? 1 : 0;
        ids.insert(each->database->id);
    }
    EXPECT_EQ(created, 1U);
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(sizes(yard.loads()), std::vector<std::uint64_t>{1});
}

}  // namespace
}  // namespace slipway::placement_test
