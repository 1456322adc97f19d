// Which backups stay: as many, and as long, as their plans say.
#include "ops/retention.h"

#include <gmock/gmock.h>

#include "ops/ops_test_support.h"

namespace slipway::ops_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionTest : public OpsTest {
  protected:
    struct Made {
        std::string id;
        std::string source = "res_a";
        std::string plan = "standard";
        json::object parameters = {{"keep", 2}};
        Duration age = {};
        ResourceState state = resource_state::Ready{};
    };
    void put(const Made& wanted) {
        Resource backup;
        backup.id = ResourceId(wanted.id);
        backup.name = backup.external_name = wanted.id;
        backup.kind = Kind::backup;
        backup.engine = "postgres";
        backup.plan = wanted.plan;
        backup.provider = "dummy";
        backup.organization = OrganizationId("acme");
        backup.parameters = wanted.parameters;
        if (!wanted.source.empty()) backup.own_parameters = {{"source", wanted.source}};
        backup.created_at = now() - wanted.age;
        backup.state = wanted.state;
        Commit change;
        change.writes.emplace_back(write::PutResource{std::move(backup)});
        commit(std::move(change));
    }
    std::vector<std::string> leaving() {
        ResourceFilter filter;
        filter.state = "deprovisioning";
        std::vector<std::string> ids;
        for (const Resource& each : memory_.snapshot().resources(filter, {"", 1000}).items) {
            ids.push_back(each.id.str());
        }
        std::ranges::sort(ids);
        return ids;
    }

    BackupRetention retention_{{store_, timeline_.clock(), random_}, {}};
};

TEST_F(RetentionTest, TheNewestOfEachDatabaseAndPlanStay) {
    put({.id = "res_1", .age = 4h});
    put({.id = "res_2", .age = 1h});
    put({.id = "res_3", .age = 3h});
    put({.id = "res_4", .age = 2h});
    put({.id = "res_5", .source = "res_b", .age = 9h});
    put({.id = "res_6", .plan = "weekly", .age = 9h});
    EXPECT_EQ(run(retention_.pass()), 2U);
    EXPECT_THAT(leaving(), ElementsAre("res_1", "res_3"));
    EXPECT_EQ(run(retention_.pass()), 0U) << "what is going is asked for once";
}

TEST_F(RetentionTest, OnlyThoseThatAreWholeCount) {
    put({.id = "res_1", .age = 3h});
    put({.id = "res_2", .age = 2h});
    put({.id = "res_3", .age = 1h, .state = resource_state::Provisioning{OperationId("op_1")}});
    put({.id = "res_4", .age = 1h, .state = resource_state::Failed{"no"}});
    EXPECT_EQ(run(retention_.pass()), 0U);
    EXPECT_THAT(leaving(), IsEmpty());
}

TEST_F(RetentionTest, TheNewestSaysHowManyStay) {
    put({.id = "res_1", .parameters = {{"keep", 5}}, .age = 3h});
    put({.id = "res_2", .parameters = {{"keep", 5}}, .age = 2h});
    put({.id = "res_3", .parameters = {{"keep", 1}}, .age = 1h});
    EXPECT_EQ(run(retention_.pass()), 2U);
    EXPECT_THAT(leaving(), ElementsAre("res_1", "res_2"));
}

TEST_F(RetentionTest, WhatIsOlderThanItsPlanSaysGoesHoweverFewThereAre) {
    const json::object parameters{{"keep", 7}, {"max_age_seconds", 7200}};
    put({.id = "res_1", .parameters = parameters, .age = 3h});
    put({.id = "res_2", .parameters = parameters, .age = 1h});
    put({.id = "res_3", .source = "", .parameters = parameters, .age = 3h});
    put({.id = "res_4", .source = "", .parameters = {{"keep", 1}}, .age = 3h});
    put({.id = "res_5", .source = "", .parameters = {{"keep", 1}}, .age = 3h});
    EXPECT_EQ(run(retention_.pass()), 2U);
    EXPECT_THAT(leaving(), ElementsAre("res_1", "res_3")) << "of what is of no database none is counted";
}

TEST_F(RetentionTest, ItIsSaidWhyAndByWhom) {
    put({.id = "res_1", .parameters = {{"keep", 1}}, .age = 2h});
    put({.id = "res_2", .parameters = {{"keep", 1}}, .age = 1h});
    ASSERT_EQ(run(retention_.pass()), 1U);
    OperationFilter removals;
    removals.kind = OperationKind::deprovision;
    const auto asked = memory_.snapshot().operations(removals, {}).items;
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].actor, "retention");
    EXPECT_EQ(asked[0].resource, ResourceId("res_1"));
    EXPECT_THAT(event_types(ResourceId("res_1")), ElementsAre("resource.delete_requested"));
}

TEST_F(RetentionTest, AFailureToReadIsNoAnswer) {
    store_.fail_reads = 1;
    EXPECT_EQ(run(retention_.pass()).error().code, ErrorCode::storage);
}

}  // namespace
}  // namespace slipway::ops_test
