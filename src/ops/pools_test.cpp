// Pools: at their level, never above it, whatever the providers and the other keepers do.
#include <gmock/gmock.h>

#include "base/log.h"
#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class PoolsTest : public OpsTest {
  protected:
    static Plan pooled_plan(std::string name, std::uint32_t level, std::string provider = "dummy") {
        Plan plan;
        plan.engine = "redis";
        plan.name = std::move(name);
        plan.provider = std::move(provider);
        plan.pool = level;
        return plan;
    }
    PoolKeeper keeper(Host& host, const Catalog& catalog, PoolOptions options = {}) {
        return {{store_, catalog, host.registry(), sealer_, timeline_.clock(), random_}, std::move(options)};
    }
    std::pair<std::uint32_t, std::uint32_t> level(const std::string& plan) {
        for (const PoolLevel& each : memory_.snapshot().pool_levels()) {
            if (each.plan == plan) return {each.ready, each.coming};
        }
        return {0, 0};
    }
    void claim_one(const std::string& plan) {
        const Resource pooled = *memory_.snapshot().claimable(Kind::cache, "redis", plan, 0);
        auto stepped =
            step(pooled, {now(), resource_event::Claimed{OrganizationId("acme"), "test", "b", {}, OperationId()}});
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
        commit(std::move(change));
    }
};

TEST_F(PoolsTest, AreFilledToTheirLevelAndNoFurther) {
    Host& host = start_host();
    const Catalog catalog({pooled_plan("a", 3), pooled_plan("b", 2), pooled_plan("none", 0)});
    PoolKeeper pools = keeper(host, catalog);
    EXPECT_EQ(run(pools.fill()), 5U);
    EXPECT_EQ(run(pools.fill()), 0U);
    ASSERT_TRUE(until([&] { return level("a") == std::pair(3U, 0U) && level("b") == std::pair(2U, 0U); }));
    EXPECT_EQ(cloud_.things().size(), 5U);
    EXPECT_EQ(run(pools.fill()), 0U);
}

// Those under way count: a slow provider must not make a keeper ask again and again.
TEST_F(PoolsTest, CountWhatIsComing) {
    Host& host = add_host();
    const Catalog catalog({pooled_plan("a", 3)});
    PoolKeeper pools = keeper(host, catalog);
    EXPECT_EQ(run(pools.fill()), 3U);
    EXPECT_EQ(level("a"), std::pair(0U, 3U));
    EXPECT_EQ(run(pools.fill()), 0U);
}

TEST_F(PoolsTest, WhatIsClaimedIsReplaced) {
    Host& host = start_host();
    const Catalog catalog({pooled_plan("a", 2)});
    PoolKeeper pools = keeper(host, catalog);
    EXPECT_EQ(run(pools.fill()), 2U);
    claim_one("a");
    EXPECT_EQ(run(pools.fill()), 1U);
    ASSERT_TRUE(until([&] { return level("a") == std::pair(2U, 0U); }));
    EXPECT_EQ(cloud_.things().size(), 3U);
}

// What is made ahead belongs to the system and is nobody's cost.
TEST_F(PoolsTest, WhatIsMadeAheadBelongsToTheSystem) {
    Host& host = add_host("host-1");
    const Catalog catalog({pooled_plan("a", 1)});
    PoolOptions options;
    options.host = HostId("host-1");
    PoolKeeper pools = keeper(host, catalog, options);
    ASSERT_EQ(run(pools.fill()), 1U);
    const Page<Resource> page = memory_.snapshot().resources({}, {});
    ASSERT_EQ(page.items.size(), 1U);
    EXPECT_EQ(page.items[0].organization, OrganizationId(kSystemOrganization));
    EXPECT_EQ(page.items[0].billing_code, kPoolBillingCode);
    EXPECT_TRUE(page.items[0].pooled);
    EXPECT_TRUE(page.items[0].secrets.contains("password"));
}

// Both looked before either wrote: the store's precondition decides.
TEST_F(PoolsTest, TwoKeepersDoNotOverfill) {
    Host& host = add_host();
    const Catalog catalog({pooled_plan("a", 3)});
    PoolKeeper first = keeper(host, catalog);
    PoolKeeper second = keeper(host, catalog);
    std::uint32_t of_second = 0;
    store_.before_commit = [&](const Commit&) -> Task<void> { of_second = (co_await second.fill()).value_or(99); };
    EXPECT_EQ(run(first.fill()), 0U);
    EXPECT_EQ(of_second, 3U);
    EXPECT_EQ(level("a"), std::pair(0U, 3U));
}

TEST_F(PoolsTest, OneRoundAsksForABoundedNumber) {
    Host& host = add_host();
    const Catalog catalog({pooled_plan("a", 10), pooled_plan("b", 10)});
    PoolOptions options;
    options.per_round = 6;
    PoolKeeper pools = keeper(host, catalog, options);
    EXPECT_EQ(run(pools.fill()), 6U);
    EXPECT_EQ(run(pools.fill()), 6U);
    EXPECT_EQ(run(pools.fill()), 6U);
    EXPECT_EQ(run(pools.fill()), 2U);
    EXPECT_EQ(run(pools.fill()), 0U);
}

TEST_F(PoolsTest, AnUnavailableProviderIsAWarningAndTheOtherPlansAreFilled) {
    dummy::DummyOptions broken;
    broken.name = "broken";
    broken.unavailable = "redis-server is not installed";
    Host& host = add_host("host-1", {{}, broken});
    const Catalog catalog(
        {pooled_plan("no", 2, "broken"), pooled_plan("unknown", 2, "nowhere"), pooled_plan("yes", 2)});
    PoolKeeper pools = keeper(host, catalog);
    std::vector<std::string> lines;
    log::capture([&](std::string_view line) { lines.emplace_back(line); });
    const auto filled = run(pools.fill());
    log::capture(nullptr);
    EXPECT_EQ(filled, 2U);
    EXPECT_EQ(level("yes"), std::pair(0U, 2U));
    EXPECT_THAT(lines, Contains(HasSubstr("redis-server is not installed")));
}

TEST_F(PoolsTest, AStoreThatFailsIsSaidAndTheNextRoundGoesOn) {
    Host& host = add_host();
    const Catalog catalog({pooled_plan("a", 2)});
    PoolKeeper pools = keeper(host, catalog);
    store_.fail_commits = 1;
    EXPECT_EQ(run(pools.fill()).error().code, ErrorCode::storage);
    EXPECT_EQ(run(pools.fill()), 2U);
}

// One that fails does not count: another is made for it, after a pause.
TEST_F(PoolsTest, WhatFailsIsReplaced) {
    Host& host = start_host();
    host.provider().once(dummy::CallVerb::create, dummy::Reaction::fail(ErrorClass::permanent));
    const Catalog catalog({pooled_plan("a", 1)});
    PoolKeeper pools = keeper(host, catalog);
    EXPECT_EQ(run(pools.fill()), 1U);
    advance(1s);
    EXPECT_EQ(level("a"), std::pair(0U, 0U));
    EXPECT_EQ(run(pools.fill()), 0U) << "a provider that fails is left alone for a moment";
    advance(2s);
    EXPECT_EQ(run(pools.fill()), 1U);
    EXPECT_TRUE(until([&] { return level("a") == std::pair(1U, 0U); }));
}

}  // namespace
}  // namespace slipway::ops_test
