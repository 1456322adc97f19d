#include "broker/backups.h"

#include "broker/clusters.h"
#include "broker/placement_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class BackupsTest : public PlacedTest {
  protected:
    BackupsTest() {
        std::vector<Plan> plans = catalog_.plans();
        Plan standard = plan_of(Kind::backup, "standard");
        standard.parameters = {{"keep", 3}};
        standard.password = false;
        Plan weekly = standard;
        weekly.name = "weekly";
        plans.push_back(standard);
        plans.push_back(weekly);
        catalog_ = Catalog(std::move(plans));
    }
    Resource made_database() {
        const Accepted accepted = placed();
        work();
        EXPECT_EQ(state_of(accepted.resource.id), "ready");
        return resource(accepted.resource.id);
    }
    Result<Accepted> create(const Resource& database, BackupRequest request = {}, CallContext as = caller()) {
        clock_.advance(1s);
        request.face = "native";
        return run(Backups(*broker_).create(std::move(as), database.id, std::move(request)));
    }
    // Of another database.
    void put_younger(const Resource& than, int count) {
        Commit commit;
        for (int i = 0; i < count; ++i) {
            Resource young = than;
            young.id = ResourceId(fmt::format("{}-{:04}", than.id.str(), i));
            young.name = young.external_name = fmt::format("young-{}", i);
            young.own_parameters = {{"source", "res_other"}, {"source_name", "other"}, {"database", "other"}};
            young.created_at = than.created_at + std::chrono::seconds(i + 1);
            young.version = 0;
            young.allocations.clear();
            commit.writes.emplace_back(write::PutResource{std::move(young)});
        }
        const auto answer = run(memory_.commit(std::move(commit)));
        ASSERT_TRUE(answer && std::holds_alternative<Committed>(*answer));
    }
    std::vector<Resource> list(Backups::Of of = {}) {
        return run(Backups(*broker_).list(caller(), kAcme, std::move(of))).value();
    }
};

TEST_F(BackupsTest, AreResourcesThatSayWhatTheyAreOf) {
    const Resource database = made_database();
    const auto made = create(database);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->resource.kind, Kind::backup);
    EXPECT_EQ(made->resource.plan, "standard");
    EXPECT_EQ(made->resource.organization, database.organization);
    EXPECT_EQ(made->resource.billing_code, database.billing_code);
    EXPECT_EQ(json::get_int(made->resource.parameters, "keep"), 3);
    const BackupSource source = source_of(made->resource);
    EXPECT_EQ(source.database, database.id);
    EXPECT_EQ(source.name, database.name);
    EXPECT_GE(made->operation->deadline - made->operation->created_at, kBackupLimit) << "as long as its data need";
    work();
    EXPECT_EQ(state_of(made->resource.id), "ready");
    BackupRequest weekly;
    weekly.plan = "weekly";
    weekly.name = "sunday";
    const auto other = create(database, weekly);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(other->resource.plan, "weekly");
    const auto all = list();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, other->resource.id) << "the newest first";
    EXPECT_EQ(list({.database_name = "none"}).size(), 0U);
    EXPECT_EQ(list({.database = database.id}).size(), 2U);
}

// "remove the postgres and its data" would be read as the end of the server that others share.
TEST_F(BackupsTest, ADryRunOfARemovalSpeaksOfTheBackup) {
    const auto made = create(made_database());
    work();
    const auto preview = run(broker_->preview_deprovision(caller(), made->resource.id));
    ASSERT_TRUE(preview && preview->allowed);
    EXPECT_EQ(preview->steps.at(0).what, "remove the backup");
}

TEST_F(BackupsTest, ADryRunTellsWhatABackupTakesAndChangesNothing) {
    const Resource database = made_database();
    Backups backups(*broker_);
    const auto try_it = [&](BackupRequest wanted = {}, CallContext as = caller()) {
        wanted.face = "native";
        const auto before = memory_.snapshot().last_event();
        auto preview = run(backups.preview(std::move(as), database.id, std::move(wanted)));
        EXPECT_EQ(memory_.snapshot().last_event(), before);
        return std::move(preview).value();
    };
    const Preview preview = try_it();
    ASSERT_TRUE(preview.allowed) << preview.refusal->message;
    ASSERT_EQ(preview.steps.size(), 2U);
    EXPECT_EQ(preview.steps[0].what, "dump the database");
    EXPECT_EQ(preview.steps[1].what, "check that the backup is whole");
    EXPECT_EQ(preview.quotas.at(0).after, preview.quotas.at(0).used + 1);
    EXPECT_FALSE(preview.expected);
    ASSERT_TRUE(create(database));
    work();
    EXPECT_TRUE(try_it().expected) << "one was made before";
    BackupRequest none;
    none.plan = "none";
    EXPECT_EQ(try_it(none).refusal->code, ErrorCode::invalid_argument);
    EXPECT_EQ(try_it({}, caller("acme", Role::reader)).refusal->code, ErrorCode::forbidden);
}

