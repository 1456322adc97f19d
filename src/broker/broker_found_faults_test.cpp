// Faults that were found by reading and shown by a test first.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

class FoundFaultsTest : public BrokerTest {};

// A claim that nobody began is "untouched", and yet there is something to undo:
// the claimed thing itself. It stays out there, its port is given to the next
// one and no remnant says so.
TEST_F(FoundFaultsTest, AClaimCancelledBeforeAnybodyBeganIsRemoved) {
    const Resource before = pooled();
    directory_.traits_.external_tags = true;
    const Accepted accepted = provision(request("", "pooled"));
    ASSERT_TRUE(run(broker_->cancel(caller(), accepted.operation->id, "no longer needed")));
    work();
    EXPECT_EQ(state_of(accepted.operation->id), "cancelled");
    EXPECT_FALSE(resource(before.id).pooled);
    EXPECT_NE(state_of(before.id), "ready");
    EXPECT_FALSE(out_there_[before.id]) << "nobody has it: it must not stay behind";
}

// broker.h: "The tenant's password, for the owner only".
TEST_F(FoundFaultsTest, AnAdministratorOfAnotherOrganizationIsNotShownThePassword) {
    const Resource mine = ready();
    EXPECT_FALSE(run(broker_->password(caller("operators", Role::administrator), mine)));
}

}  // namespace
}  // namespace slipway::broker_test
