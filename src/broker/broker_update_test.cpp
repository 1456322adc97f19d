// Changes of a resource: at once where nobody has to be told, by an operation where the provider has to.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class UpdateTest : public BrokerTest {
  protected:
    Result<Accepted> change(const ResourceId& id, UpdateRequest wanted, CallContext as = caller()) {
        return run(broker_->update(std::move(as), id, std::move(wanted)));
    }
    Error refusal(const ResourceId& id, UpdateRequest wanted, CallContext as = caller()) {
        auto answer = change(id, std::move(wanted), std::move(as));
        EXPECT_FALSE(answer);
        return answer ? Error{} : answer.error();
    }
    std::vector<std::string> types_of(const ResourceId& id) {
        std::vector<std::string> types;
        for (const Event& event : *run(broker_->timeline(caller("operators", Role::administrator), id, 0, 1000))) {
            types.push_back(event.body.type);
        }
        return types;
    }
    static UpdateRequest to_plan(std::string plan) {
        UpdateRequest wanted;
        wanted.plan = std::move(plan);
        return wanted;
    }
    static UpdateRequest called(std::string name) {
        UpdateRequest wanted;
        wanted.name = std::move(name);
        return wanted;
    }
};

TEST_F(UpdateTest, LabelsNameAndBillingCodeChangeAtOnceInOneCommit) {
    ProvisionRequest wanted = request();
    wanted.labels = {{"team", "a"}, {"old", "1"}};
    const Resource before = ready(wanted);
    UpdateRequest asked = called("sessions");
    asked.billing_code = "team-b";
    asked.labels = {{"team", "b"}, {"new", "1"}, {"old", std::nullopt}, {"never-there", std::nullopt}};
    const auto changed = change(before.id, asked);
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_FALSE(changed->operation);
    const Resource after = resource(before.id);
    EXPECT_EQ(changed->resource.version, after.version);
    EXPECT_EQ(after.version, before.version + 1);
    EXPECT_EQ(after.name, "sessions");
    EXPECT_EQ(after.external_name, before.external_name);
    EXPECT_EQ(after.billing_code, "team-b");
    EXPECT_EQ(after.labels, (std::map<std::string, std::string>{{"team", "b"}, {"new", "1"}}));
    EXPECT_EQ(types_of(before.id).back(), "resource.changed");
    EXPECT_EQ(run(broker_->find_named(caller(), "sessions"))->id, before.id);
}

TEST_F(UpdateTest, WhatIsAsWantedAlreadyIsWrittenNowhere) {
    const Resource before = ready();
    UpdateRequest same = called(before.name);
    same.plan = before.plan;
    same.billing_code = before.billing_code;
    const auto changed = change(before.id, same);
    ASSERT_TRUE(changed);
    EXPECT_EQ(resource(before.id).version, before.version);
    EXPECT_EQ(memory_.snapshot().last_event(), types_of(before.id).size());
}

TEST_F(UpdateTest, AnotherPlanIsToldToTheProvider) {
    const Resource before = ready();
    const auto accepted = change(before.id, to_plan("large"));
    ASSERT_TRUE(accepted) << accepted.error().message;
    ASSERT_TRUE(accepted->operation);
    EXPECT_EQ(accepted->operation->kind, OperationKind::update);
    EXPECT_EQ(state_of(before.id), "updating");
    work();
    const Resource after = resource(before.id);
    EXPECT_EQ(state_of(after.id), "ready");
    EXPECT_EQ(after.plan, "large");
    EXPECT_EQ(after.parameters, (json::object{{"maxmemory", 1024}}));
    EXPECT_FALSE(after.former);
    EXPECT_EQ(password_of(after), password_of(before));
    EXPECT_THAT(types_of(before.id), Contains("resource.update_requested"));
}

TEST_F(UpdateTest, AChangeThatFailsGoesBackToTheFormerPlan) {
    const Resource before = ready();
    update_error_ = ProviderError{ErrorClass::permanent, "there is not so much memory", "", "", {}};
    const auto accepted = change(before.id, to_plan("large"));
    ASSERT_TRUE(accepted);
    work();
    EXPECT_EQ(state_of(accepted->operation->id), "failed");
    EXPECT_EQ(resource(before.id).plan, "small");
    EXPECT_EQ(resource(before.id).parameters, before.parameters);
    EXPECT_EQ(state_of(before.id), "ready");
}

TEST_F(UpdateTest, APlanThatDoesNotFitIsRefusedWithTheReason) {
    const Resource before = ready();
    EXPECT_THAT(refusal(before.id, to_plan("huge")).message, HasSubstr("plan is unknown; one of:"));
    EXPECT_THAT(refusal(before.id, to_plan("elsewhere")).message, HasSubstr("elsewhere is of cloud"));
    EXPECT_THAT(refusal(before.id, to_plan("open")).message, HasSubstr("must be one with a password"));
    directory_.available = false;
    EXPECT_EQ(refusal(before.id, to_plan("large")).code, ErrorCode::unavailable);
    EXPECT_EQ(resource(before.id).version, before.version);
}

