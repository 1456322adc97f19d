// The whole transition table of operations: every state against every event, and every step kind against every
// presence and error class that a provider can answer.
#include "domain/operation_step.h"

#include <gtest/gtest.h>

#include "domain/overloaded.h"

namespace slipway {
namespace {

using namespace operation_state;
namespace ev = operation_event;
namespace fx = operation_effect;

const TimePoint kNow = from_micros(1'700'000'000'000'000);
const RetryPolicy kPolicy;
constexpr Duration kLease = std::chrono::seconds(30);

Operation operation_of(OperationKind kind) {
    Operation operation;
    operation.id = OperationId("op_1");
    operation.resource = ResourceId("res_1");
    operation.kind = kind;
    operation.steps = plan_steps(kind);
    operation.deadline = kNow + std::chrono::hours(1);
    operation.run_at = kNow;
    return operation;
}

// With its first step's intent on disk, as after a crash.
Operation begun(OperationKind kind, OperationState state) {
    Operation operation = operation_of(kind);
    operation.steps[0].status = StepStatus::intended;
    operation.leases = 1;
    operation.state = std::move(state);
    return operation;
}

Operation running(OperationKind kind) {
    return begun(kind, Running{LeaseToken("t"), kNow + std::chrono::seconds(10)});
}

Observation seen(Presence presence) {
    Observation observation;
    observation.presence = presence;
    if (presence == Presence::running) observation.endpoint = Endpoint{"redis", "h", 1};
    return observation;
}

std::string describe(const std::expected<OperationStepped, Refusal>& stepped) {
    if (!stepped) return "-";
    std::string text(state_name(stepped->operation.state));
    if (stepped->operation.direction == Direction::undo) text += "(undo)";
    for (const OperationEffect& effect : stepped->effects) {
        text += std::visit(Overloaded{
                               [](const fx::CallProvider& call) { return "+" + std::string(to_string(call.verb)); },
                               [](const fx::ChangeResource&) { return std::string("+resource"); },
                               [](const fx::Reallocate&) { return std::string("+reallocate"); },
                               [](const fx::ReleaseFollower&) { return std::string("+follower"); },
                               [](const fx::Record&) { return std::string(); },
                           },
                           effect);
    }
    return text;
}

std::string after(const Operation& operation, OperationChange change) {
    return describe(step(operation, {kNow, std::move(change)}, kPolicy));
}

TEST(OperationTable, EveryStateAgainstEveryEvent) {
    const TimePoint past = kNow - std::chrono::seconds(1);
    const TimePoint future = kNow + std::chrono::seconds(1);
    const auto provision = OperationKind::provision;
    const std::vector<std::pair<std::string, Operation>> states{
        {"queued", operation_of(provision)},
        {"queued,begun", begun(provision, Queued{})},
        {"running", running(provision)},
        {"running,expired", begun(provision, Running{LeaseToken("t"), past})},
        {"waiting", begun(provision, Waiting{future, ""})},
        {"waiting,due", begun(provision, Waiting{past, ""})},
        {"retrying", begun(provision, Retrying{future, ""})},
        {"retrying,due", begun(provision, Retrying{past, ""})},
        {"succeeded", begun(provision, Succeeded{past})},
        {"failed", begun(provision, Failed{past, ""})},
        {"cancelled", begun(provision, Cancelled{past, ""})},
    };
    const std::vector<std::pair<std::string, OperationChange>> events{
        {"leased", ev::Leased{LeaseToken("n"), kNow + kLease}},
        {"began", ev::Began{false}},
        {"answered", ev::Answered{Verb::observe, seen(Presence::absent), 0.5}},
        {"renewed", ev::Renewed{kNow + kLease}},
        {"parked", ev::Parked{}},
        {"cancel", ev::CancelRequested{"no longer wanted"}},
        {"exhausted", ev::Exhausted{"no free port"}},
    };
    const std::map<std::string, std::map<std::string, std::string>> allowed{
        {"queued", {{"leased", "running"}, {"cancel", "cancelled(undo)+resource+follower"}}},
        {"queued,begun", {{"leased", "running"}, {"cancel", "queued"}}},
        {"running",
         {{"began", "running+observe"},
          {"answered", "running+create"},
          {"renewed", "running"},
          {"parked", "queued"},
          {"cancel", "running"},
          {"exhausted", "running(undo)+remove"}}},
        {"running,expired",
         {{"leased", "running"},
          {"began", "running+observe"},
          {"answered", "running+create"},
          {"renewed", "running"},
          {"parked", "queued"},
          {"cancel", "running"},
          {"exhausted", "running(undo)+remove"}}},
        {"waiting", {{"cancel", "queued"}}},
        {"waiting,due", {{"leased", "running"}, {"cancel", "queued"}}},
        {"retrying", {{"cancel", "queued"}}},
        {"retrying,due", {{"leased", "running"}, {"cancel", "queued"}}},
        {"succeeded", {}},
        {"failed", {}},
        {"cancelled", {}},
    };
    for (const auto& [state, operation] : states) {
        for (const auto& [name, change] : events) {
            const auto& row = allowed.at(state);
            const auto found = row.find(name);
            EXPECT_EQ(after(operation, change), found == row.end() ? "-" : found->second) << state << " × " << name;
        }
    }
}

struct AnswerRow {
    std::string step;  // the step and the verb that was called
    OperationKind kind;
    std::uint32_t cursor;
    Direction direction;
    Verb verb;
    // absent, pending, running, stopped, deleting, failed, foreign
    std::array<const char*, 7> outcome;
};

Operation at_step(const AnswerRow& row) {
    Operation operation = running(row.kind);
    for (std::uint32_t i = 0; i < row.cursor; ++i) operation.steps[i].status = StepStatus::done;
    operation.cursor = row.cursor;
    operation.direction = row.direction;
    if (row.direction == Direction::undo) operation.failure = "why";
    return operation;
}

constexpr std::array kPresences{Presence::absent,   Presence::pending, Presence::running, Presence::stopped,
                                Presence::deleting, Presence::failed,  Presence::foreign};

constexpr auto kUndo = "running(undo)+remove";
constexpr auto kFailed = "failed(undo)+resource+follower";
constexpr auto kRevert = "running(undo)+resource+observe";
constexpr auto kLost = "failed+resource+follower";
constexpr auto kDone = "succeeded+resource+follower";

// clang-format off: one row a line, so that the columns can be compared
const std::vector<AnswerRow>& answer_rows() {
    using K = OperationKind;
    constexpr auto forward = Direction::forward;
    constexpr auto undo = Direction::undo;
    static const std::vector<AnswerRow> rows{
        {"create/observe", K::provision, 0, forward, Verb::observe,
         {"running+create", "waiting", "running+observe", "running+create", "waiting", kUndo, kUndo}},
        {"create/create", K::provision, 0, forward, Verb::create,
         {"retrying", "waiting", "running+observe", "retrying", "waiting", kUndo, kUndo}},
        {"verify/observe", K::provision, 1, forward, Verb::observe,
         {"retrying", "waiting", kDone, "retrying", "retrying", kUndo, kUndo}},
        {"undo create/observe", K::provision, 0, undo, Verb::observe,
         {kFailed, kUndo, kUndo, kUndo, "waiting(undo)", kUndo, kFailed}},
        {"undo create/remove", K::provision, 0, undo, Verb::remove,
         {kFailed, "retrying(undo)", "retrying(undo)", "retrying(undo)", "waiting(undo)", "retrying(undo)", kFailed}},
        {"remove/observe", K::deprovision, 0, forward, Verb::observe,
         {kDone, "running+remove", "running+remove", "running+remove", "waiting", "running+remove", kDone}},
        {"remove/remove", K::deprovision, 0, forward, Verb::remove,
         {kDone, "retrying", "retrying", "retrying", "waiting", "retrying", kDone}},
        {"restart/observe", K::repair, 0, forward, Verb::observe,
         {kLost, "running+update", kDone, "running+update", "waiting", kFailed, kLost}},
        {"restart/update", K::repair, 0, forward, Verb::update,
         {kLost, "waiting", kDone, "retrying", "waiting", kFailed, kLost}},
        {"change/observe", K::update, 0, forward, Verb::observe,
         {kRevert, "running+update", "running+update", "running+update", "waiting", kRevert, kRevert}},
        {"change/update", K::update, 0, forward, Verb::update,
         {kRevert, "waiting", "running+observe", "retrying", "waiting", kRevert, kRevert}},
        {"verify change/observe", K::update, 1, forward, Verb::observe,
         {"retrying", "waiting", kDone, "retrying", "retrying", kRevert, kRevert}},
        {"undo change/observe", K::update, 0, undo, Verb::observe,
         {kFailed, "running(undo)+update", "running(undo)+update", "running(undo)+update", "waiting(undo)", kFailed,
          kFailed}},
        {"undo change/update", K::update, 0, undo, Verb::update,
         {kFailed, "retrying(undo)", kFailed, "retrying(undo)", "waiting(undo)", kFailed, kFailed}},
        {"claim/update", K::claim, 0, forward, Verb::update,
         {kUndo, "waiting", kDone, "retrying", "waiting", kUndo, kUndo}},
    };
    return rows;
}
// clang-format on

TEST(OperationTable, EveryStepAgainstEveryPresence) {
    for (const AnswerRow& row : answer_rows()) {
        for (std::size_t i = 0; i < kPresences.size(); ++i) {
            EXPECT_EQ(after(at_step(row), ev::Answered{row.verb, seen(kPresences[i]), 0.5}), row.outcome[i])
                << row.step << " × " << to_string(kPresences[i]);
        }
    }
}

// It was said to be "not ours", with nothing that its owner could do.
TEST(OperationStep, AResourceOfOursThatHasTheNameIsNamedWithTheCommandThatRemovesIt) {
    Observation taken = seen(Presence::foreign);
    const auto failure = [&] {
        auto stepped =
            step(running(OperationKind::provision), {kNow, ev::Answered{Verb::create, taken, 0.5}}, kPolicy);
        return stepped ? stepped->operation.failure : stepped.error().why;
    };
    EXPECT_EQ(failure(), "its name is taken by something that is not ours");
    taken.holder = "oct-1a2b3c4d";
    EXPECT_EQ(failure(),
              "its name is taken by oct-1a2b3c4d, another resource of this installation: remove that "
              "first (slipway rm oct-1a2b3c4d)");
}

ProviderAnswer error_of(ErrorClass error) {
    ProviderError made;
    made.error_class = error;
    made.message = "it broke";
    made.allocation = "port";
    return std::unexpected(made);
}

TEST(OperationTable, EveryStepAgainstEveryErrorClass) {
    for (const AnswerRow& row : answer_rows()) {
        const bool undo = row.direction == Direction::undo;
        const bool reverting = undo && row.kind == OperationKind::update;
        const bool removing = (undo && !reverting) || row.kind == OperationKind::deprovision;
        const std::string retry = undo ? "retrying(undo)" : "retrying";
        for (const ErrorClass error :
             {ErrorClass::throttled, ErrorClass::transient, ErrorClass::unknown_outcome, ErrorClass::conflict}) {
            EXPECT_EQ(after(at_step(row), ev::Answered{row.verb, error_of(error), 0.5}), retry)
                << row.step << " × " << to_string(error);
        }
        const std::string permanent =
            after(at_step(row), ev::Answered{row.verb, error_of(ErrorClass::permanent), 0.5});
        if (removing) {
            EXPECT_EQ(permanent, retry) << row.step << ": giving up would leave it behind";
        } else {
            EXPECT_TRUE(permanent == kUndo || permanent == kFailed || permanent == kRevert)
                << row.step << ": " << permanent;
        }
        const std::string moved =
            after(at_step(row), ev::Answered{row.verb, error_of(ErrorClass::address_in_use), 0.5});
        const std::string again = fmt::format("running{}+reallocate+{}", undo ? "(undo)" : "", to_string(row.verb));
        EXPECT_EQ(moved, removing || row.verb == Verb::observe ? retry : again) << row.step;
    }
}

TEST(OperationStep, AttemptsAreBoundedThenTheCreationIsUndone) {
    Operation operation = running(OperationKind::provision);
    for (std::uint32_t attempt = 1; attempt < kPolicy.max_attempts; ++attempt) {
        auto stepped =
            step(operation, {kNow, ev::Answered{Verb::create, error_of(ErrorClass::transient), 0.5}}, kPolicy);
        ASSERT_EQ(describe(stepped), "retrying");
        operation = stepped->operation;
        operation.state = Running{LeaseToken("t"), kNow};
    }
    EXPECT_EQ(after(operation, ev::Answered{Verb::create, error_of(ErrorClass::transient), 0.5}),
              "running(undo)+remove");
}

TEST(OperationStep, AnUndoThatNeverWorksIsReportedAsLeftBehindAndNotTriedForEver) {
    Operation operation = running(OperationKind::provision);
    operation.direction = Direction::undo;
    operation.failure = "why";
    operation.steps[0].attempts = kPolicy.max_undo_attempts - 1;
    const auto stepped =
        step(operation, {kNow, ev::Answered{Verb::remove, error_of(ErrorClass::transient), 0.5}}, kPolicy);
    ASSERT_EQ(describe(stepped), "failed(undo)+resource+follower");
    const auto& change = std::get<fx::ChangeResource>(stepped->effects[0]).change;
    EXPECT_TRUE(std::get<resource_event::ProvisionFailed>(change).left_behind);
}

TEST(OperationStep, ACancelTurnsTheWorkerRoundAtItsNextAnswerWhateverThatIs) {
    Operation operation = running(OperationKind::provision);
    operation.cancel_requested = true;
    operation.cancel_reason = "deleted by its owner";
    EXPECT_EQ(after(operation, ev::Answered{Verb::create, seen(Presence::running), 0.5}), "running(undo)+remove");
    EXPECT_EQ(after(operation, ev::Answered{Verb::create, error_of(ErrorClass::transient), 0.5}),
              "running(undo)+remove");
    EXPECT_EQ(after(operation, ev::Began{false}), "running(undo)+remove");
}

// It was said to be made, and a cancellation came before that was recorded: a provider that shows what it made with
// a delay says "absent" to the removal, and the thing turned up when its resource was gone.
TEST(OperationStep, WhatMayHaveBeenMadeUnseenIsLookedForTwiceWhereItIsUndone) {
    Operation operation = running(OperationKind::provision);
    operation.cancel_requested = true;
    auto stepped = step(operation, {kNow, ev::Began{false, true}}, kPolicy);
    ASSERT_EQ(describe(stepped), "running(undo)+remove");
    stepped = step(stepped->operation, {kNow, ev::Answered{Verb::remove, seen(Presence::absent), 0}}, kPolicy);
    EXPECT_EQ(describe(stepped), "waiting(undo)");
    operation.cancel_requested = false;
    operation.cursor = 1;
    operation.steps[0].status = StepStatus::done;
    stepped = step(operation, {kNow, ev::Answered{Verb::observe, seen(Presence::absent), 0}}, kPolicy);
    ASSERT_TRUE(stepped);
    EXPECT_TRUE(stepped->operation.steps[0].uncertain) << "nor does a look that comes too early tell anything";
}

TEST(OperationStep, ADeletionCannotBeCancelled) {
    EXPECT_EQ(after(running(OperationKind::deprovision), ev::CancelRequested{"no"}), "-");
}

TEST(OperationStep, ThePastDeadlineUndoesInsteadOfWaitingForEver) {
    Operation operation = running(OperationKind::provision);
    operation.deadline = kNow - Duration(1);
    EXPECT_EQ(after(operation, ev::Began{false}), "running(undo)+remove");
}

TEST(OperationStep, TimeInWhichNobodyWorkedDoesNotCountAgainstTheDeadline) {
    Operation operation = operation_of(OperationKind::provision);
    operation.deadline = kNow + std::chrono::minutes(15);
    const TimePoint tomorrow = kNow + std::chrono::hours(24);
    const auto leased = step(operation, {tomorrow, ev::Leased{LeaseToken("t"), tomorrow + kLease}}, kPolicy);
    ASSERT_TRUE(leased);
    EXPECT_EQ(leased->operation.deadline, tomorrow + std::chrono::minutes(15));
    EXPECT_EQ(due_now(operation, tomorrow).deadline, tomorrow + std::chrono::minutes(15));
}

TEST(OperationStep, AConflictGivesTheProviderTimeToShowWhatIsThere) {
    const auto stepped = step(running(OperationKind::provision),
                              {kNow, ev::Answered{Verb::create, error_of(ErrorClass::conflict), 0.0}}, kPolicy);
    ASSERT_EQ(describe(stepped), "retrying");
    EXPECT_GE(stepped->operation.run_at, kNow + kPolicy.poll);
}

TEST(OperationStep, AnUnknownOutcomeIsUndoneOnlyAfterTwoLooksThatFindNothing) {
    Operation operation = running(OperationKind::provision);
    operation.direction = Direction::undo;
    operation.failure = "why";
    operation.steps[0].uncertain = true;
    auto stepped = step(operation, {kNow, ev::Answered{Verb::observe, seen(Presence::absent), 0}}, kPolicy);
    ASSERT_EQ(describe(stepped), "waiting(undo)");
    EXPECT_GE(stepped->operation.run_at, kNow + kPolicy.settle);
    operation = stepped->operation;
    operation.state = Running{LeaseToken("t"), kNow + kLease};
    EXPECT_EQ(after(operation, ev::Answered{Verb::observe, seen(Presence::absent), 0}),
              "failed(undo)+resource+follower");
    // It showed up after all: it is removed, and the looks begin anew.
    EXPECT_EQ(after(operation, ev::Answered{Verb::observe, seen(Presence::running), 0}), "running(undo)+remove");
}

// Another installation on the same machine may hold the first fifty ports of the range.
TEST(OperationStep, OccupiedPortsUseUpNoAttempts) {
    Operation operation = running(OperationKind::provision);
    for (int port = 0; port < 50; ++port) {
        auto stepped =
            step(operation, {kNow, ev::Answered{Verb::create, error_of(ErrorClass::address_in_use), 0.5}}, kPolicy);
        ASSERT_EQ(describe(stepped), "running+reallocate+create");
        operation = std::move(stepped->operation);
    }
    EXPECT_EQ(operation.steps[0].attempts, 0U);
    operation.steps[0].moves = kPolicy.max_moves;
    EXPECT_EQ(after(operation, ev::Answered{Verb::create, error_of(ErrorClass::address_in_use), 0.5}), "retrying");
}

TEST(OperationStep, APortIsNotGivenAwayWhileAnUnseenCreationMayHoldIt) {
    Operation operation = running(OperationKind::provision);
    operation.steps[0].uncertain = true;
    EXPECT_EQ(after(operation, ev::Answered{Verb::create, error_of(ErrorClass::address_in_use), 0.5}), "retrying");
}

TEST(OperationStep, AMutatingStepIsPersistedBeforeItIsCalledAndAReadIsNot) {
    Operation operation = running(OperationKind::provision);
    operation.steps = {Step{.kind = StepKind::create, .status = StepStatus::intended},
                       Step{.kind = StepKind::update}, Step{.kind = StepKind::verify}};
    auto stepped = step(operation, {kNow, ev::Answered{Verb::create, seen(Presence::running), 0}}, kPolicy);
    ASSERT_TRUE(stepped);
    EXPECT_TRUE(stepped->persist);
    EXPECT_EQ(stepped->operation.steps[1].status, StepStatus::intended);
    stepped = step(stepped->operation, {kNow, ev::Answered{Verb::update, seen(Presence::running), 0}}, kPolicy);
    ASSERT_TRUE(stepped);
    EXPECT_EQ(describe(stepped), "running+observe");
    EXPECT_FALSE(stepped->persist);
}

// Who makes it may have used it as its owner will: nobody has to look again.
TEST(OperationStep, WhatWasProvenWhileItWasMadeIsNotCheckedAgain) {
    Observation proven = seen(Presence::running);
    proven.proven = true;
    for (const auto& [kind, verb] :
         {std::pair(OperationKind::provision, Verb::create), std::pair(OperationKind::update, Verb::update)}) {
        const auto stepped = step(running(kind), {kNow, ev::Answered{verb, proven, 0}}, kPolicy);
        EXPECT_EQ(describe(stepped), "succeeded+resource+follower");
        ASSERT_TRUE(stepped);
        for (const Step& each : stepped->operation.steps) EXPECT_EQ(each.status, StepStatus::done);
        EXPECT_EQ(after(running(kind), ev::Answered{verb, seen(Presence::running), 0}), "running+observe");
    }
}

TEST(OperationStep, UndoGoesBackOverEveryStepThatMayHaveHadAnEffect) {
    Operation operation = running(OperationKind::provision);
    operation.steps = {Step{.kind = StepKind::create, .status = StepStatus::done},
                       Step{.kind = StepKind::create, .status = StepStatus::intended}};
    operation.cursor = 1;
    auto stepped = step(operation, {kNow, ev::Answered{Verb::create, error_of(ErrorClass::permanent), 0}}, kPolicy);
    ASSERT_EQ(describe(stepped), "running(undo)+remove");
    EXPECT_EQ(stepped->operation.cursor, 1U) << "an intended step may have taken effect";
    stepped = step(stepped->operation, {kNow, ev::Answered{Verb::remove, seen(Presence::absent), 0}}, kPolicy);
    ASSERT_EQ(describe(stepped), "running(undo)+remove");
    EXPECT_EQ(stepped->operation.cursor, 0U);
    stepped = step(stepped->operation, {kNow, ev::Answered{Verb::remove, seen(Presence::absent), 0}}, kPolicy);
    EXPECT_EQ(describe(stepped), "failed(undo)+resource+follower");
}

// Taking a change back is bounded, and what is said then is that nobody knows how it runs.
TEST(OperationStep, AChangeThatCannotBeTakenBackIsReportedSo) {
    Operation operation = running(OperationKind::update);
    operation.direction = Direction::undo;
    operation.failure = "no memory";
    operation.steps[0].attempts = kPolicy.max_undo_attempts - 1;
    const auto stepped =
        step(operation, {kNow, ev::Answered{Verb::update, error_of(ErrorClass::transient), 0}}, kPolicy);
    ASSERT_TRUE(stepped);
    const auto* change = std::get_if<fx::ChangeResource>(&stepped->effects.front());
    ASSERT_NE(change, nullptr);
    EXPECT_TRUE(std::get<resource_event::UpdateFailed>(change->change).left_behind);
}

Resource requested() {
    Resource resource;
    resource.id = ResourceId("res_1");
    resource.state = resource_state::Requested{OperationId("op_1")};
    return resource;
}

TEST(Lease, RaisesTheFenceWritesTheIntentAndStartsTheResource) {
    const auto outcome =
        lease(operation_of(OperationKind::provision), requested(), LeaseToken("t"), kNow, kLease, kPolicy);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->operation.fence, 1U);
    EXPECT_TRUE(outcome->fresh);
    EXPECT_EQ(outcome->operation.steps[0].status, StepStatus::intended);
    EXPECT_TRUE(outcome->resource_changed);
    EXPECT_EQ(state_name(outcome->resource.state), "provisioning");
    ASSERT_EQ(outcome->events.size(), 1U);
    EXPECT_EQ(outcome->events[0].type, "operation.started");
}

TEST(Lease, ATakeoverIsNotFreshBecauseTheLastWorkerMayHaveCalled) {
    Operation operation = running(OperationKind::provision);
    operation.state = Running{LeaseToken("old"), kNow - Duration(1)};
    operation.fence = 4;
    const auto outcome = lease(operation, requested(), LeaseToken("t"), kNow, kLease, kPolicy);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->operation.fence, 5U);
    EXPECT_FALSE(outcome->fresh);
    EXPECT_EQ(outcome->events.at(0).type, "operation.taken_over");
}

TEST(Lease, RefusesWhatIsNotDueBlockedOrEnded) {
    Operation operation = operation_of(OperationKind::provision);
    operation.run_at = kNow + Duration(1);
    EXPECT_FALSE(lease(operation, requested(), LeaseToken("t"), kNow, kLease, kPolicy));
    operation.run_at = kNow;
    operation.blocked_by = OperationId("op_0");
    EXPECT_FALSE(lease(operation, requested(), LeaseToken("t"), kNow, kLease, kPolicy));
    operation.blocked_by = {};
    operation.state = Succeeded{kNow};
    EXPECT_FALSE(lease(operation, requested(), LeaseToken("t"), kNow, kLease, kPolicy));
}

TEST(Backoff, IsFullJitterUnderACeiling) {
    RetryPolicy policy;
    EXPECT_EQ(backoff(policy, 0, 0.0), Duration::zero());
    EXPECT_LT(backoff(policy, 0, 0.999), policy.first_delay);
    EXPECT_EQ(backoff(policy, 3, 0.5), policy.first_delay * 4);
    EXPECT_LE(backoff(policy, 4'000'000'000U, 0.999), policy.max_delay);
}

TEST(Progress, SaysWhatIsGoingOnInWordsForItsOwner) {
    Operation operation = running(OperationKind::provision);
    operation.state = Retrying{kNow, "the provider is busy"};
    const Progress progress = progress_of(operation, Kind::cache);
    EXPECT_EQ(progress.done, 0U);
    EXPECT_EQ(progress.total, 2U);
    EXPECT_EQ(progress.sentence, "creating the engine; trying again: the provider is busy");
}

// "creating the engine" would be said of a dump, and of a database on a server that is there.
TEST(Progress, SpeaksOfWhatIsMade) {
    Operation operation = running(OperationKind::provision);
    EXPECT_EQ(progress_of(operation, Kind::database).sentence, "creating the database");
    EXPECT_EQ(progress_of(operation, Kind::database_server).sentence, "creating the database server");
    EXPECT_EQ(progress_of(operation, Kind::backup).sentence, "dumping the database");
    EXPECT_EQ(progress_of(operation, std::nullopt).sentence, "creating it");
    operation.cursor = 1;
    EXPECT_EQ(progress_of(operation, Kind::database).sentence, "checking that it answers");
    EXPECT_EQ(progress_of(operation, Kind::backup).sentence, "checking that it is whole");
    operation = running(OperationKind::deprovision);
    EXPECT_EQ(progress_of(operation, Kind::backup).sentence, "removing the backup");
}

}  // namespace
}  // namespace slipway
