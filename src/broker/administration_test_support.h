// What tests of an administrator's use cases share: three organizations and the administration beside the broker.
#pragma once

#include "broker/administration.h"
#include "broker/broker_test_support.h"

namespace slipway::broker_test {

class AdministeredTest : public BrokerTest {
  protected:
    AdministeredTest() {
        make({});
        for (const char* id : {"acme", "other", "operators"}) {
            Commit commit;
            commit.writes.emplace_back(write::PutOrganization{{OrganizationId(id), id, clock_.now()}});
            EXPECT_TRUE(run(memory_.commit(std::move(commit))));
        }
    }
    void make(AdministrationOptions options) {
        administration_ = std::make_unique<Administration>(
            Administration::Parts{store_, catalog_, sealer_, clock_, random_}, options);
    }
    static CallContext operators() { return caller("operators", Role::administrator); }
    static ErrorCode code_of(const auto& result) { return result ? ErrorCode::internal : result.error().code; }

    std::unique_ptr<Administration> administration_;
};

}  // namespace slipway::broker_test
