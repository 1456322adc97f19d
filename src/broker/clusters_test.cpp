#include "broker/clusters.h"

#include "broker/placement_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class ClustersTest : public PlacedTest {
  protected:
    ClustersTest() { clusters_ = std::make_unique<Clusters>(Clusters::Parts{store_, *broker_, clock_, random_}); }

    Cluster blue() {
        auto made = run(clusters_->create(caller(), kAcme, "blue"));
        EXPECT_TRUE(made) << made.error().message;
        return *made;
    }
    static ClusterDatabaseRequest wish(std::string key = "") {
        ClusterDatabaseRequest request;
        request.face = "harbourmaster";
        request.engine = "postgres";
        request.plan = "small";
        request.idempotency_key = std::move(key);
        return request;
    }
    Result<ClusterDatabase> create(ClusterDatabaseRequest request = wish(), CallContext as = caller()) {
        clock_.advance(1s);
        return run(clusters_->create_database(std::move(as), kAcme, "blue", std::move(request)));
    }
    Result<ClusterDatabase> find() { return run(clusters_->find_database(caller(), kAcme, "blue")); }
    Result<ClusterDatabase> remove() { return run(clusters_->remove_database(caller(), kAcme, "blue")); }

    // It is at the provider, which could not take it away.
    Resource failed_with_remnants() {
        auto made = create(wish("first"));
        EXPECT_TRUE(made) << made.error().message;
        work();
        Resource failed = resource(made->database->id);
        failed.state = resource_state::Failed{"it broke"};
        failed.remnants = {failed.external_name + " at provider dummy"};
        Commit commit;
        commit.writes.emplace_back(write::PutResource{failed});
        EXPECT_TRUE(run(memory_.commit(std::move(commit))));
        return resource(failed.id);
    }

    std::unique_ptr<Clusters> clusters_;
};

