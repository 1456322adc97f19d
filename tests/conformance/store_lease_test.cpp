#include "store_conformance.h"

// Who gets which operation, when, and what takes a lease away.
namespace slipway::conformance {
namespace {

std::vector<std::string> ids(const LeaseAnswer& answer) {
    std::vector<std::string> out;
    for (const LeasedWork& work : answer.work) out.push_back(work.operation.id.str());
    return out;
}
std::vector<std::string> operations(std::initializer_list<int> numbers) {
    std::vector<std::string> out;
    for (const int number : numbers) out.push_back(operation_id(number).str());
    return out;
}

TEST_P(StoreConformance, LeasesDueOperationsOldestFirstWithNewFenceAndToken) {
    for (const int i : {1, 2, 3, 4}) {
        const Resource resource = sample_resource(i);
        must(accept(resource, sample_operation(i, resource, kStart - std::chrono::seconds(i == 4 ? -10 : i))));
    }
    const auto answer = lease();
    EXPECT_EQ(ids(answer), operations({3, 2, 1}));
    EXPECT_EQ(answer.now, kStart);
    EXPECT_EQ(answer.next_due, kStart + 10s) << "the fourth comes before the leases run out";
    const LeasedWork& work = answer.work.at(0);
    EXPECT_EQ(work.operation.fence, 1U);
    EXPECT_EQ(work.operation.version, 2U);
    EXPECT_TRUE(work.fresh);
    const auto& running = std::get<operation_state::Running>(work.operation.state);
    EXPECT_TRUE(running.token.str().starts_with("host-1/")) << "the host's next process must know it";
    EXPECT_EQ(running.until, kStart + 30s);
    EXPECT_TRUE(std::holds_alternative<resource_state::Provisioning>(work.resource.state));
    EXPECT_EQ(work.resource.version, 2U);
    EXPECT_EQ(stored(work.operation.id).state, work.operation.state);
    EXPECT_EQ(stored(work.operation.id).version, 2U);
    EXPECT_EQ(stored(work.resource.id).state, work.resource.state);
    EXPECT_EQ(stored(work.resource.id).version, 2U);
    const auto events = run(store().events({.resource = work.resource.id}, 0, 10)).value().items;
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1].body.type, "operation.started");
    EXPECT_TRUE(lease().work.empty()) << "nobody gets it twice";
}

TEST_P(StoreConformance, TakesOverWhenALeaseIsOverAndFencesTheFirstWorkerOff) {
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Operation first = lease().work.at(0).operation;
    clock.advance(30s - 1us);
    EXPECT_TRUE(lease().work.empty());
    EXPECT_EQ(lease().next_due, kStart + 30s);
    clock.advance(1us);
    const auto second = lease().work.at(0);
    EXPECT_EQ(second.operation.fence, 2U);
    EXPECT_FALSE(second.fresh) << "the first worker may have called for it";
    EXPECT_NE(std::get<operation_state::Running>(second.operation.state).token,
              std::get<operation_state::Running>(first.state).token);
    Commit late;
    late.writes.emplace_back(write::PutOperation{first, first.fence});
    const auto rejected = refused(late);
    EXPECT_EQ(rejected.obstacle, Obstacle::fenced);
    EXPECT_EQ(rejected.subject, first.id.str());
    EXPECT_EQ(put(second.operation, second.operation.fence).version, second.operation.version + 1);
}

TEST_P(StoreConformance, LeasesAgainWhenARetryOrAWaitIsDue) {
    for (const int i : {1, 2}) {
        const Resource resource = sample_resource(i);
        must(accept(resource, sample_operation(i, resource)));
    }
    auto work = lease().work;
    work.at(0).operation.state = operation_state::Retrying{kStart + 5s, "throttled"};
    work.at(1).operation.state = operation_state::Waiting{kStart + 7s, "pending"};
    for (auto& one : work) put(one.operation, one.operation.fence);
    EXPECT_EQ(lease().next_due, kStart + 5s);
    clock.set(kStart + 5s);
    EXPECT_EQ(ids(lease()), operations({1}));
    clock.set(kStart + 7s);
    const auto answer = lease();
    EXPECT_EQ(ids(answer), operations({2}));
    EXPECT_EQ(answer.next_due, kStart + 35s);
    EXPECT_EQ(answer.work.at(0).operation.fence, 2U);
}

// A queue that nobody works off must not look like an idle one.
TEST_P(StoreConformance, CountsWhatIsOpenAndSaysSinceWhenTheFirstIsDue) {
    EXPECT_TRUE(run(store().backlog())->open.empty());
    EXPECT_FALSE(run(store().backlog())->first_due);
    for (const int i : {1, 2, 3}) {
        const Resource resource = sample_resource(i);
        must(accept(resource, sample_operation(i, resource, kStart - std::chrono::seconds(i))));
    }
    Operation follower = sample_operation(4, stored(resource_id(1)), kStart - 1h);
    follower.kind = OperationKind::deprovision;
    follower.blocked_by = operation_id(1);
    put(follower);
    using Open = decltype(Backlog::open);
    constexpr auto kProvision = OperationKind::provision;
    const std::pair blocked{OperationKind::deprovision, OpenState::blocked};
    Backlog now = run(store().backlog()).value();
    EXPECT_EQ(now.open, (Open{{{kProvision, OpenState::queued}, 3}, {blocked, 1}}));
    EXPECT_EQ(now.first_due, kStart - 3s) << "what waits for another is not due";

    auto work = lease(2).work;
    work.at(0).operation.state = operation_state::Retrying{kStart + 5s, "throttled"};
    put(work.at(0).operation, work.at(0).operation.fence);
    now = run(store().backlog()).value();
    EXPECT_EQ(now.open, (Open{{{kProvision, OpenState::queued}, 1},
                              {{kProvision, OpenState::running}, 1},
                              {{kProvision, OpenState::retrying}, 1},
                              {blocked, 1}}));
    EXPECT_EQ(now.first_due, kStart - 1s);
}

