#include "domain/usage.h"
#include "store_conformance.h"

// What is billed and what counts against quotas: from which change of a resource to which.
namespace slipway::conformance {
namespace {

using namespace resource_state;

const Endpoint kEndpoint{"redis", "host", 6379};

std::vector<ResourceState> every_state() {
    return {Requested{operation_id(1)},
            Provisioning{operation_id(1)},
            Ready{kEndpoint, {}},
            Updating{operation_id(1), kEndpoint},
            Deprovisioning{operation_id(1)},
            Gone{kStart},
            Failed{"why"}};
}

UsageFilter within(Duration from, Duration to) { return {std::nullopt, std::nullopt, kStart + from, kStart + to}; }

// The rows as text: "acme code-1 redis/small: 1 for 90 s".
std::vector<std::string> usage_of(Store& store, const UsageFilter& filter) {
    std::vector<std::string> words;
    for (const UsageRow& row : run(store.usage(filter)).value()) {
        words.push_back(fmt::format("{} {} {}/{}: {} for {} s", row.key.organization.str(), row.key.billing_code,
                                    row.key.engine, row.key.plan, row.resources,
                                    std::chrono::duration_cast<std::chrono::seconds>(row.time).count()));
    }
    return words;
}

std::vector<std::string> counts_of(Store& store, const std::string& organization) {
    std::vector<std::string> words;
    for (const LiveCount& count : run(store.live_counts(OrganizationId(organization))).value()) {
        words.push_back(fmt::format("{} {}/{} {}", to_string(count.kind), count.engine, count.plan, count.live));
    }
    return words;
}

using Words = std::vector<std::string>;

class UsageConformance : public StoreConformance {
  protected:
    // The resource in another state, at a time.
    Resource become(const ResourceId& id, ResourceState state, Duration at) {
        Resource next = stored(id);
        next.state = std::move(state);
        next.updated_at = kStart + at;
        return put(std::move(next));
    }
    Resource ready(int number, Duration at, const std::string& organization = "acme") {
        put(sample_resource(number, organization));
        return become(resource_id(number), Ready{kEndpoint, {}}, at);
    }
};

TEST_P(UsageConformance, IsCountedFromReadyUntilTheDeletionIsAskedFor) {
    const ResourceId id = ready(1, 10s).id;
    become(id, Updating{operation_id(2), kEndpoint}, 20s);  // being changed, it is still there to be used
    become(id, Ready{kEndpoint, operation_id(3)}, 30s);     // being repaired, too
    become(id, Deprovisioning{operation_id(4)}, 70s);
    become(id, Gone{kStart + 90s}, 90s);
    EXPECT_EQ(usage_of(store(), within(0s, 1000s)), (Words{"acme code-1 redis/small: 1 for 60 s"}));
}

TEST_P(UsageConformance, ThatHasNotEndedCountsUpToTheEndOfThePeriod) {
    ready(1, 10s);
    EXPECT_EQ(usage_of(store(), within(0s, 110s)), (Words{"acme code-1 redis/small: 1 for 100 s"}));
    EXPECT_EQ(usage_of(store(), within(50s, 60s)), (Words{"acme code-1 redis/small: 1 for 10 s"}));
    EXPECT_EQ(usage_of(store(), within(0s, 10s)), Words{}) << "it begins where the period ends";
}

TEST_P(UsageConformance, IsClippedToThePeriod) {
    const ResourceId id = ready(1, 100s).id;
    become(id, Failed{"why"}, 200s);
    EXPECT_EQ(usage_of(store(), within(0s, 150s)), (Words{"acme code-1 redis/small: 1 for 50 s"}));
    EXPECT_EQ(usage_of(store(), within(180s, 1000s)), (Words{"acme code-1 redis/small: 1 for 20 s"}));
    EXPECT_EQ(usage_of(store(), within(200s, 1000s)), Words{});
    EXPECT_EQ(usage_of(store(), within(0s, 100s)), Words{});
    EXPECT_EQ(usage_of(store(), within(150s, 150s)), Words{}) << "an empty period";
    EXPECT_EQ(usage_of(store(), within(160s, 140s)), Words{}) << "a period that ends before it begins";
}

TEST_P(UsageConformance, BelongsToWhoeverPaidAtTheTime) {
    Resource resource = ready(1, 0s);
    resource.billing_code = "code-2";
    resource.updated_at = kStart + 10s;
    resource = put(resource);
    resource.plan = "large";
    resource.updated_at = kStart + 30s;
    resource = put(resource);
    resource.organization = OrganizationId("globex");
    resource.updated_at = kStart + 60s;
    resource = put(resource);
    resource.labels = {{"a", "b"}};  // nothing that anyone pays for
    resource.updated_at = kStart + 70s;
    put(resource);
    EXPECT_EQ(usage_of(store(), within(0s, 100s)),
              (Words{"acme code-1 redis/small: 1 for 10 s", "acme code-2 redis/large: 1 for 30 s",
                     "acme code-2 redis/small: 1 for 20 s", "globex code-2 redis/large: 1 for 40 s"}));
}

TEST_P(UsageConformance, NeverGoesBackwardsWhereAClockDoes) {
    const ResourceId id = ready(1, 100s).id;
    become(id, Deprovisioning{operation_id(2)}, 40s);
    EXPECT_EQ(usage_of(store(), within(0s, 1000s)), Words{});
}

TEST_P(UsageConformance, OfAResourceThatComesBackCountsItOnce) {
    const ResourceId id = ready(1, 0s).id;
    become(id, Failed{"why"}, 10s);
    become(id, Ready{kEndpoint, {}}, 50s);
    ready(2, 90s);
    EXPECT_EQ(usage_of(store(), within(0s, 100s)), (Words{"acme code-1 redis/small: 2 for 70 s"}));
}

TEST_P(UsageConformance, CanBeAskedForByOrganizationAndBillingCode) {
    for (int i = 0; i < 4; ++i) {
        Resource resource = sample_resource(i, i % 2 == 0 ? "acme" : "globex");
        resource.billing_code = i < 2 ? "code-1" : "code-2";
        resource.state = Ready{kEndpoint, {}};
        put(resource);
    }
    UsageFilter filter = within(0s, 10s);
    filter.organization = OrganizationId("globex");
    EXPECT_EQ(usage_of(store(), filter),
              (Words{"globex code-1 redis/small: 1 for 10 s", "globex code-2 redis/small: 1 for 10 s"}));
    filter.billing_code = "code-2";
    EXPECT_EQ(usage_of(store(), filter), (Words{"globex code-2 redis/small: 1 for 10 s"}));
    filter.organization.reset();
    EXPECT_EQ(usage_of(store(), filter),
              (Words{"acme code-2 redis/small: 1 for 10 s", "globex code-2 redis/small: 1 for 10 s"}));
    filter.organization = OrganizationId("nobody");
    EXPECT_EQ(usage_of(store(), filter), Words{});
}

// The store decides from columns what the domain decides from a resource: they must never differ.
TEST_P(UsageConformance, IsWhatTheDomainSaysInEveryState) {
    int number = 0;
    for (const bool pooled : {false, true}) {
        for (const ResourceState& state : every_state()) {
            Resource resource = sample_resource(++number, fmt::format("org-{:02}", number));
            resource.pooled = pooled;
            resource.state = state;
            put(resource);
            UsageFilter filter = within(0s, 10s);
            filter.organization = resource.organization;
            EXPECT_EQ(run(store().usage(filter))->size(), usage_key(resource) ? 1U : 0U)
                << state_name(state) << (pooled ? ", pooled" : "");
        }
    }
}

TEST_P(UsageConformance, IsAtMostTenThousandRowsInTheOrderOfTheirKeys) {
    constexpr int kMany = 10'001;
    for (int first = 0; first < kMany; first += 1000) {
        Commit commit;
        for (int i = first; i < std::min(first + 1000, kMany); ++i) {
            Resource resource = sample_resource(i);
            resource.billing_code = fmt::format("code-{:06}", kMany - i);
            resource.state = Ready{kEndpoint, {}};
            commit.writes.emplace_back(write::PutResource{std::move(resource)});
        }
        must(std::move(commit));
    }
    const auto rows = run(store().usage(within(0s, 10s))).value();
    ASSERT_EQ(rows.size(), 10'000U);
    EXPECT_EQ(rows.front().key.billing_code, "code-000001");
    EXPECT_EQ(rows.back().key.billing_code, "code-010000");
}

TEST_P(UsageConformance, OfALongPeriodIsNotTooLargeToBeAdded) {
    constexpr Duration kLong = 24h * 365 * 90'000;
    const auto time_of_all = [&] {
        const auto rows = run(store().usage(within(0s, kLong + 1us))).value();
        return rows.size() == 1 ? rows[0].time : Duration::zero();
    };
    for (int i = 0; i < 3; ++i) ready(i, 0s);
    EXPECT_EQ(time_of_all(), 3 * (kLong + 1us));
    ready(3, 0s);
    EXPECT_EQ(time_of_all(), Duration::max()) << "more than can be said";
}

TEST_P(UsageConformance, LiveResourcesAreCountedByPlan) {
    EXPECT_EQ(counts_of(store(), "acme"), Words{});
    int number = 0;
    for (const ResourceState& state : every_state()) {
        Resource resource = sample_resource(++number);
        resource.state = state;
        put(resource);
    }
    Resource machine = sample_resource(100);
    machine.kind = Kind::machine;
    machine.engine = "debian";
    machine = put(machine);
    put(sample_resource(101, "globex"));
    EXPECT_EQ(counts_of(store(), "acme"), (Words{"cache redis/small 5", "machine debian/small 1"}))
        << "all but the gone and the failed one";

    machine.plan = "large";
    machine = put(machine);
    Resource moved = stored(resource_id(1));
    moved.organization = OrganizationId("globex");
    put(moved);
    EXPECT_EQ(counts_of(store(), "acme"), (Words{"cache redis/small 4", "machine debian/large 1"}));
    EXPECT_EQ(counts_of(store(), "globex"), (Words{"cache redis/small 2"}));

    machine.state = Gone{kStart};
    put(machine);
    EXPECT_EQ(counts_of(store(), "acme"), (Words{"cache redis/small 4"})) << "a plan without any has no row";
}

TEST_P(UsageConformance, ResourcesOfEverybodyAreCountedByKindEngineAndState) {
    int number = 0;
    for (const ResourceState& state : every_state()) {
        ++number;
        Resource resource = sample_resource(number, number % 2 == 0 ? "acme" : "globex");
        resource.state = state;
        put(resource);
    }
    Resource pooled = sample_resource(100);
    pooled.kind = Kind::database_server;
    pooled.engine = "postgres";
    pooled.pooled = true;
    pooled = put(pooled);
    const auto counts = [&] { return run(store().resource_counts()).value(); };
    const std::vector<ResourceCount> caches{
        {Kind::cache, "redis", "deprovisioning", false, 1}, {Kind::cache, "redis", "failed", false, 1},
        {Kind::cache, "redis", "provisioning", false, 1},   {Kind::cache, "redis", "ready", false, 1},
        {Kind::cache, "redis", "requested", false, 1},      {Kind::cache, "redis", "updating", false, 1}};
    std::vector<ResourceCount> expected = caches;
    expected.push_back({Kind::database_server, "postgres", "requested", true, 1});
    EXPECT_EQ(counts(), expected) << "all but the one that is gone";

    pooled.state = Ready{kEndpoint, {}};
    pooled.pooled = false;
    pooled = put(pooled);
    expected.back() = {Kind::database_server, "postgres", "ready", false, 1};
    EXPECT_EQ(counts(), expected) << "a claim takes it out of the pool";
    pooled.state = Gone{kStart};
    put(pooled);
    EXPECT_EQ(counts(), caches);
}

TEST_P(UsageConformance, DurationsAreThoseOfTheNewestThatSucceeded) {
    Resource other = sample_resource(50);
    other.plan = "large";
    put(other);
    put(sample_resource(1));
    for (int i = 0; i < 120; ++i) {
        Operation operation = sample_operation(i, i == 7 ? other : sample_resource(1));
        operation.kind = i == 8 ? OperationKind::update : OperationKind::provision;
        operation.created_at = kStart;
        operation.state = i == 9 ? OperationState(operation_state::Failed{kStart + 1h, "why"})
                                 : OperationState(operation_state::Succeeded{kStart + 1ms * i});
        put(operation);
    }
    const DurationQuery query{OperationKind::provision, Kind::cache, "redis", "small"};
    const auto durations = run(store().durations(query)).value();
    ASSERT_EQ(durations.size(), 100U) << "at most";
    for (std::size_t i = 0; i < durations.size(); ++i) {
        EXPECT_EQ(durations[i], 1ms * (119 - static_cast<int>(i))) << "newest first";
    }
    EXPECT_EQ(run(store().durations({OperationKind::update, Kind::cache, "redis", "small"})).value(),
              std::vector<Duration>{8ms});
    EXPECT_EQ(run(store().durations({OperationKind::provision, Kind::cache, "redis", "large"})).value(),
              std::vector<Duration>{7ms});
    EXPECT_TRUE(run(store().durations({OperationKind::provision, Kind::machine, "redis", "small"}))->empty());
}

TEST_P(UsageConformance, DurationsAreLookedForAmongTheNewestThousandOnly) {
    const Resource resource = put(sample_resource(1));
    for (int first = 0; first < 1001; first += 100) {
        Commit commit;
        for (int i = first; i < std::min(first + 100, 1001); ++i) {
            Operation operation = sample_operation(i, resource);
            if (i > 0) operation.kind = OperationKind::repair;
            operation.state = operation_state::Succeeded{kStart + 5s};
            commit.writes.emplace_back(write::PutOperation{std::move(operation), std::nullopt});
        }
        must(std::move(commit));
    }
    EXPECT_TRUE(run(store().durations({OperationKind::provision, Kind::cache, "redis", "small"}))->empty());
    EXPECT_EQ(run(store().durations({OperationKind::repair, Kind::cache, "redis", "small"}))->size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(Stores, UsageConformance, ::testing::Values(memory_backend(), sqlite_backend()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace slipway::conformance