TEST_F(ClustersTest, OneIsMadeWithASlugShownListedAndRemoved) {
    const Cluster made = blue();
    EXPECT_THAT(made.slug, MatchesRegex("cluster-[0-9]{10}"));
    EXPECT_EQ(made.version, 1U);
    EXPECT_EQ(run(clusters_->show(caller(), kAcme, "blue")).value(), made);
    ASSERT_TRUE(run(clusters_->create(caller(), kAcme, "green")));
    const auto page = run(clusters_->list(caller(), kAcme, {"", 1}));
    ASSERT_EQ(page->items.size(), 1U);
    EXPECT_EQ(page->items[0], made);
    EXPECT_EQ(page->next, "blue");
    ASSERT_TRUE(run(clusters_->remove(caller(), kAcme, "blue")));
    EXPECT_EQ(code_of(run(clusters_->show(caller(), kAcme, "blue"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->remove(caller(), kAcme, "blue"))), ErrorCode::not_found);
}

TEST_F(ClustersTest, ANameIsCheckedAndTakenOnce) {
    for (const char* bad : {"", "Blue", "-blue", "blue-", "b_lue"}) {
        const auto refused = run(clusters_->create(caller(), kAcme, bad));
        ASSERT_EQ(code_of(refused), ErrorCode::invalid_argument) << bad;
        EXPECT_EQ(refused.error().problems[0].field, "name");
    }
    (void)blue();
    EXPECT_EQ(code_of(run(clusters_->create(caller(), kAcme, "blue"))), ErrorCode::conflict);
    EXPECT_TRUE(run(clusters_->create(caller("other"), OrganizationId("other"), "blue")));
}

TEST_F(ClustersTest, WhatIsAnotherOrganizationsDoesNotExist) {
    (void)blue();
    ASSERT_TRUE(create());
    const auto stranger = [] { return caller("other"); };
    EXPECT_EQ(code_of(run(clusters_->show(stranger(), kAcme, "blue"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->list(stranger(), kAcme, {}))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->create(stranger(), kAcme, "red"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->remove(stranger(), kAcme, "blue"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->create_database(stranger(), kAcme, "blue", wish()))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->find_database(stranger(), kAcme, "blue"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->remove_database(stranger(), kAcme, "blue"))), ErrorCode::not_found);
    const CallContext everywhere = caller("other", Role::administrator);
    EXPECT_TRUE(run(clusters_->show(everywhere, kAcme, "blue")));
    EXPECT_EQ(code_of(run(clusters_->list(everywhere, OrganizationId("nobody"), {}))), ErrorCode::not_found);
    EXPECT_EQ(code_of(run(clusters_->list(everywhere, OrganizationId(kSystemOrganization), {}))),
              ErrorCode::not_found);
}

TEST_F(ClustersTest, AReaderOnlyReads) {
    (void)blue();
    ASSERT_TRUE(create());
    const auto reader = [] { return caller("acme", Role::reader); };
    EXPECT_TRUE(run(clusters_->find_database(reader(), kAcme, "blue")));
    EXPECT_EQ(code_of(run(clusters_->create(reader(), kAcme, "red"))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(clusters_->remove(reader(), kAcme, "blue"))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(clusters_->create_database(reader(), kAcme, "blue", wish()))), ErrorCode::forbidden);
    EXPECT_EQ(code_of(run(clusters_->remove_database(reader(), kAcme, "blue"))), ErrorCode::forbidden);
}

TEST_F(ClustersTest, ItsDatabaseIsCalledAfterTheSlugAndLivesOnASharedServer) {
    const Cluster cluster = blue();
    EXPECT_EQ(code_of(find()), ErrorCode::not_found) << "there was never one";
    const auto made = create();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(made->created);
    EXPECT_EQ(json::get_string(made->database->parameters, "database"), cluster.slug);
    EXPECT_EQ(json::get_string(made->database->parameters, "user"), "hephy-" + cluster.slug);
    EXPECT_EQ(made->database->parameters.at("connections"), 20) << "as its plan says";
    EXPECT_EQ(made->database->organization, kAcme);
    EXPECT_EQ(made->database->billing_code, "acme");
    EXPECT_EQ(made->server->name, "hephy-instance-0000001");
    ASSERT_TRUE(made->operation);
    EXPECT_EQ(state_of(made->operation->id), "queued");
    EXPECT_EQ(made->cluster.version, 2U);
    EXPECT_EQ(run(clusters_->show(caller(), kAcme, "blue")).value(), made->cluster);
    const auto again = create();
    EXPECT_FALSE(again->created);
    EXPECT_EQ(again->database->id, made->database->id);
    work();
    const auto ready = find();
    EXPECT_EQ(state_of(ready->database->id), "ready");
    EXPECT_FALSE(ready->operation) << "nothing is at work on it";
    EXPECT_FALSE(ready->created);
}

TEST_F(ClustersTest, OfTwoThatAskAtOnceOneMakesItAndBothAreTold) {
    (void)blue();
    Result<ClusterDatabase> other;
    store_.before_commit = [&]() -> Task<void> {
        other = co_await clusters_->create_database(caller(), kAcme, "blue", wish());
    };
    const auto late = create();
    ASSERT_TRUE(late && other) << late.error().message;
    EXPECT_TRUE(other->created);
    EXPECT_FALSE(late->created);
    EXPECT_EQ(late->database->id, other->database->id);
    EXPECT_EQ(loads(), std::vector<std::uint64_t>{1});
}

TEST_F(ClustersTest, AClusterThatIsRemovedMeanwhileHasNoDatabaseMade) {
    (void)blue();
    store_.before_commit = [this]() -> Task<void> { (void)co_await clusters_->remove(caller(), kAcme, "blue"); };
    EXPECT_EQ(code_of(create()), ErrorCode::not_found);
    EXPECT_EQ(resources(), 0U);
}

TEST_F(ClustersTest, ARemovedOneIsAnsweredAsItIsAndTheNextIsAnother) {
    (void)blue();
    const ResourceId first = create()->database->id;
    work();
    EXPECT_EQ(code_of(run(clusters_->remove(caller(), kAcme, "blue"))), ErrorCode::conflict) << "it lives";
    const auto removing = remove();
    EXPECT_EQ(state_of(removing->database->id), "deprovisioning");
    ASSERT_TRUE(removing->operation);
    EXPECT_EQ(remove()->operation->id, removing->operation->id);
    EXPECT_EQ(create()->database->id, first) << "it lives until it is gone";
    work();
    EXPECT_EQ(state_of(find()->database->id), "gone");
    EXPECT_TRUE(find()->server);
    const auto gone = remove();
    ASSERT_TRUE(gone);
    EXPECT_FALSE(gone->operation);
    const auto next = create();
    EXPECT_TRUE(next->created);
    EXPECT_NE(next->database->id, first);
    EXPECT_EQ(json::get_string(next->database->parameters, "database"), next->cluster.slug);
}

TEST_F(ClustersTest, AFailedOneIsFollowedByAnotherAndKeepsNoClusterAlive) {
    (void)blue();
    const auto made = create();
    ASSERT_TRUE(run(broker_->cancel(caller(), made->operation->id, "no")));
    EXPECT_EQ(state_of(made->database->id), "failed");
    const auto next = create();
    EXPECT_TRUE(next->created);
    EXPECT_NE(next->database->id, made->database->id);
    ASSERT_TRUE(run(broker_->cancel(caller(), next->operation->id, "no")));
    EXPECT_TRUE(run(clusters_->remove(caller(), kAcme, "blue")));
}

// The row was read again after the commit: who asked was told whatever a worker had done by then.
TEST_F(ClustersTest, TheAnswerIsWhatWasAcceptedHoweverFastTheWorkerIs) {
    store_.after_commit = [this] { work(); };
    for (int i = 0; i < 8; ++i) {
        const std::string name = fmt::format("c{}", i);
        ASSERT_TRUE(run(clusters_->create(caller(), kAcme, name)));
        const auto made = run(clusters_->create_database(caller(), kAcme, name, wish()));
        ASSERT_TRUE(made) << made.error().message;
        EXPECT_TRUE(std::holds_alternative<resource_state::Requested>(made->database->state));
        EXPECT_TRUE(std::holds_alternative<operation_state::Queued>(made->operation->state));
        EXPECT_TRUE(made->server);
        EXPECT_EQ(run(clusters_->show(caller(), kAcme, name)).value(), made->cluster);
        ASSERT_EQ(state_of(made->database->id), "ready") << "by the time of the answer";
        const auto removed = run(clusters_->remove_database(caller(), kAcme, name));
        ASSERT_TRUE(removed) << removed.error().message;
        EXPECT_TRUE(std::holds_alternative<resource_state::Deprovisioning>(removed->database->state));
        EXPECT_TRUE(std::holds_alternative<operation_state::Queued>(removed->operation->state));
        ASSERT_EQ(state_of(made->database->id), "gone");
    }
}

// The next one has the names of the former: it failed for ever at what that had left behind.
TEST_F(ClustersTest, WhatAFailedOneLeftIsRemovedFirstAndTheNextOneWaitsForThat) {
    (void)blue();
    const Resource failed = failed_with_remnants();
    const auto next = create();
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_TRUE(next->created);
    EXPECT_NE(next->database->id, failed.id);
    const Resource going = resource(failed.id);
    ASSERT_EQ(state_of(failed.id), "deprovisioning");
    const OperationId removal = active_operation(going.state);
    EXPECT_EQ(operation(next->operation->id).blocked_by, removal);
    EXPECT_EQ(create()->database->id, next->database->id);
    work();
    EXPECT_EQ(state_of(failed.id), "gone");
    EXPECT_TRUE(resource(failed.id).remnants.empty());
    EXPECT_EQ(state_of(next->database->id), "ready");
    EXPECT_FALSE(out_there_[failed.id]) << "nothing is left behind";
}

TEST_F(ClustersTest, ARepeatedKeyIsAnsweredWithTheFailedOneAndRemovesNothing) {
    (void)blue();
    const Resource failed = failed_with_remnants();
    const auto again = create(wish("first"));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_FALSE(again->created);
    EXPECT_EQ(again->database->id, failed.id);
    EXPECT_EQ(state_of(failed.id), "failed");
}

TEST_F(ClustersTest, OfTwoThatAskForTheNextOneOneRemovesWhatWasLeft) {
    (void)blue();
    const Resource failed = failed_with_remnants();
    Result<ClusterDatabase> other;
    store_.before_commit = [&]() -> Task<void> {
        other = co_await clusters_->create_database(caller(), kAcme, "blue", wish());
    };
    const auto late = create();
    ASSERT_TRUE(late && other) << late.error().message;
    EXPECT_TRUE(other->created);
    EXPECT_FALSE(late->created);
    EXPECT_EQ(late->database->id, other->database->id);
    work();
    EXPECT_EQ(state_of(failed.id), "gone");
    EXPECT_EQ(state_of(late->database->id), "ready");
}

// Its owner deletes it in the middle of that: it is looked at again, and lives until it is gone.
TEST_F(ClustersTest, OneThatIsDeletedMeanwhileIsAnsweredAsItIs) {
    (void)blue();
    const Resource failed = failed_with_remnants();
    store_.before_commit = [&]() -> Task<void> { (void)co_await broker_->deprovision(caller(), failed.id); };
    const auto answer = create();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_FALSE(answer->created);
    EXPECT_EQ(answer->database->id, failed.id);
    EXPECT_EQ(state_of(failed.id), "deprovisioning");
    work();
    EXPECT_TRUE(create()->created);
}

TEST_F(ClustersTest, ARepeatedKeyOfAClusterIsAnsweredWithThatCluster) {
    const auto make = [&](const std::string& name, const std::string& key) {
        return run(clusters_->create(caller(), kAcme, name, key));
    };
    const auto made = make("blue", "k1");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(make("blue", "k1").value(), *made);
    EXPECT_EQ(code_of(make("green", "k1")), ErrorCode::idempotency_reuse);
    EXPECT_EQ(code_of(make("blue", "k2")), ErrorCode::conflict) << "another request: the name is taken";
    EXPECT_EQ(code_of(make("green", "a key")), ErrorCode::invalid_argument);
    ASSERT_TRUE(run(clusters_->remove(caller(), kAcme, "blue")));
    EXPECT_EQ(code_of(make("blue", "k1")), ErrorCode::conflict) << "it is not made a second time";
    ASSERT_TRUE(make("blue", "k3"));
    EXPECT_EQ(code_of(make("blue", "k1")), ErrorCode::conflict) << "that is another one of the same name";
    clock_.advance(25h);
    EXPECT_TRUE(make("green", "k1")) << "forgotten after a day";
}

TEST_F(ClustersTest, OfTwoWithOneKeyAtOnceBothAreToldOfOneCluster) {
    Result<Cluster> other;
    store_.before_commit = [&]() -> Task<void> {
        other = co_await clusters_->create(caller(), kAcme, "blue", "k1");
    };
    const auto late = run(clusters_->create(caller(), kAcme, "blue", "k1"));
    ASSERT_TRUE(late && other) << late.error().message;
    EXPECT_EQ(late->slug, other->slug);
}

TEST_F(ClustersTest, ARepeatedKeyIsAnsweredWithWhatItMade) {
    (void)blue();
    const auto made = create(wish("k1"));
    work();
    ASSERT_TRUE(remove());
    work();
    const auto again = create(wish("k1"));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_FALSE(again->created);
    EXPECT_EQ(again->database->id, made->database->id);
    EXPECT_EQ(run(clusters_->show(caller(), kAcme, "blue"))->version, 2U);
}

TEST_F(ClustersTest, OnlyAdministratorsNameAServerAndOnlyOneThatTakesDatabases) {
    (void)blue();
    const Resource first = resource(placed().resource.placed_on);
    ClusterDatabaseRequest named = wish();
    named.server_name = first.name;
    EXPECT_EQ(code_of(create(named)), ErrorCode::forbidden);
    named.server_name = "hephy-instance-0000009";
    const auto unknown = create(named, administrator());
    EXPECT_EQ(code_of(unknown), ErrorCode::invalid_argument);
    EXPECT_EQ(unknown.error().problems[0].field, "server_name");
    named.engine = "mysql";
    named.server_name = first.name;
    EXPECT_EQ(code_of(create(named, administrator())), ErrorCode::invalid_argument) << "of another engine";
    named.engine = "postgres";
    const auto made = create(named, administrator());
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->server->id, first.id);
    ASSERT_TRUE(run(clusters_->create(caller(), kAcme, "green")));
    const auto full = run(clusters_->create_database(administrator(), kAcme, "green", named));
    EXPECT_EQ(code_of(full), ErrorCode::conflict);
    ASSERT_TRUE(run(broker_->cancel(administrator(), active_operation(first.state), "no")));
    const auto failed = run(clusters_->create_database(administrator(), kAcme, "green", named));
    EXPECT_EQ(code_of(failed), ErrorCode::invalid_argument);
    EXPECT_THAT(failed.error().message, HasSubstr("it is failed"));
}

}  // namespace
}  // namespace slipway::broker_test
