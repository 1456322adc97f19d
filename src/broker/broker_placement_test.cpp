// Databases on shared servers, as they are asked for, tried, changed and taken over.
#include "broker/placement_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class PlacementTest : public PlacedTest {
  protected:
    Orphan orphan(const Resource& of) {
        Orphan found;
        found.provider = of.provider;
        found.external_name = of.external_name;
        found.kind = "lost";
        found.resource = of.id;
        found.generation = of.generation;
        Commit commit;
        commit.writes.emplace_back(write::PutOrphan{found});
        EXPECT_TRUE(run(memory_.commit(std::move(commit))));
        return found;
    }
    static AdoptRequest adoption(const Orphan& of) {
        AdoptRequest request;
        request.face = "native";
        request.provider = of.provider;
        request.external_name = of.external_name;
        request.kind = Kind::database;
        request.engine = "postgres";
        request.plan = "small";
        return request;
    }
    Resource fail(Resource resource) {
        resource.state = resource_state::Failed{"the disk is full"};
        Commit commit;
        commit.writes.emplace_back(write::PutResource{resource});
        EXPECT_TRUE(run(memory_.commit(std::move(commit))));
        return this->resource(resource.id);
    }
};

TEST_F(PlacementTest, TheFirstDatabaseHasItsServerMadeInTheSameCommitAndWaitsForIt) {
    const Accepted first = placed();
    const Resource server = resource(first.resource.placed_on);
    EXPECT_EQ(server.name, "hephy-instance-0000001");
    EXPECT_EQ(server.organization, OrganizationId(kSystemOrganization));
    EXPECT_EQ(server.kind, Kind::database_server);
    EXPECT_EQ(server.plan, "small");
    EXPECT_EQ(server.face, "native");
    EXPECT_EQ(server.billing_code, "shared");
    EXPECT_TRUE(server.allocations.contains("port"));
    EXPECT_EQ(first.operation->blocked_by, active_operation(server.state));
    EXPECT_EQ(first.operation->resource, first.resource.id);
    const Accepted second = placed();
    EXPECT_EQ(second.resource.placed_on, server.id);
    EXPECT_EQ(second.operation->blocked_by, active_operation(server.state));
    work();
    EXPECT_EQ(state_of(server.id), "ready");
    EXPECT_EQ(state_of(first.resource.id), "ready");
    EXPECT_EQ(state_of(second.resource.id), "ready");
    const Accepted third = placed();
    EXPECT_EQ(server_of(third.resource), "hephy-instance-0000002");
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 1}));
}

TEST_F(PlacementTest, ItLivesOnTheMachineOfItsServer) {
    directory_.traits_.on_this_host = true;
    const Accepted accepted = placed();
    work();
    directory_.traits_.on_this_host = false;
    const Accepted next = placed();
    EXPECT_EQ(accepted.resource.host, HostId("host-1"));
    EXPECT_EQ(next.resource.host, HostId("host-1"));
    EXPECT_EQ(next.operation->host, HostId("host-1"));
    EXPECT_TRUE(next.operation->blocked_by.empty()) << "its server is there";
}

TEST_F(PlacementTest, AFreedPlaceOnAnOlderServerIsTakenFirst) {
    const Accepted first = placed();
    for (int i = 0; i < 3; ++i) (void)placed();
    work();
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 2}));
    ASSERT_TRUE(run(broker_->deprovision(caller(), first.resource.id)));
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 2})) << "it is still there";
    work();
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(server_of(placed().resource), "hephy-instance-0000001");
}

TEST_F(PlacementTest, WhereNoServerMayBeMadeItIsUnavailableAndNothingIsWritten) {
    const auto refused = run(broker_->provision(caller(), database("fixed")));
    EXPECT_EQ(code_of(refused), ErrorCode::unavailable);
    EXPECT_THAT(refused.error().message, HasSubstr("no postgres server has a place left"));
    EXPECT_EQ(resources(), 0U);
    (void)placed();
    EXPECT_EQ(server_of(placed(database("fixed")).resource), "hephy-instance-0000001");
}

TEST_F(PlacementTest, AQuotaThatIsUsedUpHasNoServerMade) {
    set_quotas({quota(0)});
    EXPECT_EQ(code_of(run(broker_->provision(caller(), database()))), ErrorCode::exhausted);
    EXPECT_EQ(resources(), 0U);
}

TEST_F(PlacementTest, ANameThatSomebodyGaveAServerIsSkipped) {
    Resource server = resource(placed().resource.placed_on);
    server.name = "hephy-instance-0000002";
    Commit commit;
    commit.writes.emplace_back(write::PutResource{server});
    ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    (void)placed();
    EXPECT_EQ(server_of(placed().resource), "hephy-instance-0000003");
}

