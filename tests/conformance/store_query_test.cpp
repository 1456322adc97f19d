#include "store_conformance.h"

// Pages, filters and the feed of events.
namespace slipway::conformance {
namespace {

std::vector<std::string> page_ids(const Page<Resource>& page) {
    std::vector<std::string> out;
    for (const Resource& resource : page.items) out.push_back(resource.id.str());
    return out;
}
std::vector<std::string> ids_of(std::initializer_list<int> numbers) {
    std::vector<std::string> out;
    for (const int number : numbers) out.push_back(resource_id(number).str());
    return out;
}

class StoreFilters : public StoreConformance {
  protected:
    std::vector<std::string> find(const ResourceFilter& filter) {
        // By pages of two, so that every filter is tested across a page's border as well.
        std::vector<std::string> all;
        PageRequest page{"", 2};
        do {
            const auto answer = run(store().resources(filter, page));
            EXPECT_TRUE(answer) << answer.error().message << answer.error().detail;
            if (!answer) return all;
            EXPECT_LE(answer->items.size(), 2U);
            for (const auto& id : page_ids(*answer)) all.push_back(id);
            page.after = answer->next;
        } while (!page.after.empty());
        return all;
    }
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreFilters, ::testing::Values(memory_backend(), sqlite_backend()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StoreFilters, FindByEachMemberAndByAllTogether) {
    const std::vector<ResourceState> states = {resource_state::Requested{operation_id(1)},
                                               resource_state::Provisioning{operation_id(1)},
                                               resource_state::Ready{{"redis", "h", 1}, {}},
                                               resource_state::Updating{operation_id(1), {"redis", "h", 1}},
                                               resource_state::Deprovisioning{operation_id(1)},
                                               resource_state::Gone{kStart},
                                               resource_state::Failed{"no"}};
    for (int i = 1; i <= 7; ++i) {
        Resource resource = sample_resource(i, i % 2 == 0 ? "even" : "odd");
        resource.state = states[static_cast<std::size_t>(i) - 1];
        resource.name = i <= 3 ? "low" : "high";
        resource.billing_code = i == 7 ? "" : i <= 4 ? "a" : "b";
        resource.pooled = i == 3;
        resource.plan = i == 1 ? "large" : "small";
        resource.kind = i == 2 ? Kind::machine : Kind::cache;
        resource.engine = i == 4 ? "memcached" : "redis";
        resource.provider = i == 5 ? "aws" : "local";
        resource.labels = {{"team", i <= 4 ? "x" : "y"}, {"odd \"key\"", i % 2 == 0 ? "no" : "yes"}};
        put(resource);
    }
    EXPECT_EQ(find({}), ids_of({1, 2, 3, 4, 5, 7}));
    ResourceFilter f;
    f.include_gone = true;
    EXPECT_EQ(find(f), ids_of({1, 2, 3, 4, 5, 6, 7}));
    f.organization = OrganizationId("even");
    EXPECT_EQ(find(f), ids_of({2, 4, 6}));
    f.include_gone = false;
    EXPECT_EQ(find(f), ids_of({2, 4}));
    f.state = "updating";
    EXPECT_EQ(find(f), ids_of({4}));
    f = {};
    f.state = "gone";
    EXPECT_EQ(find(f), ids_of({}));
    f.include_gone = true;
    EXPECT_EQ(find(f), ids_of({6}));
    f.state = "no such state";
    EXPECT_EQ(find(f), ids_of({}));
    f = {};
    f.name = "high";
    EXPECT_EQ(find(f), ids_of({4, 5, 7}));
    f = {};
    f.billing_code = "a";
    EXPECT_EQ(find(f), ids_of({1, 2, 3, 4}));
    f.billing_code = "";
    EXPECT_EQ(find(f), ids_of({7}));
    f = {};
    f.pooled = true;
    EXPECT_EQ(find(f), ids_of({3}));
    f.pooled = false;
    EXPECT_EQ(find(f), ids_of({1, 2, 4, 5, 7}));
    f = {};
    f.kind = Kind::machine;
    EXPECT_EQ(find(f), ids_of({2}));
    f = {};
    f.engine = "memcached";
    EXPECT_EQ(find(f), ids_of({4}));
    f = {};
    f.plan = "large";
    EXPECT_EQ(find(f), ids_of({1}));
    f = {};
    f.provider = "aws";
    EXPECT_EQ(find(f), ids_of({5}));
    f = {};
    f.labels = {{"team", "x"}};
    EXPECT_EQ(find(f), ids_of({1, 2, 3, 4}));
    f.labels.emplace_back("odd \"key\"", "yes");
    EXPECT_EQ(find(f), ids_of({1, 3}));
    f.name = "low";
    f.organization = OrganizationId("odd");
    f.state = "ready";
    f.billing_code = "a";
    f.pooled = true;
    EXPECT_EQ(find(f), ids_of({3}));
    f.labels.emplace_back("team", "y");
    EXPECT_EQ(find(f), ids_of({})) << "all labels must match";
}

TEST_P(StoreFilters, FollowChangesOfLabelsAndState) {
    Resource resource = sample_resource(1);
    resource.labels = {{"a", "1"}, {"b", "1"}};
    resource = put(resource);
    resource.labels = {{"b", "2"}};
    resource.name = "renamed";
    resource.state = resource_state::Failed{"no"};
    put(resource);
    ResourceFilter f;
    f.labels = {{"a", "1"}};
    EXPECT_EQ(find(f), ids_of({}));
    f.labels = {{"b", "2"}};
    EXPECT_EQ(find(f), ids_of({1}));
    f = {};
    f.name = "renamed";
    f.state = "failed";
    f.organization = resource.organization;
    EXPECT_EQ(find(f), ids_of({1}));
}

// Addresses are given again: of what is gone only who asks for it is told.
TEST_P(StoreFilters, WhatHasAnAddressIsFoundByItWhileItIsNotGone) {
    for (int i = 1; i <= 6; ++i) {
        Resource resource = sample_resource(i, i % 2 == 0 ? "even" : "odd");
        resource.kind = Kind::machine;
        if (i != 6) resource.address = i == 5 ? "10.77.0.5" : "10.77.0.2";
        resource.state = resource_state::Ready{{"ssh", resource.address, 22}, {}};
        if (i == 1) resource.state = resource_state::Gone{kStart};
        if (i == 2) resource.state = resource_state::Failed{"it is lost"};
        put(resource);
    }
    ResourceFilter f;
    f.address = "10.77.0.2";
    EXPECT_EQ(find(f), ids_of({2, 3, 4}));
    f.organization = OrganizationId("odd");
    EXPECT_EQ(find(f), ids_of({3}));
    f.kind = Kind::cache;
    EXPECT_EQ(find(f), ids_of({}));
    f = {};
    f.address = "10.77.0.2";
    f.state = "ready";
    EXPECT_EQ(find(f), ids_of({3, 4}));
    f.include_gone = true;
    f.state.reset();
    EXPECT_EQ(find(f), ids_of({1, 2, 3, 4}));
    f.labels = {{"no", "such"}};
    EXPECT_EQ(find(f), ids_of({}));
    for (const std::string none : {"10.77.0.9", "", "10.77.0.%"}) {
        f = {};
        f.address = none;
        EXPECT_EQ(find(f), ids_of({})) << none;
    }
}

// Whose end has to be seen to, the first due first; not what nobody owns or is on its way.
TEST_P(StoreFilters, WhatIsDueToEndIsFoundInItsOrder) {
    const auto due = [&](Duration until, std::uint32_t limit = 100) {
        std::vector<std::string> found;
        for (const Resource& each : run(store().expiring(kStart + until, limit)).value()) {
            found.push_back(each.id.str());
        }
        return found;
    };
    EXPECT_EQ(due(1h), ids_of({}));
    std::vector<Resource> all;
    for (int i = 1; i <= 7; ++i) {
        Resource resource = sample_resource(i);
        resource.pooled = i == 5;
        const auto minutes = std::chrono::minutes(i == 4 ? 2 : 10 - i);
        if (i != 7) resource.expiry = Expiry{kStart + 1h, kStart + minutes};
        if (i == 6) resource.state = resource_state::Gone{kStart};
        all.push_back(put(resource));
    }
    EXPECT_EQ(due(1h), ids_of({4, 3, 2, 1}));
    EXPECT_EQ(due(7min), ids_of({4, 3})) << "what is due at that very time is";
    EXPECT_EQ(due(7min - 1us), ids_of({4}));
    EXPECT_EQ(due(1h, 2), ids_of({4, 3}));
    EXPECT_EQ(run(store().expiring(TimePoint::max(), 0)).value().size(), 1U);
    EXPECT_EQ(run(store().expiring(TimePoint::min(), 10)).value().size(), 0U);
    EXPECT_EQ(run(store().expiring(kStart + 1h, 1)).value().front().expiry, all[3].expiry);

    all[0].expiry = Expiry{kStart + 2h, kStart + 1min};  // it is followed
    all[0] = put(all[0]);
    all[1].expiry.reset();
    all[1] = put(all[1]);
    all[2].state = resource_state::Deprovisioning{operation_id(1)};
    all[2] = put(all[2]);
    all[4].pooled = false;
    all[4] = put(all[4]);
    EXPECT_EQ(due(1h), ids_of({1, 4, 5}));
    all[2].state = resource_state::Failed{"it could not be removed"};
    all[2] = put(all[2]);
    EXPECT_EQ(due(1h), ids_of({1, 4, 5, 3}));
}

TEST_P(StoreFilters, ANoticeTellsWhenTheFirstExpiryIsDue) {
    std::vector<std::optional<TimePoint>> told;
    store().listen([&](const CommitNotice& notice) { told.push_back(notice.expiry_due); });
    put(sample_resource(1));
    Commit two;
    for (int i = 2; i <= 3; ++i) {
        Resource resource = sample_resource(i);
        resource.expiry = Expiry{kStart + 1h, kStart + std::chrono::minutes(i)};
        two.writes.emplace_back(write::PutResource{std::move(resource)});
    }
    ASSERT_TRUE(run(store().commit(std::move(two))));
    store().listen(nullptr);
    EXPECT_EQ(told, (std::vector<std::optional<TimePoint>>{std::nullopt, kStart + 2min}));
}

// One that is made is found from the commit on that says where it is, and one that is gone is not any more.
TEST_P(StoreFilters, AnAddressIsFollowed) {
    ResourceFilter f;
    f.address = "10.77.0.2";
    Resource machine = sample_resource(1);
    machine.kind = Kind::machine;
    machine = put(machine);
    EXPECT_EQ(find(f), ids_of({}));
    machine.address = "10.77.0.2";
    machine = put(machine);
    EXPECT_EQ(find(f), ids_of({1}));
    EXPECT_EQ(stored(machine.id).address, "10.77.0.2");
    machine.address = "10.77.0.3";
    machine = put(machine);
    EXPECT_EQ(find(f), ids_of({}));
    f.address = "10.77.0.3";
    EXPECT_EQ(find(f), ids_of({1}));
    machine.state = resource_state::Gone{kStart};
    put(machine);
    EXPECT_EQ(find(f), ids_of({}));
}

TEST_P(StoreFilters, ANameIsFoundWhetherItIsTheExternalOneOrNot) {
    for (int i = 30; i < 36; ++i) {
        Resource resource = sample_resource(i, i % 2 == 0 ? "acme" : "globex");
        resource.name = i == 31 ? resource.external_name : sample_resource(31).external_name;
        put(resource);
    }
    ResourceFilter f;
    f.name = sample_resource(31).external_name;
    EXPECT_EQ(find(f), ids_of({30, 31, 32, 33, 34, 35}));
    f.organization = OrganizationId("globex");
    EXPECT_EQ(find(f), ids_of({31, 33, 35}));
    const auto page = run(store().resources(f, {resource_id(31).str(), 1})).value();
    ASSERT_EQ(page.items.size(), 1U);
    EXPECT_EQ(page.items[0].id, resource_id(33));
    EXPECT_EQ(page.next, resource_id(33).str());
    f.name = sample_resource(32).external_name;
    EXPECT_EQ(find(f), ids_of({}));
}

TEST_P(StoreConformance, PagesNeitherRepeatNorSkipWhatStaysWhileOtherRowsChange) {
    for (int i = 10; i < 30; ++i) put(sample_resource(i));
    const auto first = run(store().resources({}, {"", 7})).value();
    EXPECT_EQ(first.items.size(), 7U);
    EXPECT_EQ(first.next, resource_id(16).str());
    Resource vanishes = first.items.back();
    vanishes.state = resource_state::Gone{kStart};
    put(vanishes);
    put(sample_resource(5));   // before the cursor
    put(sample_resource(40));  // after it
    const auto second = run(store().resources({}, {first.next, 7})).value();
    EXPECT_EQ(page_ids(second), ids_of({17, 18, 19, 20, 21, 22, 23}));
    const auto third = run(store().resources({}, {second.next, 7})).value();
    EXPECT_EQ(page_ids(third), ids_of({24, 25, 26, 27, 28, 29, 40}));
    EXPECT_TRUE(third.next.empty()) << "the last page says so even where it is full";
    EXPECT_EQ(run(store().resources({}, {"", 0})).value().items.size(), 1U);
    EXPECT_EQ(run(store().resources({}, {"", 100'000})).value().items.size(), 21U);
}

TEST_P(StoreConformance, FindsOperationsByEachMember) {
    for (int i = 1; i <= 6; ++i) {
        const Resource resource = sample_resource((i + 1) / 2, i <= 4 ? "acme" : "other");
        if (i % 2 == 1) put(resource);
        Operation operation = sample_operation(i, resource, kStart + 1h);
        operation.kind = i % 2 == 1 ? OperationKind::provision : OperationKind::deprovision;
        if (i == 1 || i == 5) operation.state = operation_state::Succeeded{kStart};
        if (i == 2) operation.state = operation_state::Retrying{kStart + 1h, "again"};
        put(operation);
    }
    const auto find = [&](const OperationFilter& filter) {
        std::vector<int> numbers;
        PageRequest page{"", 2};
        do {
            const auto answer = run(store().operations(filter, page));
            if (!answer) {
                ADD_FAILURE() << answer.error().message << answer.error().detail;
                return numbers;
            }
            for (const auto& operation : answer->items) numbers.push_back(std::stoi(operation.id.str().substr(3)));
            page.after = answer->next;
        } while (!page.after.empty());
        return numbers;
    };
    using Numbers = std::vector<int>;
    EXPECT_EQ(find({}), (Numbers{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(find({.organization = OrganizationId("other"), .resource = {}, .state = {}, .kind = {}}),
              (Numbers{5, 6}));
    EXPECT_EQ(find({.organization = {}, .resource = resource_id(1), .state = {}, .kind = {}}), (Numbers{1, 2}));
    EXPECT_EQ(find({.organization = {}, .resource = {}, .state = "succeeded", .kind = {}}), (Numbers{1, 5}));
    EXPECT_EQ(find({.organization = {}, .resource = {}, .state = "retrying", .kind = {}}), (Numbers{2}));
    EXPECT_EQ(find({.organization = {}, .resource = {}, .state = "nonsense", .kind = {}}), (Numbers{}));
    EXPECT_EQ(find({.organization = {}, .resource = {}, .state = {}, .kind = OperationKind::deprovision}),
              (Numbers{2, 4, 6}));
    EXPECT_EQ(find({.organization = {}, .resource = {}, .state = {}, .kind = {}, .only_open = true}),
              (Numbers{2, 3, 4, 6}));
    EXPECT_EQ(find({.organization = OrganizationId("acme"),
                    .resource = resource_id(2),
                    .state = "queued",
                    .kind = OperationKind::provision,
                    .only_open = true}),
              (Numbers{3}));
}

TEST_P(StoreConformance, NumbersEventsInTheOrderOfCommitsWithoutGaps) {
    const Resource first = put(sample_resource(1));
    const Resource second = put(sample_resource(2));
    for (int i = 0; i < 5; ++i) {
        Commit commit;
        commit.events.push_back(sample_event(first, "a." + std::to_string(i)));
        commit.events.push_back(sample_event(second, "b." + std::to_string(i)));
        commit.events[0].data = {{"n", i}};
        EXPECT_EQ(must(commit).last_event, static_cast<std::uint64_t>(2 * i + 2));
    }
    const auto all = run(store().events({}, 0, 100)).value().items;
    ASSERT_EQ(all.size(), 10U);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence, i + 1);
    EXPECT_EQ(all[4].body.type, "a.2");
    EXPECT_EQ(all[4].body.data.at("n"), 2);
    const auto some = run(store().events({.resource = second.id}, 4, 2)).value().items;
    ASSERT_EQ(some.size(), 2U);
    EXPECT_EQ(some[0].sequence, 6U);
    EXPECT_EQ(some[1].body.type, "b.3");
    EXPECT_TRUE(run(store().events({}, 10, 100)).value().items.empty());
    EXPECT_TRUE(run(store().events({}, UINT64_MAX, 100)).value().items.empty());
}

}  // namespace
}  // namespace slipway::conformance
