// Claims from a pool: one conditional update gives each resource to one caller.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::Contains;

class ClaimTest : public BrokerTest {
  protected:
    static ProvisionRequest wish() { return request("", "pooled"); }
};

TEST_F(ClaimTest, AClaimIsReadyAtOnceAndKeepsItsNameAndPassword) {
    const Resource before = pooled();
    ProvisionRequest wanted = wish();
    wanted.labels = {{"team", "a"}};
    const Accepted accepted = provision(wanted);
    EXPECT_FALSE(accepted.operation) << "nothing is left to do";
    const Resource after = resource(before.id);
    EXPECT_EQ(accepted.resource.id, before.id);
    EXPECT_EQ(state_of(after.id), "ready");
    EXPECT_FALSE(after.pooled);
    EXPECT_EQ(after.organization, OrganizationId("acme"));
    EXPECT_EQ(after.face, "native");
    EXPECT_EQ(after.billing_code, "team-a");
    EXPECT_EQ(after.labels, wanted.labels);
    EXPECT_EQ(after.name, before.name);
    EXPECT_EQ(after.external_name, before.external_name);
    EXPECT_EQ(after.allocations, before.allocations);
    EXPECT_EQ(password_of(after), password_of(before));
    const auto timeline = run(broker_->timeline(caller(), after.id, 0, 100));
    ASSERT_TRUE(timeline);
    EXPECT_EQ(timeline->back().body.type, "resource.claimed");
    EXPECT_EQ(timeline->back().body.actor, "key_acme");
}

TEST_F(ClaimTest, TheOldestComesFirst) {
    const Resource first = pooled();
    clock_.advance(1s);
    const Resource second = pooled();
    EXPECT_EQ(provision(wish()).resource.id, first.id);
    EXPECT_EQ(provision(wish()).resource.id, second.id);
}

TEST_F(ClaimTest, AnEmptyPoolFallsBackToMakingOne) {
    const Accepted accepted = provision(wish());
    EXPECT_TRUE(accepted.operation);
    EXPECT_EQ(state_of(accepted.resource.id), "requested");
    EXPECT_FALSE(accepted.resource.pooled);
    EXPECT_EQ(accepted.resource.organization, OrganizationId("acme"));
}

// Both saw the same one; each gets another.
TEST_F(ClaimTest, TwoCallersWhoRaceEachGetOneOfTheirOwn) {
    const Resource first = pooled();
    const Resource second = pooled();
    std::optional<Result<Accepted>> winner;
    store_.before_commit = [&]() -> Task<void> { winner = co_await broker_->provision(caller("other"), wish()); };
    const Accepted loser = provision(wish());
    ASSERT_TRUE(winner && *winner);
    EXPECT_EQ((*winner)->resource.id, first.id);
    EXPECT_EQ(loser.resource.id, second.id);
    EXPECT_EQ(resource(first.id).organization, OrganizationId("other"));
    EXPECT_EQ(resource(second.id).organization, OrganizationId("acme"));
}

TEST_F(ClaimTest, TheLoserOfARaceForTheLastOneGetsANewOne) {
    const Resource last = pooled();
    std::optional<Result<Accepted>> winner;
    store_.before_commit = [&]() -> Task<void> { winner = co_await broker_->provision(caller("other"), wish()); };
    const Accepted loser = provision(wish());
    ASSERT_TRUE(winner && *winner);
    EXPECT_EQ((*winner)->resource.id, last.id);
    EXPECT_NE(loser.resource.id, last.id);
    EXPECT_TRUE(loser.operation);
}

// What is being brought back is passed over.
TEST_F(ClaimTest, OneUnderRepairIsPassedOver) {
    const Resource ill = pooled();
    const Resource well = pooled();
    Commit change;
    Operation repair = draft_operation(OperationKind::repair, ill, {}, clock_.now(), 10min, random_);
    auto stepped = step(ill, {clock_.now(), resource_event::RepairRequested{repair.id}});
    change.writes.emplace_back(write::PutResource{std::move(stepped->resource)});
    change.writes.emplace_back(write::PutOperation{std::move(repair), std::nullopt});
    ASSERT_TRUE(run(memory_.commit(std::move(change))));
    EXPECT_EQ(provision(wish()).resource.id, well.id);
    EXPECT_TRUE(provision(wish()).operation) << "none but the ill one is left: a new one is made";
}

TEST_F(ClaimTest, AQuotaCountsClaims) {
    limit_resources(1);
    pooled();
    const Resource left = pooled();
    provision(wish());
    const auto refused = run(broker_->provision(caller(), wish()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
    EXPECT_TRUE(resource(left.id).pooled);
}

// Where the provider keeps tags of its own, the claim tells it, and until then the claim is not done.
TEST_F(ClaimTest, AProviderWithTagsIsToldByAnOperation) {
    const Resource before = pooled();
    directory_.traits_.external_tags = true;
    const Accepted accepted = provision(wish());
    ASSERT_TRUE(accepted.operation);
    EXPECT_EQ(accepted.operation->kind, OperationKind::claim);
    EXPECT_EQ(accepted.operation->organization, OrganizationId("acme"));
    EXPECT_EQ(active_operation(resource(before.id).state), accepted.operation->id);
    work();
    EXPECT_EQ(state_of(accepted.operation->id), "succeeded");
    EXPECT_TRUE(active_operation(resource(before.id).state).empty());
}

// It had an owner for a moment: it must never reach another one.
TEST_F(ClaimTest, ACancelledClaimIsRemovedAndNotGivenBack) {
    const Resource before = pooled();
    directory_.traits_.external_tags = true;
    const Accepted accepted = provision(wish());
    work(Verb::update);  // a worker is about to tell the provider
    ASSERT_TRUE(run(broker_->cancel(caller(), accepted.operation->id, "no longer needed")));
    clock_.advance(31s);
    work();
    clock_.advance(RetryPolicy{}.settle);
    work();
    EXPECT_EQ(state_of(accepted.operation->id), "cancelled");
    EXPECT_FALSE(resource(before.id).pooled);
    EXPECT_NE(state_of(before.id), "ready");
    EXPECT_FALSE(out_there_[before.id]) << "nobody has it: it must not stay behind";
}

// The pool's level is replenished by its keeper: a claim leaves a hole that the store shows.
TEST_F(ClaimTest, AClaimLeavesAHoleInThePool) {
    pooled();
    pooled();
    provision(wish());
    const auto levels = memory_.snapshot().pool_levels();
    ASSERT_EQ(levels.size(), 1U);
    EXPECT_EQ(levels[0].ready, 1U);
}

}  // namespace
}  // namespace slipway::broker_test