TEST_P(StoreConformance, LeavesTerminalOperationsAlone) {
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Operation operation = lease().work.at(0).operation;
    operation.state = operation_state::Succeeded{kStart};
    put(operation, operation.fence);
    clock.advance(24h);
    const auto answer = lease();
    EXPECT_TRUE(answer.work.empty());
    EXPECT_FALSE(answer.next_due);
}

TEST_P(StoreConformance, KeepsOperationsOfAnotherHostForThatHost) {
    for (const int i : {1, 2, 3}) {
        const Resource resource = sample_resource(i);
        Operation operation = sample_operation(i, resource, i == 3 ? kStart + 5s : kStart);
        if (i != 1) operation.host = HostId("host-2");
        must(accept(resource, operation));
    }
    const auto here = lease();
    EXPECT_EQ(ids(here), operations({1}));
    EXPECT_EQ(here.next_due, kStart + 30s) << "what only another host may run is no reason to wake";
    const auto there = lease(100, "host-2");
    EXPECT_EQ(ids(there), operations({2}));
    EXPECT_EQ(there.next_due, kStart + 5s);
}

TEST_P(StoreConformance, RespectsTheCapacityOfEachProvider) {
    for (int i = 1; i <= 6; ++i) {
        Resource resource = sample_resource(i);
        resource.provider = i % 3 == 0 ? "aws" : i % 3 == 1 ? "local" : "dummy";
        must(accept(resource, sample_operation(i, resource)));
    }
    LeaseRequest request{HostId("h"), 30s, {{"aws", 1}, {"local", 9}}, 64, {}};
    EXPECT_EQ(ids(lease(request)), operations({1, 3, 4}));
    EXPECT_EQ(ids(lease(request)), operations({6}));
    EXPECT_TRUE(lease(request).work.empty()) << "a provider that is not named gets none";
    request.capacity = {{"dummy", 0}};
    EXPECT_TRUE(lease(request).work.empty());
}

TEST_P(StoreConformance, BoundsEachOrganizationAndPassesOverSaturatedOnes) {
    int number = 0;
    for (const std::string organization : {"greedy", "greedy", "greedy", "full", "full", "modest"}) {
        const Resource resource = sample_resource(++number, organization);
        must(accept(resource, sample_operation(number, resource)));
    }
    LeaseRequest request{HostId("h"), 30s, {{"local", 100}}, 2, {OrganizationId("full")}};
    EXPECT_EQ(ids(lease(request)), operations({1, 2, 6}));
    request.saturated.clear();
    EXPECT_EQ(ids(lease(request)), operations({3, 4, 5}));
}

TEST_P(StoreConformance, HoldsABlockedOperationUntilItIsUnblocked) {
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Operation follower = sample_operation(2, resource);
    follower.kind = OperationKind::deprovision;
    follower.steps = plan_steps(OperationKind::deprovision);
    follower.blocked_by = operation_id(1);
    put(follower);
    EXPECT_EQ(stored(follower.id).blocked_by, operation_id(1));
    auto work = lease().work;
    ASSERT_EQ(work.size(), 1U);
    EXPECT_TRUE(lease().work.empty());

    Operation done = work[0].operation;
    done.state = operation_state::Succeeded{kStart};
    Commit finish;
    finish.writes.emplace_back(write::Unblock{done.id});
    finish.writes.emplace_back(write::PutOperation{done, done.fence});
    must(finish);
    EXPECT_TRUE(stored(follower.id).blocked_by.empty());
    EXPECT_EQ(stored(follower.id).version, 2U) << "a writer who still thinks that it is blocked must notice";
    EXPECT_EQ(ids(lease()), operations({2}));
}

TEST_P(StoreConformance, DoesNotBlockOnWhatIsOverAlready) {
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Operation done = lease().work.at(0).operation;
    done.state = operation_state::Cancelled{kStart, "asked"};
    put(done, done.fence);
    // It was read while the first was still at work: nothing would ever unblock it.
    Operation late = sample_operation(2, resource);
    late.blocked_by = done.id;
    EXPECT_TRUE(put(late).blocked_by.empty());
    EXPECT_EQ(ids(lease()), operations({2}));
}

TEST_P(StoreConformance, UnblocksWhatTheSameCommitWrites) {
    const Resource resource = sample_resource(1);
    must(accept(resource, sample_operation(1, resource)));
    Operation done = lease().work.at(0).operation;
    done.state = operation_state::Failed{kStart, "no"};
    Operation next = sample_operation(2, resource);
    next.blocked_by = done.id;
    Commit commit;
    commit.writes.emplace_back(write::PutOperation{next, std::nullopt});
    commit.writes.emplace_back(write::PutOperation{done, done.fence});
    commit.writes.emplace_back(write::Unblock{done.id});
    const auto committed = must(commit);
    EXPECT_TRUE(committed.operations.at(0).blocked_by.empty());
    EXPECT_EQ(stored(next.id).version, 1U);
}

}  // namespace
}  // namespace slipway::conformance
