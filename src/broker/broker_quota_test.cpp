// Quotas of organizations: which hold, who may pass them (nobody), and what a refusal says.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class QuotaTest : public BrokerTest {
  protected:
    Error refusal(ProvisionRequest wanted = request(), CallContext as = caller()) {
        auto answer = run(broker_->provision(std::move(as), std::move(wanted)));
        EXPECT_FALSE(answer);
        return answer ? Error{} : answer.error();
    }
};

TEST_F(QuotaTest, TheConfiguredBoundHoldsWhereThereIsNoOther) {
    limit_resources(1);
    provision();
    const Error full = refusal();
    EXPECT_EQ(full.code, ErrorCode::exhausted);
    EXPECT_THAT(full.message, HasSubstr("1 resource is what every organization may have"));
    set_quotas({quota(9, "small")});
    EXPECT_THAT(refusal().message, HasSubstr("every organization")) << "a plan's quota is none for all";
    set_quotas({quota(2)});
    provision();
    EXPECT_THAT(refusal().message, HasSubstr("the quota of organization acme is used up: 2 resources in all"));
}

TEST_F(QuotaTest, APlansQuotaCountsThatPlanOnly) {
    set_quotas({quota(1, "small"), quota(0, "open"), quota(5, "small", "other")});
    provision();
    EXPECT_THAT(refusal().message, HasSubstr("acme for redis/small is used up: 1 resource"));
    EXPECT_THAT(refusal(request("", "open")).message, HasSubstr("redis/open is used up: 0 resources"));
    provision(request("", "large"));
    provision(request(), caller("other"));
    provision(request(), caller("other"));
}

TEST_F(QuotaTest, AClaimCountsToo) {
    pooled();
    pooled();
    set_quotas({quota(1, "pooled")});
    provision(request("", "pooled"));
    EXPECT_EQ(refusal(request("", "pooled")).code, ErrorCode::exhausted);
    EXPECT_EQ(memory_.snapshot().pool_levels().at(0).ready, 1U) << "it stays in the pool";
}

// Both saw a free place; the store lets one have it.
TEST_F(QuotaTest, OfTwoWhoWantTheLastPlaceOneGetsIt) {
    set_quotas({quota(1, "small")});
    std::optional<Result<Accepted>> winner;
    store_.before_commit = [&]() -> Task<void> { winner = co_await broker_->provision(caller(), request()); };
    EXPECT_EQ(refusal().code, ErrorCode::exhausted);
    ASSERT_TRUE(winner && *winner);
    EXPECT_EQ(resources(), 1U);
}

TEST_F(QuotaTest, TheOrganizationThatItIsForCounts) {
    static_cast<void>(key_of("acme"));
    set_quotas({quota(1)});
    ProvisionRequest wanted = request();
    wanted.organization = OrganizationId("acme");
    const CallContext operators = caller("operators", Role::administrator);
    provision(wanted, operators);
    EXPECT_EQ(refusal(wanted, operators).code, ErrorCode::exhausted);
    provision(request(), operators);
}

}  // namespace
}  // namespace slipway::broker_test