TEST_F(PlacementTest, WhoLosesThePlaceToAnotherLooksAgain) {
    (void)placed();
    store_.before_commit = [this]() -> Task<void> { (void)co_await broker_->provision(caller(), database()); };
    const Accepted late = placed();
    EXPECT_EQ(server_of(late.resource), "hephy-instance-0000002");
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 1}));
}

TEST_F(PlacementTest, OfTwoThatFindNoPlaceOneHasTheNextServerMade) {
    store_.before_commit = [this]() -> Task<void> { (void)co_await broker_->provision(caller(), database()); };
    (void)placed();
    EXPECT_EQ(servers(), 1U);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{2});
}

TEST_F(PlacementTest, AServerIsTakenFromThePoolOfItsPlan) {
    ProvisionDraftRequest ahead;
    ahead.plan = catalog_.find(Kind::database_server, "postgres", "pooled");
    ahead.traits = *directory_.traits("dummy", Kind::database_server, "postgres");
    ahead.organization = OrganizationId(kSystemOrganization);
    ahead.billing_code = kPoolBillingCode;
    ahead.name_prefix = "oct";
    ahead.pooled = true;
    ahead.time_limit = 15min;
    ASSERT_TRUE(run(memory_.commit(accept(draft_provision(ahead, clock_.now(), random_, sealer_)))));
    work();
    EXPECT_EQ(loads(), std::vector<std::uint64_t>()) << "nobody is placed on what nobody has taken";
    const Accepted accepted = placed(database("from-pool"));
    EXPECT_TRUE(accepted.operation->blocked_by.empty()) << "it is ready";
    EXPECT_EQ(server_of(accepted.resource), "hephy-instance-0000001");
    const Resource server = resource(accepted.resource.placed_on);
    EXPECT_FALSE(server.pooled);
    EXPECT_EQ(server.billing_code, "shared");
    EXPECT_EQ(servers(), 1U);
}

TEST_F(PlacementTest, ParametersOfOneResourceWinOverThePlansAndAreNotServedFromAPool) {
    ProvisionRequest wanted = database();
    wanted.parameters = {{"database", "cluster-1"}, {"connections", 5}};
    const Accepted accepted = placed(wanted);
    EXPECT_EQ(accepted.resource.parameters, (json::object{{"database", "cluster-1"}, {"connections", 5}}));
    EXPECT_EQ(accepted.resource.own_parameters, wanted.parameters);
}

TEST_F(PlacementTest, AnotherPlanLeavesWhatWasGivenForOneResourceAndAFailureGoesBack) {
    ProvisionRequest wanted = database();
    wanted.parameters = {{"database", "cluster-1"}};
    const ResourceId id = placed(wanted).resource.id;
    work();
    UpdateRequest change;
    change.plan = "large";
    ASSERT_TRUE(run(broker_->update(caller(), id, change)));
    EXPECT_EQ(resource(id).parameters.at("database"), "cluster-1");
    EXPECT_EQ(resource(id).parameters.at("connections"), 100);
    work();
    EXPECT_EQ(state_of(id), "ready");
    change.plan = "small";
    update_error_ = ProviderError{};
    update_error_->error_class = ErrorClass::permanent;
    ASSERT_TRUE(run(broker_->update(caller(), id, change)));
    EXPECT_EQ(resource(id).parameters, (json::object{{"connections", 20}, {"database", "cluster-1"}}));
    work();
    EXPECT_EQ(resource(id).parameters.at("connections"), 100);
    EXPECT_EQ(resource(id).parameters.at("database"), "cluster-1");
}

TEST_F(PlacementTest, NoPlanMovesAResourceFromItsServer) {
    const ResourceId id = placed().resource.id;
    work();
    UpdateRequest change;
    change.plan = "alone";
    const auto refused = run(broker_->update(caller(), id, change));
    EXPECT_EQ(code_of(refused), ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().problems[0].problem, HasSubstr("share a server"));
}

TEST_F(PlacementTest, TheSameKeyWithOtherParametersIsAnotherRequest) {
    ProvisionRequest wanted = database("small", "k1");
    wanted.parameters = {{"database", "a"}};
    const Accepted first = placed(wanted);
    EXPECT_TRUE(placed(wanted).replayed);
    wanted.parameters = {{"database", "b"}};
    EXPECT_EQ(code_of(run(broker_->provision(caller(), wanted))), ErrorCode::idempotency_reuse);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1});
}

