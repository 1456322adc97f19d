#include "ops/database_logins.h"

#include "ops/ops_test_support.h"
#include "ops/server_directory.h"

namespace slipway::ops_test {
namespace {

class DatabaseLoginsTest : public OpsTest {
  protected:
    DatabaseLoginsTest() {
        Resource server = made("res_server", Kind::database_server);
        server.handle = {{"address", "127.0.0.1"}, {"admin_user", "slipway"}};
        server.secrets["management_password"] =
            sealer_.seal(Secret("admin"), secret_context(server.id, "management_password"));
        put(std::move(server));
    }
    Resource made(std::string id, Kind kind) {
        Resource out;
        out.id = ResourceId(std::move(id));
        out.name = out.external_name = out.id.str();
        out.kind = kind;
        out.engine = "postgres";
        out.provider = "dummy";
        out.organization = OrganizationId("acme");
        out.state = resource_state::Ready{{"postgres", "db.example", 5432}, {}};
        return out;
    }
    Resource database(std::string id = "res_database") {
        Resource out = made(std::move(id), Kind::database);
        out.placed_on = ResourceId("res_server");
        out.parameters = {{"database", "cluster-1"}, {"user", "hephy-cluster-1"}};
        out.secrets["password"] = sealer_.seal(Secret("its own"), secret_context(out.id, "password"));
        return out;
    }
    void put(Resource resource) {
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(resource)});
        commit(std::move(change));
    }
    Result<std::optional<DatabaseLogin>> find(std::string id = "res_database") {
        return run(logins_.find(ResourceId(std::move(id))));
    }

    StoreDatabaseServers servers_{store_, sealer_};
    StoreDatabaseLogins logins_{store_, sealer_, servers_};
};

TEST_F(DatabaseLoginsTest, IsTheTenantsOwnAndNeverTheAdministrators) {
    Resource asked = database();
    asked.handle = {{"user", "hephy-short"}};
    put(asked);
    const auto login = find();
    ASSERT_TRUE(login && *login) << login.error().message;
    EXPECT_EQ((*login)->engine, "postgres");
    EXPECT_EQ((*login)->address, "127.0.0.1");
    EXPECT_EQ((*login)->port, 5432);
    EXPECT_EQ((*login)->user, "hephy-short") << "what it is called there";
    EXPECT_EQ((*login)->name, "cluster-1");
    EXPECT_EQ((*login)->password.reveal(), "its own");
}

TEST_F(DatabaseLoginsTest, WhatIsGoneOrGoingOrNoDatabaseIsNone) {
    const std::vector<ResourceState> states{resource_state::Gone{now()}, resource_state::Failed{"no"},
                                            resource_state::Deprovisioning{OperationId("op_1")}};
    int number = 0;
    for (const ResourceState& state : states) {
        Resource asked = database(fmt::format("res_{}", ++number));
        asked.state = state;
        put(asked);
        const auto login = find(asked.id.str());
        ASSERT_TRUE(login);
        EXPECT_FALSE(*login) << state_name(state);
    }
    for (const char* id : {"res_server", "res_nothing"}) EXPECT_FALSE(*find(id)) << id;
}

TEST_F(DatabaseLoginsTest, WhatCannotBeReachedNowIsUnavailable) {
    Resource coming = database("res_coming");
    coming.state = resource_state::Requested{OperationId("op_1")};
    put(coming);
    EXPECT_EQ(find("res_coming").error().code, ErrorCode::unavailable);
    put(database());
    store_.fail_reads = 1;
    EXPECT_EQ(find().error().code, ErrorCode::storage);
    sealer_.broken = true;
    EXPECT_EQ(find().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace slipway::ops_test
