#include "store_conformance.h"

// Preconditions, writes and every obstacle: what is taken, what is refused, and that refusals leave no trace.
namespace slipway::conformance {
namespace {

TEST_P(StoreConformance, StoresWhatWasWrittenWithVersionsCountedFromOne) {
    const Resource resource = sample_resource(1);
    const auto committed = must(accept(resource, sample_operation(1, resource)));
    ASSERT_EQ(committed.resources.size(), 1U);
    ASSERT_EQ(committed.operations.size(), 1U);
    EXPECT_EQ(committed.resources[0].version, 1U);
    EXPECT_EQ(committed.operations[0].version, 1U);
    EXPECT_EQ(committed.last_event, 1U);
    EXPECT_EQ(stored(resource.id).version, 1U);
    EXPECT_EQ(stored(resource.id).parameters, resource.parameters);
    EXPECT_EQ(stored(operation_id(1)).token, "token-1");
    EXPECT_EQ(put(stored(resource.id)).version, 2U);
    EXPECT_EQ(stored(resource.id).version, 2U);
}

TEST_P(StoreConformance, AnswersNothingForWhatIsNotThere) {
    EXPECT_FALSE(run(store().resource(resource_id(1))).value());
    EXPECT_FALSE(run(store().operation(operation_id(1))).value());
    EXPECT_FALSE(run(store().resource_by_external_name("local", "x")).value());
    EXPECT_FALSE(run(store().idempotency("s", "k")).value());
    EXPECT_FALSE(run(store().api_key_by_hash("h")).value());
    EXPECT_FALSE(run(store().organization(OrganizationId("acme"))).value());
    EXPECT_FALSE(run(store().setting("x")).value());
    EXPECT_TRUE(run(store().orphans()).value().empty());
    EXPECT_EQ(must({}).last_event, 0U);
}

TEST_P(StoreConformance, RefusesAResourceWhoseVersionIsNotTheStoredOne) {
    Resource resource = put(sample_resource(1));
    resource.version = 2;
    Commit stale;
    stale.writes.emplace_back(write::PutResource{resource});
    const auto rejected = refused(stale);
    EXPECT_EQ(rejected.obstacle, Obstacle::resource_changed);
    EXPECT_EQ(rejected.subject, resource.id.str());

    resource.version = 0;  // "it must not exist"
    Commit again;
    again.writes.emplace_back(write::PutResource{resource});
    EXPECT_EQ(refused(again).obstacle, Obstacle::resource_changed);

    Resource absent = sample_resource(2);
    absent.version = 1;
    Commit missing;
    missing.writes.emplace_back(write::PutResource{absent});
    EXPECT_EQ(refused(missing).obstacle, Obstacle::resource_changed);
}

TEST_P(StoreConformance, RefusesAnOperationWhoseVersionOrFenceIsNotTheStoredOne) {
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Operation operation = lease().work.at(0).operation;
    ASSERT_EQ(operation.fence, 1U);
    ASSERT_EQ(operation.version, 2U);

    Commit fenced;
    fenced.writes.emplace_back(write::PutOperation{operation, 0});
    EXPECT_EQ(refused(fenced).obstacle, Obstacle::fenced);
    fenced.writes = {write::PutOperation{operation, 2}};
    EXPECT_EQ(refused(fenced).obstacle, Obstacle::fenced);

    operation.version = 1;
    Commit stale;
    stale.writes.emplace_back(write::PutOperation{operation, 1});
    const auto rejected = refused(stale);
    EXPECT_EQ(rejected.obstacle, Obstacle::operation_changed);
    EXPECT_EQ(rejected.subject, operation.id.str());

    operation.version = 2;
    EXPECT_EQ(put(operation, 1).version, 3U);

    Commit unknown;
    unknown.writes.emplace_back(write::PutOperation{sample_operation(2, resource), 0});
    EXPECT_EQ(refused(unknown).obstacle, Obstacle::operation_changed);
}

TEST_P(StoreConformance, RefusesAnOperationOfNoResource) {
    Commit commit;
    commit.writes.emplace_back(write::PutOperation{sample_operation(1, sample_resource(1)), std::nullopt});
    const auto rejected = refused(commit);
    EXPECT_EQ(rejected.obstacle, Obstacle::resource_changed);
    EXPECT_EQ(rejected.subject, resource_id(1).str());
}

TEST_P(StoreConformance, TakesAnOperationThatStandsBeforeItsNewResource) {
    const Resource resource = sample_resource(1);
    Commit commit;
    commit.writes.emplace_back(write::PutOperation{sample_operation(1, resource), std::nullopt});
    commit.writes.emplace_back(write::PutResource{resource});
    must(commit);
    EXPECT_EQ(stored(operation_id(1)).resource, resource.id);
}

TEST_P(StoreConformance, KeepsExternalNamesUniqueWithinAProviderForEver) {
    Resource gone = sample_resource(1);
    gone.state = resource_state::Gone{kStart};
    put(gone);
    Commit asks;
    asks.preconditions.emplace_back(precondition::ExternalNameFree{"local", gone.external_name});
    EXPECT_EQ(refused(asks).obstacle, Obstacle::external_name_taken);

    Resource thief = sample_resource(2);
    thief.external_name = gone.external_name;
    Commit takes;
    takes.writes.emplace_back(write::PutResource{thief});
    EXPECT_EQ(refused(takes).obstacle, Obstacle::external_name_taken) << "even where nobody asked before";

    thief.provider = "aws";
    asks.preconditions = {precondition::ExternalNameFree{"aws", gone.external_name}};
    must(asks);
    put(thief);
    EXPECT_EQ(run(store().resource_by_external_name("local", gone.external_name)).value()->id, gone.id);
    EXPECT_EQ(run(store().resource_by_external_name("aws", gone.external_name)).value()->id, thief.id);
}

TEST_P(StoreConformance, NamesTheFirstPreconditionThatFails) {
    const Resource resource = put(sample_resource(1));
    Commit commit;
    commit.preconditions.emplace_back(precondition::ResourceUnchanged{resource.id, 1});
    commit.preconditions.emplace_back(precondition::LiveResourcesBelow{resource.organization, 1});
    commit.preconditions.emplace_back(precondition::ExternalNameFree{"local", resource.external_name});
    commit.writes.emplace_back(write::PutResource{sample_resource(2)});
    commit.events.push_back(sample_event(resource));
    const auto rejected = refused(commit);
    EXPECT_EQ(rejected.obstacle, Obstacle::quota_reached);
    EXPECT_EQ(rejected.subject, "acme");
}

TEST_P(StoreConformance, CountsLiveResourcesOfAnOrganizationThroughEveryChange) {
    const auto below = [&](const std::string& organization, std::uint64_t limit) {
        Commit commit;
        commit.preconditions.emplace_back(precondition::LiveResourcesBelow{OrganizationId(organization), limit});
        auto answer = run(store().commit(commit));
        return std::holds_alternative<Committed>(answer.value());
    };
    EXPECT_FALSE(below("acme", 0));
    EXPECT_TRUE(below("acme", 1));
    Resource first = put(sample_resource(1));
    Resource second = put(sample_resource(2));
    EXPECT_FALSE(below("acme", 2));
    EXPECT_TRUE(below("acme", 3));
    first.state = resource_state::Failed{"no"};
    first = put(first);
    EXPECT_TRUE(below("acme", 2)) << "failed ones do not count";
    first.state = resource_state::Deprovisioning{operation_id(9)};
    first = put(first);
    EXPECT_FALSE(below("acme", 2)) << "it counts again";
    first.state = resource_state::Gone{kStart};
    put(first);
    second.organization = OrganizationId("other");  // as a claim does
    put(second);
    EXPECT_TRUE(below("acme", 1));
    EXPECT_FALSE(below("other", 1));
}

TEST_P(StoreConformance, CountsAPoolByWhatIsThereOrComing) {
    const auto pool_below = [&](std::uint32_t limit) {
        Commit commit;
        commit.preconditions.emplace_back(precondition::PoolBelow{Kind::cache, "redis", "small", limit});
        const auto answer = run(store().commit(commit)).value();
        if (const auto* rejected = std::get_if<Rejected>(&answer)) {
            EXPECT_EQ(rejected->obstacle, Obstacle::pool_full);
        }
        return std::holds_alternative<Committed>(answer);
    };
    std::vector<Resource> pooled;
    for (int i = 1; i <= 5; ++i) {
        Resource resource = sample_resource(i, "system");
        resource.pooled = true;
        pooled.push_back(put(resource));
    }
    Resource other = sample_resource(6);
    other.pooled = true;
    other.plan = "large";
    put(other);
    EXPECT_FALSE(pool_below(5));
    EXPECT_TRUE(pool_below(6));
    pooled[0].state = resource_state::Ready{{"redis", "localhost", 1}, {}};
    pooled[1].state = resource_state::Failed{"no"};
    pooled[2].pooled = false;
    for (int i = 0; i < 3; ++i) pooled[static_cast<std::size_t>(i)] = put(pooled[static_cast<std::size_t>(i)]);
    EXPECT_FALSE(pool_below(3));
    EXPECT_TRUE(pool_below(4));

    const auto levels = run(store().pool_levels()).value();
    ASSERT_EQ(levels.size(), 2U);
    EXPECT_EQ(levels[0].plan, "large");
    EXPECT_EQ(levels[1].plan, "small");
    EXPECT_EQ(levels[1].ready, 1U);
    EXPECT_EQ(levels[1].coming, 2U);
}

TEST_P(StoreConformance, OffersTheOldestReadyPooledResourceAndSkips) {
    for (const int i : {3, 1, 2}) {
        Resource resource = sample_resource(i, "system");
        resource.pooled = true;
        resource.state = resource_state::Ready{{"redis", "localhost", static_cast<std::uint16_t>(i)}, {}};
        put(resource);
    }
    Resource coming = sample_resource(0, "system");
    coming.pooled = true;
    put(coming);
    const auto offer = [&](std::uint32_t skip) {
        const auto found = run(store().claimable(Kind::cache, "redis", "small", skip)).value();
        return found ? found->id.str() : std::string();
    };
    EXPECT_EQ(offer(0), resource_id(1).str());
    EXPECT_EQ(offer(1), resource_id(2).str());
    EXPECT_EQ(offer(2), resource_id(3).str());
    EXPECT_EQ(offer(3), "");
    Resource claimed = stored(resource_id(1));
    claimed.pooled = false;
    put(claimed);
    EXPECT_EQ(offer(0), resource_id(2).str());
    EXPECT_FALSE(run(store().claimable(Kind::database, "redis", "small", 0)).value());
}

TEST_P(StoreConformance, RefusesWhenAResourceThatWasOnlyReadHasChanged) {
    const Resource resource = put(sample_resource(1));
    Commit commit;
    commit.preconditions.emplace_back(precondition::ResourceUnchanged{resource.id, 1});
    must(commit);
    put(resource);
    EXPECT_EQ(refused(commit).obstacle, Obstacle::resource_changed);
    commit.preconditions = {precondition::ResourceUnchanged{resource_id(2), 1}};
    EXPECT_EQ(refused(commit).obstacle, Obstacle::resource_changed);
}

TEST_P(StoreConformance, GivesAnIdempotencyKeyOnceUntilItExpires) {
    IdempotencyRecord record{"acme/native", "key", "hash", resource_id(1), operation_id(1), kStart + 1h};
    Commit commit;
    commit.preconditions.emplace_back(precondition::IdempotencyKeyFree{record.scope, record.key});
    commit.writes.emplace_back(write::PutIdempotency{record});
    must(commit);
    EXPECT_EQ(refused(commit).obstacle, Obstacle::idempotency_key_used);
    EXPECT_EQ(run(store().idempotency(record.scope, record.key)).value()->request_hash, "hash");
    EXPECT_FALSE(run(store().idempotency("acme/redis", record.key)).value());
    clock.advance(1h);
    EXPECT_FALSE(run(store().idempotency(record.scope, record.key)).value()) << "over at that instant";
    record.expires_at = clock.now() + 1h;
    commit.writes = {write::PutIdempotency{record}};
    must(commit);
    EXPECT_EQ(refused(commit).obstacle, Obstacle::idempotency_key_used);
}

TEST_P(StoreConformance, RejectedCommitWritesNothingOfItsGoodParts) {
    const Resource resource = put(sample_resource(1));
    Commit commit;
    commit.writes.emplace_back(write::PutResource{sample_resource(2)});
    commit.writes.emplace_back(write::PutOperation{sample_operation(2, sample_resource(2)), std::nullopt});
    commit.writes.emplace_back(write::PutIdempotency{{"s", "k", "h", resource.id, operation_id(2), kStart + 1h}});
    commit.writes.emplace_back(write::PutSetting{"setting", "value"});
    commit.writes.emplace_back(write::PutOrganization{{OrganizationId("new"), "New", kStart}});
    commit.writes.emplace_back(write::PutResource{sample_resource(1)});  // exists
    commit.events.push_back(sample_event(resource));
    EXPECT_EQ(refused(commit).obstacle, Obstacle::resource_changed);
    EXPECT_FALSE(run(store().idempotency("s", "k")).value());
    EXPECT_FALSE(run(store().setting("setting")).value());
    EXPECT_FALSE(run(store().organization(OrganizationId("new"))).value());
    Commit event;
    event.events.push_back(sample_event(resource));
    EXPECT_EQ(must(event).last_event, 1U) << "and no number was used up";
}

TEST_P(StoreConformance, RefusesCommitsThatNoStoreCouldTake) {
    const Resource resource = sample_resource(1);
    Commit twice;
    twice.writes.emplace_back(write::PutResource{resource});
    twice.writes.emplace_back(write::PutResource{resource});
    EXPECT_EQ(invalid(twice).code, ErrorCode::invalid_argument);

    Commit nameless;
    nameless.writes.emplace_back(write::PutResource{Resource()});
    EXPECT_EQ(invalid(nameless).code, ErrorCode::invalid_argument);

    Resource second = sample_resource(2);
    second.external_name = resource.external_name;
    Commit same_name;
    same_name.writes.emplace_back(write::PutResource{resource});
    same_name.writes.emplace_back(write::PutResource{second});
    EXPECT_EQ(invalid(same_name).code, ErrorCode::invalid_argument);

    Resource renamed = put(resource);
    renamed.external_name = "other";
    Commit rename;
    rename.writes.emplace_back(write::PutResource{renamed});
    EXPECT_EQ(invalid(rename).code, ErrorCode::invalid_argument);

    Commit lonely;
    lonely.allocations.push_back({"local/port", "port", 1, 9, resource.id, false, {}});
    EXPECT_EQ(invalid(lonely).code, ErrorCode::invalid_argument);

    Operation waits = sample_operation(1, resource);
    waits.blocked_by = waits.id;
    Commit loop;
    loop.writes.emplace_back(write::PutOperation{waits, std::nullopt});
    EXPECT_EQ(invalid(loop).code, ErrorCode::invalid_argument);

    Commit odd;
    odd.writes.emplace_back(write::PutOrphan{{"local", "x", "strange", "", {}, 0, kStart, kStart, {}}});
    EXPECT_EQ(invalid(odd).code, ErrorCode::invalid_argument);
}

TEST_P(StoreConformance, KeepsOrganizationsKeysOrphansAndSettings) {
    Commit commit;
    commit.writes.emplace_back(write::PutOrganization{{OrganizationId("acme"), "Acme", kStart}});
    ApiKey key{ApiKeyId("key_1"), "hash-1", OrganizationId("acme"), Role::administrator, "first", kStart, {}};
    commit.writes.emplace_back(write::PutApiKey{key});
    commit.writes.emplace_back(write::PutSetting{"installation", "one"});
    Orphan orphan{"local", "b", "lost", "found", resource_id(7), 3, kStart, kStart, {}};
    commit.writes.emplace_back(write::PutOrphan{orphan});
    orphan.external_name = "a";
    commit.writes.emplace_back(write::PutOrphan{orphan});
    must(commit);
    EXPECT_EQ(run(store().organization(OrganizationId("acme"))).value()->title, "Acme");
    auto found = run(store().api_key_by_hash("hash-1")).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->role, Role::administrator);
    EXPECT_FALSE(found->revoked_at);
    EXPECT_EQ(run(store().setting("installation")).value(), "one");
    ASSERT_EQ(run(store().orphans()).value().size(), 2U);
    EXPECT_EQ(run(store().orphans()).value()[0].external_name, "a");

