#include <fmt/format.h>

#include "store_conformance.h"

// Places on shared resources, the settings that commits rest on, and clusters.
namespace slipway::conformance {
namespace {

Resource server(int number, ResourceState state = resource_state::Ready{{"postgres", "h", 1}, {}}) {
    Resource resource = sample_resource(number, "system");
    resource.kind = Kind::database_server;
    resource.engine = "postgres";
    resource.state = std::move(state);
    return resource;
}
Resource database(int number, int on, ResourceState state = resource_state::Ready{{"postgres", "h", 1}, {}}) {
    Resource resource = sample_resource(number);
    resource.kind = Kind::database;
    resource.engine = "postgres";
    resource.placed_on = resource_id(on);
    resource.state = std::move(state);
    return resource;
}
std::vector<ResourceState> every_state() {
    return {resource_state::Requested{operation_id(1)},
            resource_state::Provisioning{operation_id(1)},
            resource_state::Ready{{"postgres", "h", 1}, {}},
            resource_state::Updating{operation_id(1), {"postgres", "h", 1}},
            resource_state::Deprovisioning{operation_id(1)},
            resource_state::Gone{kStart},
            resource_state::Failed{"no"}};
}
Commit under(Precondition precondition) {
    Commit commit;
    commit.preconditions.push_back(std::move(precondition));
    commit.writes.emplace_back(write::PutSetting{"touched", "yes"});
    return commit;
}
Cluster cluster(std::string name, std::string slug, std::string organization = "acme") {
    return {OrganizationId(std::move(organization)), std::move(name), std::move(slug), {}, kStart, 0};
}

class StorePlacement : public StoreConformance {
  protected:
    std::vector<HostLoad> loads() {
        return run(store().host_loads(OrganizationId(kSystemOrganization), Kind::database_server, "postgres"))
            .value();
    }
    std::vector<std::string> placed_on(int host, bool gone = false) {
        ResourceFilter filter;
        filter.placed_on = resource_id(host);
        filter.include_gone = gone;
        std::vector<std::string> found;
        PageRequest page{"", 2};
        do {
            const auto answer = run(store().resources(filter, page)).value();
            for (const Resource& each : answer.items) found.push_back(each.id.str());
            page.after = answer.next;
        } while (!page.after.empty());
        return found;
    }
    std::optional<Cluster> find(const std::string& name) { return run(store().cluster(kAcme, name)).value(); }
};
INSTANTIATE_TEST_SUITE_P(Stores, StorePlacement, ::testing::Values(memory_backend(), sqlite_backend()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StorePlacement, WhatIsPlacedIsStoredAndFoundByWhatServesIt) {
    put(server(1));
    put(server(2));
    int number = 10;
    for (const ResourceState& state : every_state()) put(database(number++, 1, state));
    put(database(20, 2));
    put(sample_resource(21));
    EXPECT_EQ(stored(resource_id(10)).placed_on, resource_id(1));
    EXPECT_TRUE(stored(resource_id(21)).placed_on.empty());
    EXPECT_EQ(placed_on(1), (std::vector<std::string>{"res_000010", "res_000011", "res_000012", "res_000013",
                                                      "res_000014", "res_000016"}));
    EXPECT_EQ(placed_on(1, true).size(), 7U);
    EXPECT_EQ(placed_on(2), std::vector<std::string>{"res_000020"});
    EXPECT_EQ(placed_on(3, true), std::vector<std::string>{});
}

TEST_P(StorePlacement, APlaceIsTakenUntilItsTenantIsGoneOrFailed) {
    put(server(1));
    int number = 10;
    for (const ResourceState& state : every_state()) put(database(number++, 1, state));
    EXPECT_EQ(loads(), (std::vector<HostLoad>{{resource_id(1), 5}}));
    EXPECT_EQ(refused(under(precondition::PlaceFree{resource_id(1), 5})).obstacle, Obstacle::no_place);
    EXPECT_EQ(refused(under(precondition::PlacesFull{resource_id(1), 6})).obstacle, Obstacle::place_free);
    EXPECT_EQ(refused(under(precondition::NothingPlaced{resource_id(1)})).subject, "res_000001");
    must(under(precondition::PlaceFree{resource_id(1), 6}));
    must(under(precondition::PlacesFull{resource_id(1), 5}));
    for (int each = 10; each < 15; ++each) {
        Resource tenant = stored(resource_id(each));
        tenant.state = each % 2 == 0 ? ResourceState(resource_state::Gone{kStart}) : resource_state::Failed{"no"};
        put(tenant);
        EXPECT_EQ(loads()[0].placed, 14U - static_cast<unsigned>(each));
    }
    must(under(precondition::NothingPlaced{resource_id(1)}));
    EXPECT_EQ(refused(under(precondition::PlacesFull{resource_id(1), 1})).obstacle, Obstacle::place_free);
}

TEST_P(StorePlacement, WhatHasFailedTakesNoPlaceAgainWhileItIsRemoved) {
    put(server(1));
    put(database(10, 1, resource_state::Deprovisioning{operation_id(1), true}));
    put(database(11, 1, resource_state::Deprovisioning{operation_id(1), false}));
    EXPECT_EQ(loads(), (std::vector<HostLoad>{{resource_id(1), 1}}));
    must(under(precondition::PlaceFree{resource_id(1), 2}));
    EXPECT_EQ(refused(under(precondition::PlaceFree{resource_id(1), 1})).obstacle, Obstacle::no_place);
}

TEST_P(StorePlacement, OnlyAHostThatTakesNewOnesHasPlaces) {
    int number = 1;
    std::vector<int> taking;
    for (const ResourceState& state : every_state()) {
        put(server(number, state));
        const auto free = run(store().commit(under(precondition::PlaceFree{resource_id(number), 1}))).value();
        const auto full = run(store().commit(under(precondition::PlacesFull{resource_id(number), 1}))).value();
        EXPECT_NE(std::holds_alternative<Committed>(free), std::holds_alternative<Committed>(full));
        if (std::holds_alternative<Committed>(free)) taking.push_back(number);
        ++number;
    }
    EXPECT_EQ(taking, (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(refused(under(precondition::PlaceFree{resource_id(99), 1})).obstacle, Obstacle::no_place);
    std::vector<HostLoad> expected;
    for (const int each : taking) expected.push_back({resource_id(each), 0});
    EXPECT_EQ(loads(), expected);
}

TEST_P(StorePlacement, LoadsAreOfOneOrganizationKindAndEngineAndNothingThatIsPooled) {
    put(server(4));
    put(server(2));
    Resource other = server(5);
    other.engine = "mysql";
    put(other);
    other = server(6);
    other.organization = kAcme;
    put(other);
    other = server(7);
    other.kind = Kind::cache;
    put(other);
    other = server(8);
    other.pooled = true;
    put(other);
    put(database(20, 4));
    put(database(21, 8));
    EXPECT_EQ(loads(), (std::vector<HostLoad>{{resource_id(2), 0}, {resource_id(4), 1}}));
}

TEST_P(StorePlacement, OneCommitMayMakeAHostAndPlaceOnIt) {
    Commit commit;
    const Resource host = server(1, resource_state::Requested{operation_id(1)});
    const Resource tenant = database(2, 1, resource_state::Requested{operation_id(2)});
    Operation waits = sample_operation(2, tenant);
    waits.blocked_by = operation_id(1);
    commit.writes.emplace_back(write::PutResource{tenant});
    commit.writes.emplace_back(write::PutOperation{waits, std::nullopt});
    commit.writes.emplace_back(write::PutResource{host});
    commit.writes.emplace_back(write::PutOperation{sample_operation(1, host), std::nullopt});
    EXPECT_EQ(must(commit).resources.at(0).id, tenant.id);
    EXPECT_EQ(stored(operation_id(2)).blocked_by, operation_id(1));
    EXPECT_EQ(loads(), (std::vector<HostLoad>{{resource_id(1), 1}}));
    EXPECT_EQ(lease().work.size(), 1U) << "who waits for its host is not leased";
}

TEST_P(StorePlacement, ACommitMayRestOnASetting) {
    must(under(precondition::SettingIs{"book", ""}));
    EXPECT_EQ(refused(under(precondition::SettingIs{"book", "1"})).obstacle, Obstacle::setting_changed);
    must(writing(write::PutSetting{"book", "1"}));
    must(under(precondition::SettingIs{"book", "1"}));
    EXPECT_EQ(refused(under(precondition::SettingIs{"book", ""})).subject, "book");
    EXPECT_EQ(refused(under(precondition::SettingIs{"book", "2"})).obstacle, Obstacle::setting_changed);
}

TEST_P(StorePlacement, AClusterIsStoredAtItsVersionUnderItsName) {
    must(writing(write::PutCluster{cluster("blue", "cluster-1")}));
    ASSERT_TRUE(find("blue"));
    Cluster blue = *find("blue");
    EXPECT_EQ(blue.version, 1U);
    EXPECT_EQ(blue.created_at, kStart);
    EXPECT_TRUE(blue.database.empty());
    blue.database = resource_id(7);
    must(writing(write::PutCluster{blue}));
    EXPECT_EQ(refused(writing(write::PutCluster{blue})).obstacle, Obstacle::cluster_changed);
    EXPECT_EQ(refused(writing(write::DropCluster{blue})).obstacle, Obstacle::cluster_changed);
    EXPECT_EQ(find("blue")->database, resource_id(7));
    EXPECT_EQ(find("blue")->version, 2U);
    EXPECT_FALSE(find("green"));
    EXPECT_FALSE(run(store().cluster(OrganizationId("other"), "blue")).value());
    must(writing(write::DropCluster{*find("blue")}));
    EXPECT_FALSE(find("blue"));
}

TEST_P(StorePlacement, NamesOfClustersAreFreeByOrganizationAndSlugsEverywhere) {
    must(writing(write::PutCluster{cluster("blue", "cluster-1")}));
    EXPECT_EQ(refused(under(precondition::ClusterFree{kAcme, "blue"})).obstacle, Obstacle::cluster_taken);
    must(under(precondition::ClusterFree{kAcme, "green"}));
    must(under(precondition::ClusterFree{OrganizationId("other"), "blue"}));
    EXPECT_EQ(refused(writing(write::PutCluster{cluster("blue", "cluster-2")})).obstacle,
              Obstacle::cluster_changed);
    EXPECT_EQ(refused(writing(write::PutCluster{cluster("blue", "cluster-1", "other")})).obstacle,
              Obstacle::slug_taken);
    must(writing(write::PutCluster{cluster("blue", "cluster-2", "other")}));
    must(writing(write::DropCluster{*find("blue")}));
    must(writing(write::PutCluster{cluster("red", "cluster-1")}));
}

TEST_P(StorePlacement, AClusterKeepsItsSlugAndIsWrittenOnce) {
    must(writing(write::PutCluster{cluster("blue", "cluster-1")}));
    Cluster renamed = *find("blue");
    renamed.slug = "cluster-2";
    EXPECT_EQ(invalid(writing(write::PutCluster{renamed})).code, ErrorCode::invalid_argument);
    Commit twice = writing(write::PutCluster{cluster("green", "cluster-3")});
    twice.writes.emplace_back(write::PutCluster{cluster("green", "cluster-4")});
    EXPECT_EQ(invalid(twice).code, ErrorCode::invalid_argument);
    twice.writes = {write::PutCluster{cluster("green", "cluster-3")},
                    write::PutCluster{cluster("red", "cluster-3")}};
    EXPECT_EQ(invalid(twice).code, ErrorCode::invalid_argument);
    EXPECT_EQ(invalid(writing(write::PutCluster{cluster("", "cluster-3")})).code, ErrorCode::invalid_argument);
    EXPECT_EQ(invalid(writing(write::PutCluster{cluster("x", "")})).code, ErrorCode::invalid_argument);
}

TEST_P(StorePlacement, ClustersComeByPagesInTheOrderOfTheirNames) {
    for (int i = 5; i > 0; --i) {
        must(writing(write::PutCluster{cluster(fmt::format("c{}", i), fmt::format("cluster-{}", i))}));
    }
    must(writing(write::PutCluster{cluster("c0", "cluster-0", "zoo")}));
    std::string names;
    PageRequest page{"", 2};
    int pages = 0;
    do {
        const auto answer = run(store().clusters(kAcme, page)).value();
        for (const Cluster& each : answer.items) names += each.name + " ";
        page.after = answer.next;
        ++pages;
    } while (!page.after.empty());
    EXPECT_EQ(names, "c1 c2 c3 c4 c5 ");
    EXPECT_EQ(pages, 3);
}

}  // namespace
}  // namespace slipway::conformance