TEST_F(UpdateTest, ItHasToBeReadyForAnotherPlanButNotForAnotherName) {
    const Accepted asked = provision();
    EXPECT_EQ(refusal(asked.resource.id, to_plan("large")).code, ErrorCode::conflict);
    EXPECT_TRUE(change(asked.resource.id, called("soon")));
    work();
    ASSERT_TRUE(change(asked.resource.id, to_plan("large")));
    EXPECT_EQ(refusal(asked.resource.id, to_plan("small")).code, ErrorCode::conflict) << "one change at a time";
}

TEST_F(UpdateTest, AVersionThatIsNotThePresentOneIsRefused) {
    const Resource before = ready();
    UpdateRequest wanted = called("sessions");
    wanted.if_version = before.version - 1;
    EXPECT_EQ(refusal(before.id, wanted).code, ErrorCode::precondition_failed);
    wanted.if_version = before.version;
    ASSERT_TRUE(change(before.id, wanted));
    wanted.name = "other";
    EXPECT_EQ(refusal(before.id, wanted).code, ErrorCode::precondition_failed);
}

// The version is looked at again after a lost race: the other's change must not be overwritten.
TEST_F(UpdateTest, AVersionHoldsAgainstWhoCameBetween) {
    const Resource before = ready();
    UpdateRequest wanted = called("mine");
    wanted.if_version = before.version;
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await broker_->update(caller(), before.id, called("theirs")));
    };
    EXPECT_EQ(refusal(before.id, wanted).code, ErrorCode::precondition_failed);
    EXPECT_EQ(resource(before.id).name, "theirs");
}

TEST_F(UpdateTest, TwoChangesAtOnceAreBothKept) {
    const Resource before = ready();
    UpdateRequest labels;
    labels.labels = {{"a", "1"}};
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await broker_->update(caller(), before.id, called("theirs")));
    };
    ASSERT_TRUE(change(before.id, labels));
    EXPECT_EQ(resource(before.id).name, "theirs");
    EXPECT_EQ(resource(before.id).labels.size(), 1U);
}

TEST_F(UpdateTest, OfTwoWhoWantOneNameOneGetsIt) {
    const Resource first = ready();
    const Resource second = ready();
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await broker_->update(caller(), second.id, called("sessions")));
    };
    const Error taken = refusal(first.id, called("sessions"));
    EXPECT_EQ(taken.code, ErrorCode::conflict);
    EXPECT_THAT(taken.message, HasSubstr("the name sessions is taken"));
    EXPECT_EQ(resource(second.id).name, "sessions");
    EXPECT_EQ(resource(first.id).name, first.name);
}

TEST_F(UpdateTest, BadFieldsAreAllNamed) {
    const Resource before = ready();
    UpdateRequest wanted = called("Not A Name");
    wanted.plan = "huge";
    wanted.billing_code = "";
    wanted.labels = {{"line", "a\nb"}};
    const Error error = refusal(before.id, wanted);
    std::vector<std::string> fields;
    for (const FieldProblem& problem : error.problems) fields.push_back(problem.field);
    EXPECT_THAT(fields, ::testing::UnorderedElementsAre("name", "billing_code", "labels.line", "plan"));
    EXPECT_EQ(refusal(before.id, called("oct-deadbeef")).problems.at(0).field, "name");
    EXPECT_EQ(resource(before.id).version, before.version);
    EXPECT_TRUE(change(before.id, called("nice")));
    EXPECT_TRUE(change(before.id, called(before.external_name))) << "its own external name it may have back";
}

TEST_F(UpdateTest, OnlyWhoMayChangeItDoes) {
    const Resource mine = ready();
    EXPECT_EQ(refusal(mine.id, called("x"), caller("other")).code, ErrorCode::not_found);
    EXPECT_EQ(refusal(mine.id, called("x"), caller("acme", Role::reader)).code, ErrorCode::forbidden);
    EXPECT_TRUE(change(mine.id, called("x"), caller("operators", Role::administrator)));
    EXPECT_EQ(refusal(pooled().id, called("y"), caller("operators", Role::administrator)).code,
              ErrorCode::conflict);
    ASSERT_TRUE(run(broker_->deprovision(caller(), mine.id)));
    work();
    EXPECT_EQ(refusal(mine.id, called("z")).code, ErrorCode::not_found);
}

TEST_F(UpdateTest, TheQuotaOfThePlanHoldsForChangesToIt) {
    const Resource first = ready();
    const Resource second = ready();
    set_quotas({quota(2), quota(1, "large")});
    ASSERT_TRUE(change(first.id, to_plan("large"))) << "in all it stays two";
    const Error full = refusal(second.id, to_plan("large"));
    EXPECT_EQ(full.code, ErrorCode::exhausted);
    EXPECT_THAT(full.message, HasSubstr("organization acme for redis/large is used up: 1 resource"));
}

}  // namespace
}  // namespace slipway::broker_test