TEST_F(PlacementTest, OneServerMayBeWantedWhileItHasAPlace) {
    const ResourceId first = placed().resource.placed_on;
    for (int i = 0; i < 2; ++i) (void)placed();
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 1}));
    ProvisionRequest wanted = database();
    wanted.placed_on = first;
    const auto refused = run(broker_->provision(caller(), wanted));
    EXPECT_EQ(code_of(refused), ErrorCode::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("full"));
    wanted.placed_on = ResourceId("res_nothing");
    EXPECT_EQ(code_of(run(broker_->provision(caller(), wanted))), ErrorCode::not_found);
}

TEST_F(PlacementTest, ADryRunSaysWhereAndWhetherAServerWouldBeMade) {
    auto preview = run(broker_->preview_provision(caller(), database()));
    ASSERT_TRUE(preview && preview->allowed);
    EXPECT_EQ(preview->server, "hephy-instance-0000001");
    EXPECT_TRUE(preview->new_server);
    ASSERT_EQ(preview->steps.size(), 3U);
    EXPECT_EQ(preview->steps[0].what, "make the server hephy-instance-0000001 first: there is none yet");
    EXPECT_EQ(preview->steps[1].what, "create the database on hephy-instance-0000001");
    EXPECT_EQ(preview->steps[2].what, "check that the database answers");
    EXPECT_EQ(resources(), 0U);
    (void)placed();
    preview = run(broker_->preview_provision(caller(), database()));
    EXPECT_EQ(preview->server, "hephy-instance-0000001");
    EXPECT_FALSE(preview->new_server);
    EXPECT_EQ(preview->steps.size(), 2U);
    preview = run(broker_->preview_provision(caller(), database("alone")));
    EXPECT_TRUE(preview->server.empty());
    (void)placed();
    preview = run(broker_->preview_provision(caller(), database()));
    EXPECT_EQ(preview->steps.at(0).what, "make the server hephy-instance-0000002 first: the others are full");
}

// "remove the postgres and its data" would be read as the end of the server that others share.
TEST_F(PlacementTest, ADryRunOfARemovalSpeaksOfTheDatabaseAndNotOfItsServer) {
    const Accepted mine = placed();
    work();
    const auto preview = run(broker_->preview_deprovision(caller(), mine.resource.id));
    ASSERT_TRUE(preview && preview->allowed);
    EXPECT_EQ(preview->steps.at(0).what, "remove the database and its data");
}

TEST_F(PlacementTest, AServerThatServesIsNotRemovedAndADryRunSaysSo) {
    const Accepted first = placed();
    const Accepted second = placed();
    (void)placed();
    work();
    const ResourceId server = first.resource.placed_on;
    const auto refused = run(broker_->deprovision(administrator(), server));
    EXPECT_EQ(code_of(refused), ErrorCode::conflict);
    const std::string in_the_way = fmt::format("it serves 2 databases; delete them first: {} of acme, {} of acme",
                                               first.resource.name, second.resource.name);
    EXPECT_EQ(refused.error().message, in_the_way) << "or nobody finds them";
    const auto preview = run(broker_->preview_deprovision(administrator(), server));
    ASSERT_TRUE(preview);
    EXPECT_FALSE(preview->allowed);
    EXPECT_EQ(preview->refusal->message, in_the_way);
    EXPECT_EQ(state_of(server), "ready");
}

// Without this nobody sees which databases live on a server, and which one has room.
TEST_F(PlacementTest, WhatIsSharedIsToldOfDatabasesAndOfServers) {
    const Accepted mine = placed();
    for (int i = 0; i < 2; ++i) (void)placed();
    const Accepted alone = placed(database("alone"));
    work();
    const Resource database = resource(mine.resource.id);
    const Resource full = resource(database.placed_on);
    ResourceFilter all;
    all.kind = Kind::database_server;
    const auto servers = run(broker_->list(administrator(), all, {"", 100}))->items;
    ASSERT_EQ(servers.size(), 2U);
    const std::vector<Resource> of{database, resource(alone.resource.id), servers[0], servers[1]};
    const auto told = run(broker_->sharing(administrator(), of));
    ASSERT_TRUE(told);
    EXPECT_EQ((*told)[0].server, full.name);
    EXPECT_TRUE((*told)[1].server.empty());
    EXPECT_EQ((*told)[2].serves, 2U);
    EXPECT_EQ((*told)[2].places, 2U);
    EXPECT_EQ((*told)[2].current, false);
    EXPECT_EQ((*told)[3].serves, 1U);
    EXPECT_EQ((*told)[3].current, true);
    EXPECT_FALSE((*run(broker_->sharing(caller(), of)))[2].serves) << "of others' databases nobody else is told";
    EXPECT_EQ(run(broker_->shared_server(full.name)).value(), full.id);
    EXPECT_FALSE(run(broker_->shared_server("nothing")).value());
}

