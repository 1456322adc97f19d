#include <atomic>
#include <barrier>
#include <thread>

#include <fmt/format.h>

#include "store_conformance.h"

// The end of an organization: what is in its way, what ends with it, and that nothing slips in beside it.
namespace slipway::conformance {
namespace {

ApiKey key(const std::string& id, const std::string& organization, Role role = Role::user) {
    return {ApiKeyId(id), "hash of " + id, OrganizationId(organization), role, "", kStart, std::nullopt};
}
Webhook webhook(const std::string& id, const std::string& organization) {
    Webhook made;
    made.id = WebhookId(id);
    made.organization = OrganizationId(organization);
    made.url = "https://example.org/" + id;
    return made;
}
Cluster cluster(const std::string& organization) {
    return {OrganizationId(organization), "shop", "cluster-" + organization, {}, kStart, 0};
}
Quota quota(const std::string& organization) { return {OrganizationId(organization), std::nullopt, "", "", 7}; }

Commit deleting(const OrganizationId& id = kAcme) { return writing(write::DeleteOrganization{id, kStart + 5s}); }

class StoreOrganization : public StoreConformance {
  protected:
    void SetUp() override {
        StoreConformance::SetUp();
        for (const char* id : {"acme", "other"}) {
            must(writing(write::PutOrganization{{OrganizationId(id), id, kStart}}));
        }
        must(writing(write::PutApiKey{key("key_root", "other", Role::administrator)}));
    }
    bool deleted(const OrganizationId& id = kAcme) {
        const auto found = run(store().organization(id)).value();
        return found && found->deleted_at.has_value();
    }
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreOrganization, ::testing::Values(memory_backend(), sqlite_backend()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StoreOrganization, ItsKeysQuotasAndWebhooksEndWithItAndNobodyElses) {
    for (const char* id : {"acme", "other"}) {
        must(writing(write::PutApiKey{key(fmt::format("key_{}", id), id)}));
        must(writing(write::PutQuota{quota(id)}));
        must(writing(write::PutWebhook{webhook(fmt::format("whk_{}", id), id)}));
    }
    must(writing(write::PutWebhook{webhook("whk_all", "")}));
    ApiKey before = key("key_before", "acme");
    before.revoked_at = kStart + 1s;
    must(writing(write::PutApiKey{before}));
    // Read once, so that what keeps keys at hand has them.
    ASSERT_FALSE(run(store().api_key_by_hash("hash of key_acme")).value()->revoked_at);

    must(deleting());
    EXPECT_EQ(run(store().organization(kAcme)).value()->deleted_at, kStart + 5s);
    EXPECT_EQ(run(store().api_key_by_hash("hash of key_acme")).value()->revoked_at, kStart + 5s);
    EXPECT_EQ(run(store().api_key(ApiKeyId("key_acme"))).value()->revoked_at, kStart + 5s);
    EXPECT_EQ(run(store().api_key(ApiKeyId("key_before"))).value()->revoked_at, kStart + 1s) << "it was before";
    EXPECT_FALSE(run(store().api_key(ApiKeyId("key_other"))).value()->revoked_at);
    EXPECT_TRUE(run(store().quotas(kAcme)).value().empty());
    EXPECT_EQ(run(store().quotas(OrganizationId("other"))).value().size(), 1U);
    std::vector<std::string> left;
    for (const Webhook& each : run(store().webhooks()).value()) left.push_back(each.id.str());
    EXPECT_EQ(left, (std::vector<std::string>{"whk_all", "whk_other"}));
    const auto listed = run(store().organizations({"", 10})).value().items;
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0].id, OrganizationId("other"));
}

TEST_P(StoreOrganization, WhatIsNotGoneIsInTheWay) {
    const std::vector<ResourceState> in_the_way{resource_state::Requested{operation_id(1)},
                                                resource_state::Provisioning{operation_id(1)},
                                                resource_state::Ready{{"redis", "h", 1}, {}},
                                                resource_state::Updating{operation_id(1), {"redis", "h", 1}},
                                                resource_state::Deprovisioning{operation_id(1)},
                                                resource_state::Failed{"no"}};
    Resource resource = sample_resource(1);
    for (const ResourceState& state : in_the_way) {
        resource.state = state;
        resource = put(resource);
        const Rejected no = refused(deleting());
        EXPECT_EQ(no.obstacle, Obstacle::organization_used) << state_name(state);
        EXPECT_EQ(no.subject, "acme");
    }
    resource.state = resource_state::Gone{kStart};
    resource = put(resource);
    must(writing(write::PutCluster{cluster("acme")}));
    must(writing(write::PutCluster{cluster("other")}));
    EXPECT_EQ(refused(deleting()).obstacle, Obstacle::organization_used);
    Cluster stored = cluster("acme");
    stored.version = 1;
    must(writing(write::DropCluster{stored}));
    Commit trial = deleting();
    trial.trial = true;
    must(trial);
    EXPECT_FALSE(deleted());
    must(deleting());
    EXPECT_TRUE(deleted());
    put(resource);  // what is gone may still be written
}

TEST_P(StoreOrganization, WhatIsDeletedIsGivenNothingAndStaysDeleted) {
    must(deleting());
    Resource claimed = sample_resource(1, "system");
    claimed.pooled = true;
    claimed = put(claimed);
    claimed.organization = kAcme;
    const std::vector<Write> gifts{
        write::PutResource{sample_resource(2)},           write::PutResource{claimed},
        write::PutApiKey{key("key_new", "acme")},         write::PutQuota{quota("acme")},
        write::PutWebhook{webhook("whk_new", "acme")},    write::PutCluster{cluster("acme")},
        write::PutOrganization{{kAcme, "again", kStart}}, write::DeleteOrganization{kAcme, kStart}};
    for (const Write& gift : gifts) {
        const Rejected no = refused(writing(gift));
        EXPECT_EQ(no.obstacle, Obstacle::organization_gone) << gift.index();
        EXPECT_EQ(no.subject, "acme");
    }
    Commit anew = writing(write::PutOrganization{{kAcme, "again", kStart}});
    anew.preconditions.emplace_back(precondition::OrganizationFree{kAcme});
    EXPECT_EQ(refused(anew).obstacle, Obstacle::organization_taken);
    must(writing(write::DropQuota{quota("acme")}));
    Commit told;
    told.events.push_back(sample_event(sample_resource(2)));
    must(told);
}

TEST_P(StoreOrganization, OnlyOneThatIsThereIsDeleted) {
    EXPECT_EQ(refused(deleting(OrganizationId("nobody"))).obstacle, Obstacle::organization_gone);
    EXPECT_EQ(invalid(deleting(OrganizationId())).code, ErrorCode::invalid_argument);
    Commit twice = deleting();
    twice.writes.push_back(twice.writes[0]);
    EXPECT_EQ(invalid(twice).code, ErrorCode::invalid_argument);
    for (const Write& gift :
         {Write(write::PutQuota{quota("acme")}), Write(write::PutResource{sample_resource(1)})}) {
        Commit both = deleting();
        both.writes.push_back(gift);
        EXPECT_EQ(invalid(both).code, ErrorCode::invalid_argument);
    }
    EXPECT_EQ(invalid(writing(write::PutOrganization{{OrganizationId("x"), "", kStart, kStart}})).code,
              ErrorCode::invalid_argument);
}

TEST_P(StoreOrganization, AnAdministratorWhoseKeyDoesNotExpireStays) {
    must(writing(write::PutApiKey{key("key_acme", "acme", Role::administrator)}));
    ApiKey root = key("key_root", "other", Role::administrator);
    root.expires_at = kStart + 1h;
    must(writing(write::PutApiKey{root}));
    const Rejected no = refused(deleting());
    EXPECT_EQ(no.obstacle, Obstacle::last_administrator);
    EXPECT_EQ(no.subject, "acme");
    root.expires_at = std::nullopt;
    must(writing(write::PutApiKey{root}));
    must(deleting());
}

TEST_P(StoreOrganization, WhatComesAtTheSameTimeIsEitherInTheWayOrTooLate) {
    constexpr int kThreads = 4;
    for (int round = 0; round < 20; ++round) {
        const OrganizationId id(fmt::format("org-r{}", round));
        must(writing(write::PutOrganization{{id, "", kStart}}));
        std::atomic<bool> gone = false;
        std::atomic<int> given = 0;
        std::barrier begin(kThreads);
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < kThreads; ++i) {
                threads.emplace_back([&, i] {
                    Commit commit = deleting(id);
                    if (i > 0) commit = writing(write::PutResource{sample_resource(round * 10 + i, id.str())});
                    begin.arrive_and_wait();
                    const auto answer = run(store().commit(commit));
                    const bool taken = std::holds_alternative<Committed>(answer.value());
                    if (i == 0) gone = taken;
                    if (i > 0 && taken) ++given;
                });
            }
        }
        EXPECT_TRUE(gone ? given == 0 : given > 0) << "deleted " << gone << ", and given " << given;
        EXPECT_EQ(deleted(id), gone);
    }
}

}  // namespace
}  // namespace slipway::conformance