// A restored database is told from an empty one, before it is made and for ever after.
TEST_F(BackupsTest, ADatabaseSaysFromWhichBackupItWasFilled) {
    const Resource source = made_database();
    BackupRequest nightly;
    nightly.name = "nightly";
    const auto made = create(source, nightly);
    work();
    const Resource backup = resource(made->resource.id);
    ProvisionRequest wanted = database();
    fill_from(backup, wanted);
    const std::string origin = fmt::format("it is filled from backup nightly of {}, taken at {}", source.name,
                                           format_time(backup.created_at));
    const auto preview = run(broker_->preview_provision(caller(), wanted));
    ASSERT_TRUE(preview && preview->allowed);
    EXPECT_EQ(preview->steps.at(0).what, "create the database on hephy-instance-0000001; " + origin);
    EXPECT_FALSE(preview->expected) << "it takes as long as its data need, whatever empty ones took";
    const Accepted filled = placed(wanted);
    const auto events = memory_.snapshot().events(0, filled.resource.id, 10);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events[0].body.type, "resource.requested");
    EXPECT_THAT(events[0].body.message, HasSubstr("; " + origin));
}

TEST_F(BackupsTest, OnlyDatabasesThatAreReadyHaveThem) {
    const Accepted coming = placed();
    EXPECT_EQ(code_of(create(coming.resource)), ErrorCode::conflict);
    work();
    const Resource server = resource(resource(coming.resource.id).placed_on);
    EXPECT_EQ(code_of(create(server, {}, administrator())), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(create(coming.resource, {}, caller("other"))), ErrorCode::not_found);
    EXPECT_EQ(code_of(create(coming.resource, {}, caller("acme", Role::reader))), ErrorCode::forbidden);
    BackupRequest none;
    none.plan = "none";
    EXPECT_EQ(code_of(create(coming.resource, none)), ErrorCode::invalid_argument);
}

TEST_F(BackupsTest, WhatIsToBeRestoredIsReadyAndOfTheSameOrganization) {
    const Resource database = made_database();
    const auto made = create(database);
    ASSERT_TRUE(made);
    const auto find = [&](CallContext as, const char* organization) {
        return run(
            Backups(*broker_).to_restore(std::move(as), OrganizationId(organization), made->resource.id.str()));
    };
    const auto early = find(caller(), "acme");
    EXPECT_EQ(code_of(early), ErrorCode::invalid_argument);
    EXPECT_THAT(early.error().message, HasSubstr("requested"));
    work();
    EXPECT_TRUE(find(caller(), "acme"));
    EXPECT_EQ(code_of(find(caller("other"), "other")), ErrorCode::invalid_argument) << "it has none of that name";
    EXPECT_EQ(code_of(find(caller("other"), "acme")), ErrorCode::not_found);
    EXPECT_TRUE(find(caller("other", Role::administrator), "acme"));
}

// It was looked for among the 1,000 newest of its organization: an older one could be neither shown nor restored.
TEST_F(BackupsTest, TheOldestIsFoundHoweverManyAreYounger) {
    const Resource database = made_database();
    BackupRequest named;
    named.name = "first";
    const auto made = create(database, named);
    ASSERT_TRUE(made) << made.error().message;
    work();
    const Resource oldest = resource(made->resource.id);
    put_younger(oldest, 1001);
    ASSERT_EQ(list().size(), 1000U) << "what a list answers has an end";
    Backups backups(*broker_);
    for (const std::string& name : {oldest.id.str(), oldest.name, oldest.external_name}) {
        const auto found = run(backups.find(caller(), kAcme, name));
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->id, oldest.id) << name;
        EXPECT_TRUE(run(backups.find_of(caller(), kAcme, source_of(oldest).database_name, name))) << name;
        EXPECT_TRUE(run(backups.to_restore(caller(), kAcme, name))) << name;
        EXPECT_EQ(code_of(run(backups.find(caller("other"), kAcme, name))), ErrorCode::not_found) << name;
        EXPECT_EQ(code_of(run(backups.find(caller("other"), OrganizationId("other"), name))), ErrorCode::not_found);
        EXPECT_TRUE(run(backups.find(caller("other", Role::administrator), kAcme, name))) << name;
    }
    EXPECT_EQ(code_of(run(backups.find(caller(), kAcme, database.name))), ErrorCode::not_found) << "no backup";
    ASSERT_TRUE(run(broker_->deprovision(caller(), oldest.id)));
    EXPECT_EQ(code_of(run(backups.find(caller(), kAcme, oldest.id.str()))), ErrorCode::not_found) << "it is going";
}

TEST_F(BackupsTest, AClusterIsFilledOnceAndNeverOverWhatItHas) {
    Clusters clusters(Clusters::Parts{store_, *broker_, clock_, random_});
    ASSERT_TRUE(run(clusters.create(caller(), kAcme, "blue")));
    const Resource database = made_database();
    const auto made = create(database);
    work();
    ClusterDatabaseRequest wish;
    wish.face = "harbourmaster";
    wish.engine = "postgres";
    wish.plan = "small";
    wish.restore_from = resource(made->resource.id);
    const auto filled = run(clusters.create_database(caller(), kAcme, "blue", wish));
    ASSERT_TRUE(filled) << filled.error().message;
    EXPECT_TRUE(filled->created);
    EXPECT_EQ(json::get_string(filled->database->parameters, "restore_from"), made->resource.id.str());
    EXPECT_EQ(json::get_string(filled->database->parameters, "restore_file"), made->resource.external_name);
    EXPECT_GE(filled->operation->deadline - filled->operation->created_at, kBackupLimit);
    const auto again = run(clusters.create_database(caller(), kAcme, "blue", wish));
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->created) << "the same request";
    wish.restore_from->id = ResourceId("res_other");
    EXPECT_EQ(code_of(run(clusters.create_database(caller(), kAcme, "blue", wish))), ErrorCode::conflict);
}

}  // namespace
}  // namespace slipway::broker_test