TEST_F(PlacementTest, OfManyInTheWayOfARemovalAFewAreNamed) {
    catalog_ = Catalog([this] {
        std::vector<Plan> plans = catalog_.plans();
        for (Plan& plan : plans) {
            if (plan.placement) plan.placement->threshold = 9;
        }
        return plans;
    }());
    ResourceId server;
    for (int i = 0; i < 5; ++i) server = placed().resource.placed_on;
    const auto refused = run(broker_->deprovision(administrator(), server));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("it serves 5 databases; delete them first: "));
    EXPECT_THAT(refused.error().message, HasSubstr(" of acme and 2 more"));
}

TEST_F(PlacementTest, ADatabaseThatComesWhileItsServerIsBeingRemovedGoesElsewhereOrKeepsIt) {
    const Accepted first = placed();
    work();
    ASSERT_TRUE(run(broker_->deprovision(caller(), first.resource.id)));
    work();
    store_.before_commit = [this]() -> Task<void> { (void)co_await broker_->provision(caller(), database()); };
    EXPECT_EQ(code_of(run(broker_->deprovision(administrator(), first.resource.placed_on))), ErrorCode::conflict);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1});
}

TEST_F(PlacementTest, WhenTheMakingOfAServerIsCancelledNobodyIsPlacedThereAgain) {
    const Accepted first = placed();
    const Resource server = resource(first.resource.placed_on);
    ASSERT_TRUE(run(broker_->cancel(administrator(), active_operation(server.state), "changed my mind")));
    EXPECT_EQ(state_of(server.id), "failed");
    EXPECT_TRUE(operation(first.operation->id).blocked_by.empty()) << "it is not to wait for ever";
    EXPECT_EQ(server_of(placed().resource), "hephy-instance-0000002");
}

TEST_F(PlacementTest, ADamagedBookIsAnErrorAndNoReasonToMakeServers) {
    Commit commit;
    commit.writes.emplace_back(write::PutSetting{host_book_key(Kind::database_server, "postgres"), "?"});
    ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    EXPECT_EQ(code_of(run(broker_->provision(caller(), database()))), ErrorCode::storage);
    EXPECT_EQ(resources(), 0U);
}

TEST_F(PlacementTest, ALostDatabaseIsTakenOverOnTheServerThatIsNamed) {
    (void)placed();
    work();
    Resource lost = resource(placed().resource.id);
    lost.id = ResourceId("res_lost");
    lost.external_name = "oct-0badcafe";
    AdoptRequest wanted = adoption(orphan(lost));
    const auto unnamed = run(broker_->adopt(administrator(), wanted));
    EXPECT_EQ(code_of(unnamed), ErrorCode::invalid_argument);
    EXPECT_EQ(unnamed.error().problems[0].field, "server");
    wanted.server = "hephy-instance-0000009";
    EXPECT_EQ(code_of(run(broker_->adopt(administrator(), wanted))), ErrorCode::invalid_argument);
    wanted.server = "hephy-instance-0000001";
    EXPECT_EQ(code_of(run(broker_->adopt(administrator(), wanted))), ErrorCode::conflict) << "it is full";
    (void)placed();
    wanted.server = "hephy-instance-0000002";
    const auto taken = run(broker_->adopt(administrator(), wanted));
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(server_of(taken->resource), "hephy-instance-0000002");
    EXPECT_EQ(loads(), (std::vector<std::uint64_t>{2, 2}));
}

TEST_F(PlacementTest, AFailedDatabaseIsTakenOverWhereItIs) {
    const Accepted first = placed();
    work();
    const Resource failed = fail(resource(first.resource.id));
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{0});
    AdoptRequest wanted = adoption(orphan(failed));
    wanted.server = "nowhere";  // its record knows
    const auto taken = run(broker_->adopt(administrator(), wanted));
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->resource.placed_on, first.resource.placed_on);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1});
}

TEST_F(PlacementTest, AFailedServerThatIsTakenOverStaysShared) {
    const Accepted first = placed();
    work();
    const Resource failed = fail(resource(first.resource.placed_on));
    AdoptRequest wanted = adoption(orphan(failed));
    wanted.kind = Kind::database_server;
    const auto taken = run(broker_->adopt(administrator(), wanted));
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->resource.organization, OrganizationId(kSystemOrganization));
    EXPECT_EQ(taken->resource.billing_code, "shared");
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1}) << "what lives on it is still there";
}

}  // namespace
}  // namespace slipway::broker_test
