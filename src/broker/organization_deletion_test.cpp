// The end of an organization: what is in its way, who loses a race against it, and what is told afterwards.
#include "broker/administration_test_support.h"
#include "broker/clusters.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class OrganizationDeletionTest : public AdministeredTest {
  protected:
    OrganizationDeletionTest() {
        clusters_ = std::make_unique<Clusters>(Clusters::Parts{store_, *broker_, clock_, random_});
    }
    Result<OrganizationView> remove(const OrganizationId& id = kAcme, CallContext as = operators()) {
        return run(administration_->delete_organization(std::move(as), id));
    }
    void fail_one(const ResourceId& id) {
        Resource failed = resource(id);
        failed.state = resource_state::Failed{"the disk is full"};
        Commit commit;
        commit.writes.emplace_back(write::PutResource{failed});
        ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    }
    IssuedKey key_of_acme() {
        NewKey wanted;
        wanted.organization = kAcme;
        return run(administration_->create_key(operators(), wanted)).value();
    }
    std::unique_ptr<Clusters> clusters_;
};

TEST_F(OrganizationDeletionTest, ItEndsItsKeysAndIsDeletedOnce) {
    const IssuedKey key = key_of_acme();
    const Caller who = run(broker_->authenticate(key.key)).value();
    const auto deleted = remove();
    ASSERT_TRUE(deleted) << deleted.error().message;
    EXPECT_EQ(deleted->organization.deleted_at, clock_.now());
    EXPECT_EQ(code_of(run(broker_->authenticate(key.key))), ErrorCode::unauthenticated);
    EXPECT_EQ(run(broker_->still_valid(who)), false);
    const TimePoint then = clock_.now();
    clock_.advance(1s);
    EXPECT_EQ(remove()->organization.deleted_at, then) << "again: answered as it is";
    EXPECT_EQ(run(administration_->organization(operators(), kAcme))->organization.deleted_at, then);
    EXPECT_EQ(run(administration_->organizations(operators(), {}))->items.size(), 2U);
    const auto taken = run(administration_->create_organization(operators(), {kAcme, "", ""}));
    ASSERT_EQ(code_of(taken), ErrorCode::conflict);
    EXPECT_THAT(taken.error().message, HasSubstr("was used before"));
    EXPECT_EQ(taken.error().problems.at(0), (FieldProblem{"id", "was used before"}));
}

TEST_F(OrganizationDeletionTest, WhatIsInTheWayIsCounted) {
    ready();
    ready();
    const Resource failed = ready();
    fail_one(failed.id);
    ASSERT_TRUE(run(clusters_->create(operators(), kAcme, "blue")));
    const auto refused = remove();
    ASSERT_EQ(code_of(refused), ErrorCode::conflict);
    EXPECT_EQ(refused.error().message,
              "organization acme has 2 resources, 1 resource that failed, 1 cluster; remove them first");
    const auto& problems = refused.error().problems;
    ASSERT_EQ(problems.size(), 3U);
    EXPECT_EQ(problems[0], (FieldProblem{"resources", "must be removed first: 2"}));
    EXPECT_EQ(problems[1].field, "failed_resources");
    EXPECT_EQ(problems[2], (FieldProblem{"clusters", "must be removed first: 1"}));
    EXPECT_FALSE(memory_.snapshot().organization(kAcme)->deleted_at);
}

