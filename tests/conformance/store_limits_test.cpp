#include <atomic>
#include <thread>

#include <boost/asio/thread_pool.hpp>

#include "store_conformance.h"

// What is refused because there is enough of it, or because it is somebody's already: quotas, names, organizations,
// the last administrator; and commits that are only tried.
namespace slipway::conformance {
namespace {

Commit with(Precondition precondition) {
    Commit commit;
    commit.preconditions.push_back(std::move(precondition));
    return commit;
}

precondition::PlanResourcesBelow below(std::uint64_t limit, std::string plan = "small") {
    return {OrganizationId("acme"), Kind::cache, "redis", std::move(plan), limit};
}

TEST_P(StoreConformance, PlanResourcesBelowCountsOnePlanOfOneOrganization) {
    for (int i = 0; i < 3; ++i) put(sample_resource(i));
    Resource large = sample_resource(10);
    large.plan = "large";
    put(large);
    put(sample_resource(11, "globex"));
    must(with(below(4)));
    const Rejected rejected = refused(with(below(3)));
    EXPECT_EQ(rejected.obstacle, Obstacle::quota_reached);
    EXPECT_EQ(rejected.subject, "acme/redis/small");
    must(with(below(2, "large")));
    EXPECT_EQ(refused(with(below(1, "large"))).subject, "acme/redis/large");
    must(with(below(1, "huge")));
    EXPECT_EQ(refused(with(below(0, "huge"))).obstacle, Obstacle::quota_reached) << "0: none may be made";
    must(with(precondition::PlanResourcesBelow{OrganizationId("acme"), Kind::machine, "redis", "small", 1}));

    Resource failed = stored(resource_id(1));
    failed.state = resource_state::Failed{"why"};
    put(failed);
    must(with(below(3)));
    EXPECT_EQ(refused(with(precondition::LiveResourcesBelow{OrganizationId("acme"), 3})).subject, "acme")
        << "all plans together";
    must(with(precondition::LiveResourcesBelow{OrganizationId("acme"), 4}));
}

TEST_P(StoreConformance, NameFreeMeansThatNothingOfTheOrganizationThatIsThereHasIt) {
    const precondition::NameFree free{OrganizationId("acme"), "cache 1"};
    must(with(free));
    Resource resource = put(sample_resource(1));
    const Rejected rejected = refused(with(free));
    EXPECT_EQ(rejected.obstacle, Obstacle::name_taken);
    EXPECT_EQ(rejected.subject, "cache 1");
    must(with(precondition::NameFree{OrganizationId("globex"), "cache 1"}));
    must(with(precondition::NameFree{OrganizationId("acme"), "cache 2"}));

    resource.state = resource_state::Failed{"why"};
    resource = put(resource);
    EXPECT_EQ(refused(with(free)).obstacle, Obstacle::name_taken) << "a failed one still holds its name";
    resource.name = "cache 2";
    resource = put(resource);
    must(with(free));
    EXPECT_EQ(refused(with(precondition::NameFree{OrganizationId("acme"), "cache 2"})).subject, "cache 2");
    resource.state = resource_state::Gone{kStart};
    put(resource);
    must(with(precondition::NameFree{OrganizationId("acme"), "cache 2"}));
}

// Who is given no name has the external one: it is taken as well.
TEST_P(StoreConformance, NameFreeKnowsNamesThatAreExternalOnes) {
    Resource unnamed = sample_resource(1);
    unnamed.name = unnamed.external_name;
    unnamed = put(unnamed);
    const precondition::NameFree free{OrganizationId("acme"), unnamed.external_name};
    EXPECT_EQ(refused(with(free)).obstacle, Obstacle::name_taken);
    must(with(precondition::NameFree{OrganizationId("globex"), unnamed.external_name}));
    unnamed.name = "web";
    unnamed = put(unnamed);
    must(with(free));
    EXPECT_EQ(refused(with(precondition::NameFree{OrganizationId("acme"), "web"})).obstacle, Obstacle::name_taken);
    Resource other = sample_resource(2);
    other.name = unnamed.external_name;  // another's external name, as a name
    other = put(other);
    EXPECT_EQ(refused(with(free)).obstacle, Obstacle::name_taken);
    other.state = resource_state::Gone{kStart};
    put(other);
    must(with(free));
}

TEST_P(StoreConformance, OrganizationFreeAndTheLastAdministrator) {
    const OrganizationId acme("acme");
    must(with(precondition::OrganizationFree{acme}));
    Commit make;
    make.writes.emplace_back(write::PutOrganization{{acme, "Acme", kStart}});
    must(make);
    const Rejected taken = refused(with(precondition::OrganizationFree{acme}));
    EXPECT_EQ(taken.obstacle, Obstacle::organization_taken);
    EXPECT_EQ(taken.subject, "acme");

    const auto put_key = [&](const std::string& id, Role role, bool revoked, bool expires) {
        ApiKey key{ApiKeyId(id), "hash of " + id, acme, role, "", kStart, std::nullopt};
        if (revoked) key.revoked_at = kStart;
        if (expires) key.expires_at = kStart + 1h;
        Commit commit;
        commit.writes.emplace_back(write::PutApiKey{key});
        must(commit);
    };
    const precondition::AnotherAdministrator another{ApiKeyId("key_1")};
    put_key("key_1", Role::administrator, false, false);
    put_key("key_2", Role::user, false, false);
    put_key("key_3", Role::administrator, true, false);
    put_key("key_4", Role::administrator, false, true);
    const Rejected last = refused(with(another));
    EXPECT_EQ(last.obstacle, Obstacle::last_administrator);
    EXPECT_EQ(last.subject, "key_1");
    must(with(precondition::AnotherAdministrator{ApiKeyId("key_2")}));
    put_key("key_5", Role::administrator, false, false);
    must(with(another));
}

TEST_P(StoreConformance, ATrialIsRefusedAsTheCommitWouldBeAndWritesNothing) {
    const Resource resource = sample_resource(1);
    Commit commit = accept(resource, sample_operation(1, resource));
    commit.preconditions.emplace_back(below(1));
    commit.allocations.push_back({"local/port", "port", 1, 1, resource.id, false, {}});
    commit.trial = true;
    const std::string before = dump(store());
    int notices = 0;
    store().listen([&](const CommitNotice&) { ++notices; });
    EXPECT_TRUE(must(commit).resources.empty());
    EXPECT_EQ(must(commit).last_event, 0U);
    store().listen(nullptr);
    EXPECT_EQ(notices, 0);
    EXPECT_EQ(dump(store()), before);
    EXPECT_TRUE(lease().work.empty());

    Commit real = commit;
    real.trial = false;
    EXPECT_EQ(must(real).resources.at(0).allocations.at("port"), 1) << "the trial took no number";
    EXPECT_EQ(refused(commit).obstacle, Obstacle::quota_reached);
    commit.preconditions.clear();
    EXPECT_EQ(refused(commit).obstacle, Obstacle::resource_changed);
    const Resource second = sample_resource(2);
    Commit full = accept(second, sample_operation(2, second));
    full.allocations.push_back({"local/port", "port", 1, 1, second.id, false, {}});
    full.trial = true;
    EXPECT_EQ(refused(full).obstacle, Obstacle::range_exhausted);
    Commit malformed;
    malformed.trial = true;
    malformed.writes.emplace_back(write::PutSetting{"", "v"});
    EXPECT_EQ(invalid(malformed).code, ErrorCode::invalid_argument);
}

// All of them at once, from several threads: the counts are those of the commits before, whoever made them.
template <class Make>
int accept_together(Store& store, int count, Make make) {
    boost::asio::thread_pool threads(4);
    std::atomic<int> taken = 0;
    for (int i = 0; i < count; ++i) {
        boost::asio::co_spawn(threads, store.commit(make(i)),
                              [&](const std::exception_ptr&, const Result<CommitAnswer>& answer) {
                                  if (answer && std::holds_alternative<Committed>(*answer)) ++taken;
                              });
    }
    threads.join();
    return taken;
}

TEST_P(StoreConformance, ParallelAcceptsFillAQuotaExactly) {
    const auto make = [](int i) {
        const Resource resource = sample_resource(i);
        Commit commit = accept(resource, sample_operation(i, resource));
        commit.preconditions.emplace_back(below(7));
        return commit;
    };
    EXPECT_EQ(accept_together(store(), 200, make), 7);
    EXPECT_EQ(run(store().live_counts(OrganizationId("acme")))->at(0).live, 7U);
    EXPECT_EQ(run(store().resources({}, {"", 1000}))->items.size(), 7U);
}

TEST_P(StoreConformance, ParallelAcceptsShareTheQuotaOfAllPlans) {
    const auto make = [](int i) {
        Resource resource = sample_resource(i);
        resource.plan = i % 2 == 0 ? "small" : "large";
        Commit commit = accept(resource, sample_operation(i, resource));
        commit.preconditions.emplace_back(precondition::LiveResourcesBelow{OrganizationId("acme"), 7});
        commit.preconditions.emplace_back(below(5, resource.plan));
        return commit;
    };
    EXPECT_EQ(accept_together(store(), 200, make), 7);
}

TEST_P(StoreConformance, OneOfManyParallelAcceptsGetsTheName) {
    const auto make = [](int i) {
        Resource resource = sample_resource(i);
        resource.name = fmt::format("name {}", i % 5);
        Commit commit = accept(resource, sample_operation(i, resource));
        commit.preconditions.emplace_back(precondition::NameFree{resource.organization, resource.name});
        return commit;
    };
    EXPECT_EQ(accept_together(store(), 200, make), 5);
}

TEST_P(StoreConformance, KeepsQuotasByOrganizationAndPlan) {
    const Quota all{OrganizationId("acme"), std::nullopt, "", "", 100};
    const Quota small{OrganizationId("acme"), Kind::cache, "redis", "small", 0};
    const Quota machine{OrganizationId("acme"), Kind::machine, "debian", "small", INT64_MAX};
    const Quota others{OrganizationId("globex"), std::nullopt, "", "", 1};
    Commit commit;
    for (const Quota& quota : {machine, small, all, others}) commit.writes.emplace_back(write::PutQuota{quota});
    must(commit);
    const auto quotas = [&] { return run(store().quotas(OrganizationId("acme"))).value(); };
    EXPECT_EQ(quotas(), (std::vector{all, small, machine}));

    Quota changed = small;
    changed.limit = 5;
    Commit change;
    change.writes.emplace_back(write::PutQuota{changed});
    change.writes.emplace_back(
        write::DropQuota{{all.organization, std::nullopt, "", "", 7}});  // its limit is not asked
    change.writes.emplace_back(write::DropQuota{{all.organization, Kind::cache, "redis", "huge", 0}});  // not there
    must(change);
    EXPECT_EQ(quotas(), (std::vector{changed, machine}));
    EXPECT_EQ(run(store().quotas(OrganizationId("globex"))).value(), std::vector{others});
    EXPECT_TRUE(run(store().quotas(OrganizationId("nobody")))->empty());
}

TEST_P(StoreConformance, RefusesQuotasThatSayNothing) {
    for (const Quota& bad : {
             Quota{OrganizationId(), std::nullopt, "", "", 1},
             Quota{OrganizationId("acme"), Kind::cache, "", "", 1},
             Quota{OrganizationId("acme"), Kind::cache, "redis", "", 1},
             Quota{OrganizationId("acme"), Kind::cache, "", "small", 1},
             Quota{OrganizationId("acme"), std::nullopt, "redis", "small", 1},
             Quota{OrganizationId("acme"), std::nullopt, "redis", "", 1},
             Quota{OrganizationId("acme"), std::nullopt, "", "", UINT64_MAX},
         }) {
        Commit put_it;
        put_it.writes.emplace_back(write::PutQuota{bad});
        EXPECT_EQ(invalid(put_it).code, ErrorCode::invalid_argument);
        Commit drop_it;
        drop_it.writes.emplace_back(write::DropQuota{bad});
        EXPECT_EQ(invalid(drop_it).code, ErrorCode::invalid_argument);
    }
}

TEST_P(StoreConformance, GivesPagesOfKeysAndOrganizations) {
    for (int i = 0; i < 7; ++i) {
        const OrganizationId organization(i % 2 == 0 ? "acme" : "globex");
        ApiKey key{ApiKeyId(fmt::format("key_{}", i)),
                   fmt::format("hash {}", i),
                   organization,
                   Role::reader,
                   "for tests",
                   kStart + 1s * i,
                   std::nullopt};
        if (i == 2) key.revoked_at = kStart + 1h;
        if (i == 4) key.expires_at = kStart + 2h;
        Commit commit;
        commit.writes.emplace_back(write::PutApiKey{key});
        commit.writes.emplace_back(
            write::PutOrganization{{OrganizationId(fmt::format("org-{}", i)), fmt::format("title {}", i), kStart}});
        must(commit);
    }
    const auto of_acme = run(store().api_keys(OrganizationId("acme"), {"", 3})).value();
    ASSERT_EQ(of_acme.items.size(), 3U);
    EXPECT_EQ(of_acme.next, "key_4");
    EXPECT_EQ(of_acme.items[1].id, ApiKeyId("key_2")) << "revoked ones too";
    EXPECT_EQ(of_acme.items[1].revoked_at, kStart + 1h);
    EXPECT_EQ(of_acme.items[2].expires_at, kStart + 2h);
    EXPECT_EQ(of_acme.items[2].hash, "hash 4");
    const auto rest = run(store().api_keys(OrganizationId("acme"), {of_acme.next, 3})).value();
    ASSERT_EQ(rest.items.size(), 1U);
    EXPECT_EQ(rest.items[0].id, ApiKeyId("key_6"));
    EXPECT_TRUE(rest.next.empty());
    EXPECT_EQ(run(store().api_keys(std::nullopt, {"", 1000}))->items.size(), 7U);
    EXPECT_EQ(run(store().api_keys(std::nullopt, {"key_3", 2}))->items[0].id, ApiKeyId("key_4"));
    EXPECT_EQ(run(store().api_key(ApiKeyId("key_3")))->value().created_at, kStart + 3s);
    EXPECT_EQ(run(store().api_key_by_hash("hash 4"))->value().expires_at, kStart + 2h);
    EXPECT_FALSE(run(store().api_key(ApiKeyId("key_9"))).value());

    const auto organizations = run(store().organizations({"org-1", 4})).value();
    ASSERT_EQ(organizations.items.size(), 4U);
    EXPECT_EQ(organizations.items[0].id, OrganizationId("org-2"));
    EXPECT_EQ(organizations.items[0].title, "title 2");
    EXPECT_EQ(organizations.next, "org-5");
    EXPECT_TRUE(run(store().organizations({"org-5", 4}))->next.empty());
}

TEST_P(StoreConformance, RefusesOneCommitThatWritesAKeyTwice) {
    const ApiKey key{ApiKeyId("key_1"), "h", OrganizationId("acme"), Role::user, "", kStart, std::nullopt};
    ApiKey other = key;
    other.id = ApiKeyId("key_2");
    for (const ApiKey& second : {key, other}) {
        Commit commit;
        commit.writes.emplace_back(write::PutApiKey{key});
        commit.writes.emplace_back(write::PutApiKey{second});
        EXPECT_EQ(invalid(commit).code, ErrorCode::invalid_argument) << second.id;
    }
}

TEST_P(StoreConformance, RemembersWhatARequestMadeAndShowed) {
    Commit commit;
    commit.writes.emplace_back(write::PutIdempotency{{"acme/native",
                                                      "k",
                                                      "hash",
                                                      ResourceId(),
                                                      OperationId(),
                                                      kStart + 24h,
                                                      "key_1",
                                                      {"data-key-1", "sealed"}}});
    must(commit);
    const auto found = run(store().idempotency("acme/native", "k")).value().value();
    EXPECT_EQ(found.made, "key_1");
    EXPECT_EQ(found.secret, (Sealed{"data-key-1", "sealed"}));
}

}  // namespace
}  // namespace slipway::conformance
