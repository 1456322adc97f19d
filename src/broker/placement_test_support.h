// What the tests of placed resources share: plans of databases and of the servers that they share.
#pragma once

#include "broker/broker_test_support.h"

namespace slipway::broker_test {

class PlacedTest : public BrokerTest {
  protected:
    explicit PlacedTest(std::uint64_t threshold = 1) {
        Plan server = plan_of(Kind::database_server, "small");
        Plan pooled = plan_of(Kind::database_server, "pooled");
        pooled.pool = 1;
        Plan database = plan_of(Kind::database, "small");
        database.parameters = {{"connections", 20}};
        database.placement = PlacementRule{"small", threshold, true};
        Plan large = database;
        large.name = "large";
        large.parameters = {{"connections", 100}, {"extensions", json::array{"hstore"}}};
        Plan fixed = database;
        fixed.name = "fixed";
        fixed.placement->make_hosts = false;
        Plan from_pool = database;
        from_pool.name = "from-pool";
        from_pool.placement->host_plan = "pooled";
        Plan alone = plan_of(Kind::database, "alone");
        catalog_ = Catalog({server, pooled, database, large, fixed, from_pool, alone});
        for (const char* id : {"acme", "other"}) {
            Commit commit;
            commit.writes.emplace_back(write::PutOrganization{{OrganizationId(id), id, clock_.now()}});
            EXPECT_TRUE(run(memory_.commit(std::move(commit))));
        }
    }
    static Plan plan_of(Kind kind, std::string name) {
        Plan made = plan(std::move(name));
        made.kind = kind;
        made.engine = "postgres";
        return made;
    }
    static ProvisionRequest database(std::string plan = "small", std::string key = "") {
        ProvisionRequest wanted = request(std::move(key), std::move(plan));
        wanted.kind = Kind::database;
        wanted.engine = "postgres";
        return wanted;
    }
    static CallContext administrator() { return caller("acme", Role::administrator); }

    // A later one, so that ids tell who is older.
    Accepted placed(ProvisionRequest wanted = database()) {
        clock_.advance(1s);
        return provision(std::move(wanted));
    }
    std::string server_of(const Resource& placed) { return resource(placed.placed_on).name; }
    std::vector<std::uint64_t> loads() {
        std::vector<std::uint64_t> all;
        for (const HostLoad& each : memory_.snapshot().host_loads(OrganizationId(kSystemOrganization),
                                                                  Kind::database_server, "postgres")) {
            all.push_back(each.placed);
        }
        return all;
    }
    std::size_t servers() {
        ResourceFilter filter;
        filter.kind = Kind::database_server;
        filter.include_gone = true;
        return memory_.snapshot().resources(filter, {"", 1000}).items.size();
    }
    static ErrorCode code_of(const auto& result) { return result ? ErrorCode::internal : result.error().code; }
};

}  // namespace slipway::broker_test