TEST_F(OrganizationDeletionTest, SomeAreNeverDeleted) {
    for (const char* id : {kSystemOrganization, kAnonymousOrganization, kDefaultOrganization, "operators"}) {
        const auto refused = remove(OrganizationId(id));
        EXPECT_EQ(code_of(refused), ErrorCode::conflict) << id;
        EXPECT_THAT(refused.error().message, HasSubstr("cannot be deleted")) << id;
    }
    EXPECT_EQ(code_of(remove(OrganizationId("nobody"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(remove(kAcme, caller("other"))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(remove(kAcme, caller())), ErrorCode::forbidden);
}

TEST_F(OrganizationDeletionTest, TheLastAdministratorStays) {
    NewKey wanted;
    wanted.organization = kAcme;
    wanted.role = Role::administrator;
    ASSERT_TRUE(run(administration_->create_key(operators(), wanted)));
    const auto refused = remove();
    ASSERT_EQ(code_of(refused), ErrorCode::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("last key of an administrator"));
    wanted.organization = OrganizationId("other");
    ASSERT_TRUE(run(administration_->create_key(operators(), wanted)));
    EXPECT_TRUE(remove());
}

// Whatever takes an organization knows no deleted one.
TEST_F(OrganizationDeletionTest, NothingIsGivenToOneThatIsDeleted) {
    ASSERT_TRUE(remove());
    NewKey key;
    key.organization = kAcme;
    EXPECT_EQ(code_of(run(administration_->create_key(operators(), key))), ErrorCode::not_found);
    NewWebhook hook;
    hook.url = "https://example.org/x";
    hook.organization = kAcme;
    EXPECT_EQ(code_of(run(administration_->create_webhook(operators(), hook))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(administration_->set_quotas(operators(), kAcme, {quota(5)}))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->create(operators(), kAcme, "blue"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->list(operators(), kAcme, {}))), ErrorCode::not_found);
    ProvisionRequest wanted = request();
    wanted.organization = kAcme;
    EXPECT_EQ(code_of(run(broker_->provision(operators(), wanted))), ErrorCode::not_found);
    AdoptRequest adoption;
    adoption.organization = kAcme;
    EXPECT_EQ(code_of(run(broker_->adopt(operators(), adoption))), ErrorCode::not_found);
}

// Each of these had passed every look when the deletion came: what the store says as it writes is what counts.
TEST_F(OrganizationDeletionTest, AResourceThatComesTooLateIsRefused) {
    store_.before_commit = [&]() -> Task<void> {
        EXPECT_TRUE(co_await administration_->delete_organization(operators(), kAcme));
    };
    EXPECT_EQ(code_of(run(broker_->provision(caller(), request()))), ErrorCode::not_found);
    EXPECT_EQ(resources(), 0U);
}

TEST_F(OrganizationDeletionTest, AClusterThatComesTooLateIsRefused) {
    store_.before_commit = [&]() -> Task<void> {
        EXPECT_TRUE(co_await administration_->delete_organization(operators(), kAcme));
    };
    EXPECT_EQ(code_of(run(clusters_->create(caller(), kAcme, "blue"))), ErrorCode::not_found);
}

TEST_F(OrganizationDeletionTest, AKeyThatComesTooLateIsRefused) {
    store_.before_commit = [&]() -> Task<void> {
        EXPECT_TRUE(co_await administration_->delete_organization(operators(), kAcme));
    };
    EXPECT_EQ(code_of(run(administration_->create_key(caller(), {}))), ErrorCode::not_found);
}

TEST_F(OrganizationDeletionTest, AWebhookThatComesTooLateIsRefused) {
    store_.before_commit = [&]() -> Task<void> {
        EXPECT_TRUE(co_await administration_->delete_organization(operators(), kAcme));
    };
    NewWebhook hook;
    hook.url = "https://example.org/x";
    EXPECT_EQ(code_of(run(administration_->create_webhook(caller(), hook))), ErrorCode::not_found);
}

TEST_F(OrganizationDeletionTest, QuotasThatComeTooLateAreRefused) {
    store_.before_commit = [&]() -> Task<void> {
        EXPECT_TRUE(co_await administration_->delete_organization(operators(), kAcme));
    };
    EXPECT_EQ(code_of(run(administration_->set_quotas(operators(), kAcme, {quota(5)}))), ErrorCode::not_found);
}

TEST_F(OrganizationDeletionTest, OneThatIsGivenSomethingMeanwhileIsKept) {
    store_.before_commit = [&]() -> Task<void> { EXPECT_TRUE(co_await broker_->provision(caller(), request())); };
    const auto refused = remove();
    ASSERT_EQ(code_of(refused), ErrorCode::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("has 1 resource; remove"));
    EXPECT_FALSE(memory_.snapshot().organization(kAcme)->deleted_at);
}

TEST_F(OrganizationDeletionTest, WhatHappenedAndWasUsedStaysToBeRead) {
    const Resource used = ready();
    clock_.advance(1h);
    ASSERT_TRUE(run(broker_->deprovision(caller(), used.id)));
    work();
    ASSERT_TRUE(remove());
    UsageFilter filter;
    filter.organization = kAcme;
    filter.from = clock_.now() - 2h;
    filter.to = clock_.now() + 1h;
    const auto usage = run(administration_->usage(operators(), filter)).value();
    ASSERT_EQ(usage.size(), 1U);
    EXPECT_GE(usage[0].row.time, Duration(1h));
    EventFilter events;
    events.organization = kAcme;
    const auto feed = run(broker_->events(operators(), events, 0, 1000)).value().items;
    ASSERT_FALSE(feed.empty());
    EXPECT_EQ(feed.back().body.type, "organization.deleted");
    EXPECT_EQ(feed.front().body.resource, used.id);
    EXPECT_TRUE(run(broker_->find(operators(), used.id)));
}

TEST_F(OrganizationDeletionTest, ARequestThatMadeItIsNotAnsweredAsIfItWereThere) {
    const NewOrganization wanted{OrganizationId("brief"), "", "once"};
    ASSERT_TRUE(run(administration_->create_organization(operators(), wanted)));
    ASSERT_TRUE(run(administration_->create_organization(operators(), wanted)));
    ASSERT_TRUE(remove(OrganizationId("brief")));
    const auto again = run(administration_->create_organization(operators(), wanted));
    ASSERT_EQ(code_of(again), ErrorCode::conflict);
    EXPECT_THAT(again.error().message, HasSubstr("was deleted since"));
}

}  // namespace
}  // namespace slipway::broker_test
