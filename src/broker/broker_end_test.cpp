// The end of resources and operations: deletion from every state, and cancels that are real.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class EndTest : public BrokerTest {
  protected:
    Accepted remove(const ResourceId& id, CallContext context = caller()) {
        auto accepted = run(broker_->deprovision(std::move(context), id));
        EXPECT_TRUE(accepted) << accepted.error().message;
        return std::move(accepted).value();
    }
    ErrorCode refused_removal(const ResourceId& id, CallContext context = caller()) {
        auto accepted = run(broker_->deprovision(std::move(context), id));
        EXPECT_FALSE(accepted);
        return accepted ? ErrorCode::internal : accepted.error().code;
    }
    ErrorCode refused_cancel(const OperationId& id, CallContext context = caller()) {
        auto answer = run(broker_->cancel(std::move(context), id, "why not"));
        EXPECT_FALSE(answer);
        return answer ? ErrorCode::internal : answer.error().code;
    }
};

TEST_F(EndTest, AReadyOneIsRemovedAndForgotten) {
    const Resource made = ready();
    const Accepted accepted = remove(made.id);
    ASSERT_TRUE(accepted.operation);
    EXPECT_EQ(accepted.operation->kind, OperationKind::deprovision);
    EXPECT_EQ(state_of(made.id), "deprovisioning");
    work();
    EXPECT_EQ(state_of(made.id), "gone");
    EXPECT_FALSE(out_there_[made.id]);
    EXPECT_TRUE(resource(made.id).secrets.empty());
    EXPECT_EQ(refused_removal(made.id), ErrorCode::not_found);
}

TEST_F(EndTest, ARepeatedRemovalAnswersTheSameOperation) {
    const Resource made = ready();
    const Accepted first = remove(made.id);
    const Accepted second = remove(made.id);
    EXPECT_TRUE(second.replayed);
    EXPECT_EQ(second.operation->id, first.operation->id);
}

// Nobody has begun: there is nothing to undo and nothing to wait for.
TEST_F(EndTest, OneThatNobodyBeganIsCancelledUntouched) {
    const Accepted asked = provision();
    const Accepted removal = remove(asked.resource.id);
    EXPECT_EQ(state_of(asked.operation->id), "cancelled");
    EXPECT_TRUE(operation(removal.operation->id).blocked_by.empty());
    work();
    EXPECT_EQ(state_of(asked.resource.id), "gone");
    EXPECT_FALSE(out_there_.contains(asked.resource.id) && out_there_[asked.resource.id]);
}

// A creation under way is halted and undone before the removal begins: two workers on one thing would race.
TEST_F(EndTest, TheRemovalWaitsUntilTheCreationHasUndone) {
    const Accepted asked = provision();
    work(Verb::create);  // a worker has the lease and is about to call
    ASSERT_EQ(state_of(asked.resource.id), "provisioning");
    const Accepted removal = remove(asked.resource.id);
    EXPECT_EQ(operation(removal.operation->id).blocked_by, asked.operation->id);
    EXPECT_TRUE(operation(asked.operation->id).cancel_requested);
    auto leased = run(memory_.lease({HostId("host-1"), 30s, {{"dummy", 64}}, 64, {}}));
    ASSERT_TRUE(leased);
    EXPECT_TRUE(leased->work.empty()) << "the removal is not due yet";
    clock_.advance(31s);  // that worker never comes back
    work();
    clock_.advance(RetryPolicy{}.settle);  // what it called may show up late
    work();
    EXPECT_EQ(state_of(asked.operation->id), "cancelled");
    EXPECT_EQ(state_of(removal.operation->id), "succeeded");
    EXPECT_EQ(state_of(asked.resource.id), "gone");
    EXPECT_FALSE(out_there_[asked.resource.id]);
}

// A worker finished between reading and writing: the removal is of what is there now.
TEST_F(EndTest, ARemovalThatRacesWithTheEndOfACreationStillComes) {
    const Accepted asked = provision();
    store_.before_commit = [&]() -> Task<void> {
        work();
        co_return;
    };
    const Accepted removal = remove(asked.resource.id);
    EXPECT_EQ(state_of(asked.operation->id), "succeeded") << "it was not asked to undo what was done";
    work();
    EXPECT_EQ(state_of(removal.operation->id), "succeeded");
    EXPECT_EQ(state_of(asked.resource.id), "gone");
}

TEST_F(EndTest, AFailedOneCanBeRemoved) {
    const Accepted asked = provision();
    ASSERT_TRUE(run(broker_->cancel(caller(), asked.operation->id, "no")));
    ASSERT_EQ(state_of(asked.resource.id), "failed");
    remove(asked.resource.id);
    work();
    EXPECT_EQ(state_of(asked.resource.id), "gone");
}