    key.revoked_at = kStart + 1h;
    key.hash = "hash-2";
    orphan.last_seen = orphan.removed_at.emplace(kStart + 2h);
    Commit change;
    change.writes = {write::PutApiKey{key}, write::PutSetting{"installation", "two"}, write::PutOrphan{orphan},
                     write::DropOrphan{"local", "b"}, write::DropOrphan{"local", "unknown"}};
    must(change);
    EXPECT_FALSE(run(store().api_key_by_hash("hash-1")).value());
    EXPECT_EQ(run(store().api_key_by_hash("hash-2")).value()->revoked_at, kStart + 1h);
    EXPECT_EQ(run(store().setting("installation")).value(), "two");
    const auto orphans = run(store().orphans()).value();
    ASSERT_EQ(orphans.size(), 1U);
    EXPECT_EQ(orphans[0].removed_at, kStart + 2h);
    EXPECT_EQ(orphans[0].generation, 3U);

    key.id = ApiKeyId("key_2");
    Commit same_hash;
    same_hash.writes.emplace_back(write::PutApiKey{key});
    EXPECT_EQ(invalid(same_hash).code, ErrorCode::conflict);
}

TEST_P(StoreConformance, TellsItsListenerWhatChangedAndWhetherThereIsWork) {
    std::vector<CommitNotice> notices;
    std::mutex mutex;
    store().listen([&](const CommitNotice& notice) {
        const std::scoped_lock lock(mutex);
        notices.push_back(notice);
    });
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Commit stale;
    stale.writes.emplace_back(write::PutResource{resource});
    refused(stale);
    lease();
    store().listen(nullptr);
    put(stored(resource.id));
    const std::scoped_lock lock(mutex);
    ASSERT_EQ(notices.size(), 2U) << "one for the commit, one for the lease, none for the rejected one";
    EXPECT_EQ(notices[0].resources, std::vector{resource.id});
    EXPECT_EQ(notices[0].operations, std::vector{operation_id(1)});
    EXPECT_TRUE(notices[0].work);
    EXPECT_FALSE(notices[1].work);
}

}  // namespace
}  // namespace slipway::conformance
