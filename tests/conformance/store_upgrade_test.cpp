#include <fstream>
#include <sstream>

#include <sqlite3.h>

#include "store/sqlite/sqlite_store.h"
#include "store_conformance.h"

// An old database with a new program. store_written_by_1.sql is the dump of a database that a program wrote which
// knew the first migration only: fourteen resources (every state, unpooled and then pooled), with operations in
// every state, events, keys and all the rest.
namespace slipway::conformance {
namespace {

class UpgradeTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::ifstream in(SLIPWAY_CONFORMANCE_DIR "/store_written_by_1.sql");
        ASSERT_TRUE(in);
        std::ostringstream dump;
        dump << in.rdbuf();
        std::filesystem::create_directory(data());
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open((data() / "slipway.db").c_str(), &raw), SQLITE_OK);
        ASSERT_EQ(sqlite3_exec(raw, dump.str().c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(raw);
        sqlite3_close(raw);
    }
    std::unique_ptr<store::SqliteStore> open() {
        auto opened = store::SqliteStore::open(data(), clock, random);
        EXPECT_TRUE(opened) << opened.error().message << ": " << opened.error().detail;
        return opened ? std::move(*opened) : nullptr;
    }
    [[nodiscard]] std::filesystem::path data() const { return directory.path() / "data"; }

    TemporaryDirectory directory;
    ManualClock clock{kStart + 6s};
    SeededRandom random{2};
};

std::vector<std::uint64_t> sequences(Store& store, EventFilter filter) {
    std::vector<std::uint64_t> found;
    for (const Event& event : run(store.events(std::move(filter), 0, 1000)).value().items) {
        found.push_back(event.sequence);
    }
    return found;
}

std::vector<std::string> usage_of(Store& store) {
    std::vector<std::string> words;
    for (const UsageRow& row : run(store.usage({std::nullopt, std::nullopt, kStart, kStart + 200s})).value()) {
        words.push_back(fmt::format("{} {} {}: {} s", row.key.organization.str(), row.key.billing_code,
                                    row.key.plan,
                                    std::chrono::duration_cast<std::chrono::seconds>(row.time).count()));
    }
    return words;
}

std::string plan_counts(Store& store, const char* organization) {
    std::string words;
    for (const LiveCount& count : run(store.live_counts(OrganizationId(organization))).value()) {
        words += fmt::format("{} {}; ", count.plan, count.live);
    }
    return words;
}

TEST_F(UpgradeTest, EverythingThatWasThereIsThereAndReadable) {
    const auto store = open();
    ResourceFilter all;
    all.include_gone = true;
    EXPECT_EQ(run(store->resources(all, {"", 1000}))->items.size(), 14U);
    EXPECT_EQ(run(store->operations({}, {"", 1000}))->items.size(), 15U);
    EXPECT_EQ(run(store->resource(resource_id(3)))->value().billing_code, "code 'two'");
    EXPECT_EQ(run(store->resource(resource_id(4)))->value().labels.at("team"), "ü\"x\"");
    EXPECT_FALSE(run(store->resource(resource_id(4)))->value().former);
    EXPECT_TRUE(run(store->resource(resource_id(4)))->value().placed_on.empty());
    EXPECT_FALSE(run(store->resource(resource_id(4)))->value().expiry);
    EXPECT_TRUE(run(store->expiring(TimePoint::max(), 1000))->empty());
    EXPECT_TRUE(run(store->clusters(OrganizationId("acme"), {"", 10}))->items.empty());
    EXPECT_EQ(run(store->operation(operation_id(50)))->value().blocked_by, operation_id(8));
    EXPECT_EQ(run(store->api_key_by_hash("hash1"))->value().role, Role::administrator);
    EXPECT_FALSE(run(store->api_key(ApiKeyId("key_1")))->value().expires_at);
    const auto record = run(store->idempotency("acme/redis", "3"))->value();
    EXPECT_EQ(record.resource, resource_id(3));
    EXPECT_EQ(record.made, "");
    EXPECT_TRUE(record.secret.empty());
    EXPECT_EQ(run(store->orphans())->size(), 1U);
    EXPECT_EQ(run(store->setting("installation"))->value(), "inst-1");
    EXPECT_EQ(run(store->durations({OperationKind::provision, Kind::cache, "redis", "small"})).value(),
              std::vector<Duration>{7s});
}

TEST_F(UpgradeTest, TheFeedIsFilteredByWhatOldEventsSay) {
    const auto store = open();
    const auto events = run(store->events({}, 0, 1000))->items;
    ASSERT_EQ(events.size(), run(store->last_event()).value());
    std::map<std::string, std::vector<std::uint64_t>> by_organization;
    std::map<std::string, std::vector<std::uint64_t>> by_operation;
    std::map<std::string, std::vector<std::uint64_t>> by_type;
    for (const Event& event : events) {
        by_organization[event.body.organization.str()].push_back(event.sequence);
        by_operation[event.body.operation.str()].push_back(event.sequence);
        by_type[event.body.type].push_back(event.sequence);
    }
    EXPECT_EQ(by_organization.size(), 2U);
    EXPECT_EQ(by_type.size(), 4U);
    for (const auto& [organization, expected] : by_organization) {
        EXPECT_EQ(sequences(*store, {.organization = OrganizationId(organization)}), expected) << organization;
    }
    for (const auto& [operation, expected] : by_operation) {
        EXPECT_EQ(sequences(*store, {.operation = OperationId(operation)}), expected) << operation;
    }
    for (const auto& [type, expected] : by_type) EXPECT_EQ(sequences(*store, {.types = {type}}), expected) << type;
}

TEST_F(UpgradeTest, WhatIsUsedIsBilledFromItsLastChange) {
    const auto store = open();
    EXPECT_EQ(usage_of(*store),
              (std::vector<std::string>{"acme code-1 large: 96 s", "globex code 'two' small: 97 s"}));
    Resource resource = run(store->resource(resource_id(3)))->value();
    resource.state = resource_state::Gone{kStart};
    resource.updated_at = kStart + 113s;
    Commit commit;
    commit.writes.emplace_back(write::PutResource{resource});
    ASSERT_TRUE(std::holds_alternative<Committed>(run(store->commit(commit)).value()));
    EXPECT_EQ(usage_of(*store),
              (std::vector<std::string>{"acme code-1 large: 96 s", "globex code 'two' small: 10 s"}));
}

TEST_F(UpgradeTest, LiveResourcesAreCountedAndGoOnBeingCounted) {
    const auto store = open();
    EXPECT_EQ(plan_counts(*store, "acme"), "large 1; small 6; ");
    EXPECT_EQ(plan_counts(*store, "globex"), "small 3; ");
    Commit commit = accept(sample_resource(20), sample_operation(20, sample_resource(20)));
    commit.preconditions.emplace_back(
        precondition::PlanResourcesBelow{OrganizationId("acme"), Kind::cache, "redis", "small", 7});
    ASSERT_TRUE(std::holds_alternative<Committed>(run(store->commit(commit)).value()));
    commit.writes = {write::PutResource{sample_resource(21)}};
    EXPECT_EQ(std::get<Rejected>(run(store->commit(commit)).value()).obstacle, Obstacle::quota_reached);
    EXPECT_EQ(plan_counts(*store, "acme"), "large 1; small 7; ");
}

TEST_F(UpgradeTest, ResourcesAreCountedByStateAndGoOnBeingCounted) {
    const auto store = open();
    const auto of_state = [&](const std::string& state, bool pooled) {
        std::uint64_t found = 0;
        for (const ResourceCount& each : run(store->resource_counts()).value()) {
            if (each.state == state && each.pooled == pooled) found += each.resources;
        }
        return found;
    };
    EXPECT_EQ(of_state("provisioning", false), 2U);
    EXPECT_EQ(of_state("provisioning", true), 1U);
    EXPECT_EQ(of_state("ready", false), 1U);
    EXPECT_EQ(of_state("gone", false), 0U);
    Resource resource = run(store->resource(resource_id(3)))->value();
    resource.state = resource_state::Failed{"why"};
    Commit commit;
    commit.writes.emplace_back(write::PutResource{resource});
    ASSERT_TRUE(std::holds_alternative<Committed>(run(store->commit(commit)).value()));
    EXPECT_EQ(of_state("ready", false), 0U);
    EXPECT_EQ(of_state("failed", false), 2U);
}

TEST_F(UpgradeTest, TheSecondStartChangesNothing) {
    const std::string once = dump(*open());
    EXPECT_EQ(dump(*open()), once);
}

}  // namespace
}  // namespace slipway::conformance
