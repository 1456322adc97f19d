// What is placed on another resource, as pools ask for it and as the engine makes it.
#include <gmock/gmock.h>

#include "ops/ops_test_support.h"
#include "ops/pools.h"

namespace slipway::ops_test {
namespace {

using ::testing::HasSubstr;

class PlacedOpsTest : public OpsTest {
  protected:
    static Plan plan_of(Kind kind, std::uint32_t pool = 0) {
        Plan plan;
        plan.kind = kind;
        plan.engine = "postgres";
        plan.name = "small";
        plan.provider = "dummy";
        plan.pool = pool;
        return plan;
    }
    static Catalog catalog(std::uint32_t pool, bool make_hosts = true) {
        Plan database = plan_of(Kind::database, pool);
        database.placement = PlacementRule{"small", 1, make_hosts};
        return Catalog({plan_of(Kind::database_server), database});
    }
    PoolKeeper keeper(Host& host, const Catalog& catalog) {
        return {{store_, catalog, host.registry(), sealer_, timeline_.clock(), random_}, {}};
    }
    std::vector<std::uint64_t> loads() {
        std::vector<std::uint64_t> all;
        for (const HostLoad& each : memory_.snapshot().host_loads(OrganizationId(kSystemOrganization),
                                                                  Kind::database_server, "postgres")) {
            all.push_back(each.placed);
        }
        return all;
    }
    std::vector<Resource> databases() {
        ResourceFilter filter;
        filter.kind = Kind::database;
        return memory_.snapshot().resources(filter, {"", 100}).items;
    }
};

TEST_F(PlacedOpsTest, APoolPlacesAsRequestsDo) {
    Host& host = start_host();
    const Catalog plans = catalog(5);
    PoolKeeper pools = keeper(host, plans);
    EXPECT_EQ(run(pools.fill()), 5U);
    std::vector<std::uint64_t> sizes = loads();
    std::ranges::sort(sizes);
    EXPECT_EQ(sizes, (std::vector<std::uint64_t>{1, 2, 2}));
    ASSERT_TRUE(until([&] {
        return std::ranges::all_of(databases(), [](const Resource& each) {
            return each.pooled && std::holds_alternative<resource_state::Ready>(each.state);
        });
    }));
    EXPECT_EQ(databases().size(), 5U);
    EXPECT_EQ(run(pools.fill()), 0U);
}

TEST_F(PlacedOpsTest, APoolThatMayHaveNoServerMadeIsLeftEmpty) {
    Host& host = start_host();
    const Catalog plans = catalog(2, false);
    PoolKeeper pools = keeper(host, plans);
    EXPECT_EQ(run(pools.fill()), 0U);
    EXPECT_TRUE(databases().empty());
}

TEST_F(PlacedOpsTest, OnAServerThatCameToNothingNothingIsMadeAndTheProviderIsNotAsked) {
    Host& host = start_host();
    host.provider().script([](const dummy::Call& call) {
        return call.verb == dummy::CallVerb::create
                   ? dummy::Reaction::fail(ErrorClass::permanent, "the disk is too small")
                   : dummy::Reaction();
    });
    const Catalog plans = catalog(1);
    PoolKeeper pools = keeper(host, plans);
    EXPECT_EQ(run(pools.fill()), 1U);
    ASSERT_TRUE(until([&] {
        return std::ranges::any_of(databases(), [](const Resource& each) {
            return std::holds_alternative<resource_state::Failed>(each.state);
        });
    }));
    const Resource failed = databases().at(0);
    EXPECT_THAT(std::get<resource_state::Failed>(failed.state).reason,
                HasSubstr("the server it was to live on, hephy-instance-0000001, has failed"));
    EXPECT_TRUE(failed.remnants.empty());
    for (const dummy::Call& call : host.provider().calls()) {
        EXPECT_FALSE(call.verb == dummy::CallVerb::create && call.target.resource == failed.id);
    }
    EXPECT_EQ(loads(), std::vector<std::uint64_t>());
}

}  // namespace
}  // namespace slipway::ops_test
