#include "ops/server_directory.h"

#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

class ServerDirectoryTest : public OpsTest {
  protected:
    Resource server(std::string id = "res_server") {
        Resource made;
        made.id = ResourceId(std::move(id));
        made.name = "hephy-instance-0000001";
        made.kind = Kind::database_server;
        made.engine = "postgres";
        made.provider = "local";
        made.external_name = made.id.str();
        made.organization = OrganizationId(kSystemOrganization);
        made.state = resource_state::Ready{{"postgres", "db.example", 5432}, {}};
        made.parameters = {{"user", "admin"}};
        made.handle = {{"address", "127.0.0.1"}, {"admin_user", "slipway"}};
        for (const char* name : {"password", "management_password"}) {
            made.secrets[name] = sealer_.seal(Secret(fmt::format("{} of it", name)), secret_context(made.id, name));
        }
        return made;
    }
    void put(Resource resource) {
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(resource)});
        commit(std::move(change));
    }
    Result<std::optional<ServerAccess>> find(std::string id = "res_server") {
        return run(servers_.find(ResourceId(std::move(id))));
    }

    StoreDatabaseServers servers_{store_, sealer_};
};

TEST_F(ServerDirectoryTest, AServerOfOursIsAdministeredByItsOwnRoleAtItsAddress) {
    put(server());
    const auto access = find();
    ASSERT_TRUE(access && *access) << access.error().message;
    EXPECT_EQ((*access)->engine, "postgres");
    EXPECT_EQ((*access)->address, "127.0.0.1");
    EXPECT_EQ((*access)->port, 5432);
    EXPECT_EQ((*access)->endpoint, (Endpoint{"postgres", "db.example", 5432}));
    EXPECT_EQ((*access)->user, "slipway");
    EXPECT_EQ((*access)->password.reveal(), "management_password of it");
}

// So that who waits for it can be told more than that it does not answer.
TEST_F(ServerDirectoryTest, WhatWasFoundOfOneThatCannotBeReachedComesWithIt) {
    Resource full = server();
    full.health = Health::unreachable;
    full.health_detail = "its disk is full";
    put(full);
    EXPECT_EQ(find()->value().trouble, "its disk is full");
    Resource well = server("res_well");
    well.health = Health::healthy;
    well.health_detail = "busy";
    put(well);
    EXPECT_EQ(find("res_well")->value().trouble, "");
}

TEST_F(ServerDirectoryTest, OneWithoutSuchARoleIsAdministeredByItsMasterUser) {
    Resource cloud = server();
    cloud.secrets.erase("management_password");
    cloud.handle = {};
    put(cloud);
    const auto access = find();
    ASSERT_TRUE(access && *access) << access.error().message;
    EXPECT_EQ((*access)->address, "db.example");
    EXPECT_EQ((*access)->user, "admin");
    EXPECT_EQ((*access)->password.reveal(), "password of it");
}

TEST_F(ServerDirectoryTest, WhatIsGoneOrFailedOrNoServerIsNone) {
    Resource gone = server("res_gone");
    gone.state = resource_state::Gone{now()};
    put(gone);
    Resource failed = server("res_failed");
    failed.state = resource_state::Failed{"no"};
    put(failed);
    Resource cache = server("res_cache");
    cache.kind = Kind::cache;
    put(cache);
    for (const char* id : {"res_gone", "res_failed", "res_cache", "res_nothing"}) {
        const auto access = find(id);
        ASSERT_TRUE(access) << id;
        EXPECT_FALSE(*access) << id;
    }
}

TEST_F(ServerDirectoryTest, WhatIsBeingMadeOrRemovedIsUnavailable) {
    const std::vector<ResourceState> states{resource_state::Requested{OperationId("op_1")},
                                            resource_state::Provisioning{OperationId("op_1")},
                                            resource_state::Deprovisioning{OperationId("op_1")}};
    int number = 0;
    for (const ResourceState& state : states) {
        Resource made = server(fmt::format("res_{}", ++number));
        made.state = state;
        put(made);
        const auto access = find(made.id.str());
        ASSERT_FALSE(access);
        EXPECT_EQ(access.error().code, ErrorCode::unavailable);
        EXPECT_NE(access.error().message.find(state_name(state)), std::string::npos);
    }
}

TEST_F(ServerDirectoryTest, AFailureToReadIsNoAnswer) {
    put(server());
    store_.fail_reads = 1;
    EXPECT_EQ(find().error().code, ErrorCode::storage);
    store_.fail_reads = 1;
    EXPECT_EQ(run(servers_.all()).error().code, ErrorCode::storage);
    sealer_.broken = true;
    EXPECT_EQ(find().error().code, ErrorCode::unavailable);
}

TEST_F(ServerDirectoryTest, AllAreThoseThatAreReady) {
    put(server("res_1"));
    Resource updating = server("res_2");
    updating.state = resource_state::Updating{OperationId("op_1"), {"postgres", "h", 2}};
    put(updating);
    Resource coming = server("res_3");
    coming.state = resource_state::Requested{OperationId("op_1")};
    put(coming);
    Resource cache = server("res_4");
    cache.kind = Kind::cache;
    put(cache);
    const auto all = run(servers_.all());
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ((*all)[0].server, ResourceId("res_1"));
    EXPECT_EQ((*all)[1].server, ResourceId("res_2"));
}

}  // namespace
}  // namespace slipway::ops_test
