// Claims of databases that were made ahead: they take the names of who asks, and keep their place.
#include "broker/placement_test_support.h"

namespace slipway::broker_test {
namespace {

class ClaimPlacedTest : public PlacedTest {
  protected:
    ClaimPlacedTest() {
        std::vector<Plan> plans = catalog_.plans();
        Plan ahead = *catalog_.find(Kind::database, "postgres", "small");
        ahead.name = "ahead";
        ahead.pool = 2;
        plans.push_back(std::move(ahead));
        plans.push_back(plan("pooled", 2));
        catalog_ = Catalog(std::move(plans));
    }
    // On a server, as the keeper of pools makes one.
    Resource made_ahead() {
        clock_.advance(1s);
        ProvisionDraftRequest wanted;
        wanted.plan = catalog_.find(Kind::database, "postgres", "ahead");
        wanted.traits = *directory_.traits("dummy", Kind::database, "postgres");
        wanted.organization = OrganizationId(kSystemOrganization);
        wanted.face = "pool";
        wanted.billing_code = kPoolBillingCode;
        wanted.name_prefix = "oct";
        wanted.pooled = true;
        wanted.host = HostId("host-1");
        wanted.time_limit = 15min;
        Placer placer({memory_, catalog_, directory_, sealer_, clock_, random_});
        auto placed = run(placer.place(wanted));
        EXPECT_TRUE(placed);
        EXPECT_TRUE(run(memory_.commit(std::move(placed->commit))));
        work();
        EXPECT_EQ(state_of(placed->resource), "ready");
        return resource(placed->resource);
    }
    static ProvisionRequest wish(json::object parameters = {{"database", "cluster-1"}, {"user", "hephy-1"}}) {
        ProvisionRequest wanted = database("ahead");
        wanted.parameters = std::move(parameters);
        return wanted;
    }
};

TEST_F(ClaimPlacedTest, ItTakesTheNamesOfTheRequestAndIsDoneWhenTheProviderHasGivenThemToIt) {
    const Resource before = made_ahead();
    const Accepted accepted = provision(wish());
    ASSERT_EQ(accepted.resource.id, before.id);
    ASSERT_TRUE(accepted.operation);
    EXPECT_EQ(accepted.operation->kind, OperationKind::claim);
    EXPECT_EQ(active_operation(accepted.resource.state), accepted.operation->id)
        << "it does not have its names yet";
    EXPECT_EQ(accepted.resource.own_parameters, wish().parameters);
    EXPECT_EQ(accepted.resource.parameters,
              (json::object{{"connections", 20}, {"database", "cluster-1"}, {"user", "hephy-1"}}));
    EXPECT_EQ(accepted.resource.external_name, before.external_name) << "what it is at the provider stays";
    EXPECT_EQ(accepted.resource.organization, OrganizationId("acme"));
    work();
    EXPECT_EQ(state_of(accepted.operation->id), "succeeded");
    EXPECT_TRUE(active_operation(resource(before.id).state).empty());
}

TEST_F(ClaimPlacedTest, ItHasItsPlaceAlreadyAndTakesNoOther) {
    const Resource before = made_ahead();
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1});
    const Accepted accepted = provision(wish());
    EXPECT_EQ(accepted.resource.placed_on, before.placed_on);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1});
    work();
    ASSERT_TRUE(run(broker_->deprovision(caller(), before.id)));
    work();
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{0});
}

TEST_F(ClaimPlacedTest, WithoutWishesNothingIsLeftToDo) {
    const Resource before = made_ahead();
    const Accepted accepted = provision(wish({}));
    EXPECT_EQ(accepted.resource.id, before.id);
    EXPECT_FALSE(accepted.operation);
}

// Where the caller says on which server, what happens to lie ready on another one does not serve.
TEST_F(ClaimPlacedTest, ANamedServerIsAskedForANewOne) {
    const Resource before = made_ahead();
    ProvisionRequest wanted = wish();
    wanted.placed_on = before.placed_on;
    const Accepted accepted = provision(wanted);
    EXPECT_NE(accepted.resource.id, before.id);
    EXPECT_EQ(accepted.operation->kind, OperationKind::provision);
}

// Nobody's names but those of its owner: one whose claim fails is removed, and its place is free.
TEST_F(ClaimPlacedTest, OneThatCannotTakeItsNamesIsRemovedAndGivesItsPlaceBack) {
    const Resource before = made_ahead();
    update_error_ = ProviderError{};
    update_error_->error_class = ErrorClass::permanent;
    update_error_->message = "the name is taken";
    const Accepted accepted = provision(wish());
    work();
    clock_.advance(RetryPolicy{}.settle);
    work();
    EXPECT_EQ(state_of(accepted.operation->id), "failed");
    EXPECT_EQ(state_of(before.id), "failed");
    EXPECT_FALSE(out_there_[before.id]);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{0});
}

// What lives by itself was made as its plan says: it cannot be made otherwise afterwards.
TEST_F(ClaimPlacedTest, OfOtherKindsAWishOfItsOwnIsMadeAnew) {
    const Resource before = pooled();
    ProvisionRequest wanted = request("", "pooled");
    wanted.parameters = {{"maxmemory", 128}};
    const Accepted accepted = provision(wanted);
    EXPECT_NE(accepted.resource.id, before.id);
    EXPECT_TRUE(resource(before.id).pooled);
}

TEST_F(ClaimPlacedTest, ADryRunSaysThatOneIsReady) {
    (void)made_ahead();
    const auto preview = run(broker_->preview_provision(caller(), wish()));
    ASSERT_TRUE(preview);
    EXPECT_TRUE(preview->allowed);
    EXPECT_TRUE(preview->from_pool);
    ASSERT_EQ(preview->steps.size(), 1U);
    EXPECT_EQ(preview->steps[0].kind, StepKind::update);
}

}  // namespace
}  // namespace slipway::broker_test