TEST_F(EndTest, WhoMayNotSeeItCannotRemoveIt) {
    const Resource made = ready();
    EXPECT_EQ(refused_removal(made.id, caller("other")), ErrorCode::not_found);
    EXPECT_EQ(refused_removal(made.id, caller("acme", Role::reader)), ErrorCode::forbidden);
    EXPECT_EQ(refused_removal(ResourceId("res_unknown")), ErrorCode::not_found);
    EXPECT_EQ(state_of(made.id), "ready");
    remove(made.id, caller("operators", Role::administrator));
}

TEST_F(EndTest, AQueuedOperationIsCancelledAtOnceAndItsPortIsGivenBack) {
    const Accepted asked = provision();
    const auto cancelled = run(broker_->cancel(caller(), asked.operation->id, "changed my mind"));
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(state_name(cancelled->state), "cancelled");
    EXPECT_EQ(cancelled->cancel_reason, "changed my mind");
    EXPECT_EQ(state_of(asked.resource.id), "failed");
    EXPECT_TRUE(resource(asked.resource.id).allocations.empty());
    work();
    EXPECT_FALSE(out_there_.contains(asked.resource.id)) << "nothing was ever called";
    EXPECT_EQ(refused_cancel(asked.operation->id), ErrorCode::conflict);
}

TEST_F(EndTest, ARunningOperationIsAskedToTurnRound) {
    const Accepted asked = provision();
    work(Verb::create);
    const auto cancelled = run(broker_->cancel(caller(), asked.operation->id, "stop"));
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(state_name(cancelled->state), "running");
    EXPECT_TRUE(cancelled->cancel_requested);
    clock_.advance(31s);
    work();
    clock_.advance(RetryPolicy{}.settle);
    work();
    EXPECT_EQ(state_of(asked.operation->id), "cancelled");
    EXPECT_EQ(state_of(asked.resource.id), "failed");
    EXPECT_FALSE(out_there_[asked.resource.id]);
}

TEST_F(EndTest, AWaitingOperationTurnsRoundAtOnce) {
    const Accepted asked = provision();
    auto leased = run(memory_.lease({HostId("host-1"), 30s, {{"dummy", 64}}, 64, {}}));
    Observation pending;
    pending.presence = Presence::pending;
    pending.look_again = 5min;
    LeasedWork work_of = std::move(leased->work.at(0));
    auto began = step(work_of.operation, {clock_.now(), operation_event::Began{true}}, RetryPolicy{});
    record(work_of, std::move(*began));
    auto waits = step(work_of.operation, {clock_.now(), operation_event::Answered{Verb::create, pending, 0.5}},
                      RetryPolicy{});
    record(work_of, std::move(*waits));
    out_there_[asked.resource.id] = true;
    ASSERT_EQ(state_of(asked.operation->id), "waiting");
    ASSERT_TRUE(run(broker_->cancel(caller(), asked.operation->id, "stop")));
    work();
    EXPECT_EQ(state_of(asked.operation->id), "cancelled");
    EXPECT_FALSE(out_there_[asked.resource.id]);
}

TEST_F(EndTest, WhatHasEndedOrIsADeletionCannotBeCancelled) {
    const Accepted asked = provision();
    work();
    EXPECT_EQ(refused_cancel(asked.operation->id), ErrorCode::conflict);
    const Accepted removal = remove(asked.resource.id);
    EXPECT_EQ(refused_cancel(removal.operation->id), ErrorCode::conflict);
    work();
    EXPECT_EQ(state_of(removal.operation->id), "succeeded");
}

TEST_F(EndTest, WhoMayNotSeeItCannotCancelIt) {
    const Accepted asked = provision();
    EXPECT_EQ(refused_cancel(asked.operation->id, caller("other")), ErrorCode::not_found);
    EXPECT_EQ(refused_cancel(asked.operation->id, caller("acme", Role::reader)), ErrorCode::forbidden);
    EXPECT_EQ(refused_cancel(OperationId("op_unknown")), ErrorCode::not_found);
    EXPECT_EQ(state_of(asked.operation->id), "queued");
}

// A cancel that loses the race against the worker's lease is asked again of what is there then.
TEST_F(EndTest, ACancelThatRacesWithALeaseIsKept) {
    const Accepted asked = provision();
    store_.before_commit = [&]() -> Task<void> {
        static_cast<void>(co_await memory_.lease({HostId("host-1"), 30s, {{"dummy", 64}}, 64, {}}));
    };
    const auto cancelled = run(broker_->cancel(caller(), asked.operation->id, "stop"));
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(state_name(cancelled->state), "running");
    EXPECT_TRUE(operation(asked.operation->id).cancel_requested);
}

}  // namespace
}  // namespace slipway::broker_test
