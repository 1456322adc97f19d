#include "broker/rotation.h"

#include "broker/placement_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class RotationsTest : public PlacedTest {
  protected:
    Resource shop() {
        ProvisionRequest wanted = database();
        wanted.parameters = {{"user", "hephy-1"}};
        const Accepted accepted = placed(std::move(wanted));
        work();
        EXPECT_EQ(state_of(accepted.resource.id), "ready");
        return resource(accepted.resource.id);
    }
    Result<Accepted> begin(const ResourceId& id, CallContext as = caller()) {
        return run(rotations_.begin(std::move(as), id));
    }
    Result<Accepted> confirm(const ResourceId& id, CallContext as = caller()) {
        return run(rotations_.confirm(std::move(as), id));
    }
    std::string shown(const ResourceId& id) {
        const auto password = run(broker_->password(caller(), resource(id)));
        EXPECT_TRUE(password && *password);
        return password && *password ? (*password)->reveal() : "";
    }
    std::vector<std::string> types_of(const ResourceId& id) {
        std::vector<std::string> types;
        for (const Event& event : memory_.snapshot().events(0, id, 1000)) types.push_back(event.body.type);
        return types;
    }

    Rotations rotations_{{store_, sealer_, clock_, random_}, {1h, 15min}};
};

TEST_F(RotationsTest, ADryRunTellsOfBothHalvesAndChangesNothing) {
    const ResourceId id = shop().id;
    const auto try_it = [&](bool confirms, CallContext as = caller()) {
        const Resource before = resource(id);
        const auto events = memory_.snapshot().last_event();
        auto preview = run(rotations_.preview(*broker_, std::move(as), id, confirms));
        EXPECT_EQ(resource(id).version, before.version);
        EXPECT_EQ(memory_.snapshot().last_event(), events);
        return std::move(preview).value();
    };
    const Preview rotation = try_it(false);
    ASSERT_TRUE(rotation.allowed);
    ASSERT_EQ(rotation.steps.size(), 2U);
    EXPECT_THAT(rotation.steps[0].what, HasSubstr("give it a new password; the former one stays good"));
    EXPECT_EQ(rotation.price_before, rotation.price_after);
    EXPECT_TRUE(try_it(true).steps.empty()) << "nothing is to be confirmed yet";
    EXPECT_EQ(try_it(false, caller("acme", Role::reader)).refusal->code, ErrorCode::forbidden);
    EXPECT_EQ(try_it(false, caller("other", Role::administrator)).refusal->code, ErrorCode::forbidden);
    ASSERT_TRUE(begin(id));
    EXPECT_EQ(try_it(false).refusal->code, ErrorCode::conflict) << "it is not ready";
    work();
    const Preview again = try_it(false);
    EXPECT_FALSE(again.allowed);
    EXPECT_EQ(again.refusal->message, begin(id).error().message) << "as the request itself is refused";
    EXPECT_EQ(try_it(true).steps.at(0).what, "end the former password");
    EXPECT_TRUE(try_it(true).expected) << "a rotation was done before";
}

TEST_F(RotationsTest, TheNewPasswordIsShownOnceItWorksAndTheFormerOneIsKeptUntilItIsConfirmed) {
    const ResourceId id = shop().id;
    const std::string first = shown(id);
    const auto begun = begin(id);
    ASSERT_TRUE(begun) << begun.error().message;
    ASSERT_TRUE(begun->operation);
    EXPECT_EQ(begun->operation->kind, OperationKind::update);
    EXPECT_EQ(begun->operation->actor, "key_acme");
    EXPECT_EQ(state_of(id), "updating");
    EXPECT_NE(endpoint_of(resource(id).state), nullptr) << "it answers all the time";
    EXPECT_EQ(shown(id), first) << "nobody has seen the new one work";
    work();
    EXPECT_EQ(state_of(id), "ready");
    const std::string second = shown(id);
    EXPECT_NE(second, first);
    EXPECT_EQ(rotation_in(resource(id).parameters), (Rotation{1, true, clock_.now() + 1h}));
    EXPECT_EQ(password_of(resource(id)), first) << "kept for its provider";

    const auto again = begin(id);
    ASSERT_EQ(code_of(again), ErrorCode::conflict);
    EXPECT_THAT(again.error().message, HasSubstr("confirm it, or wait until"));

    const auto confirmed = confirm(id);
    ASSERT_TRUE(confirmed) << confirmed.error().message;
    ASSERT_TRUE(confirmed->operation);
    EXPECT_EQ(shown(id), second);
    const auto meanwhile = confirm(id);
    ASSERT_TRUE(meanwhile);
    ASSERT_TRUE(meanwhile->operation);
    EXPECT_EQ(meanwhile->operation->id, confirmed->operation->id) << "the one that is under way";
    work();
    EXPECT_EQ(shown(id), second);
    EXPECT_FALSE(rotation_in(resource(id).parameters).keep_former);
    const std::uint64_t version = resource(id).version;
    const auto nothing = confirm(id);
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(nothing->operation);
    EXPECT_EQ(resource(id).version, version);
    EXPECT_THAT(types_of(id), Contains("resource.rotation_requested"));
    EXPECT_THAT(types_of(id), Contains("resource.rotation_confirmed"));

    ASSERT_TRUE(begin(id));
    work();
    EXPECT_NE(shown(id), first);
    EXPECT_NE(shown(id), second);
    EXPECT_EQ(rotation_in(resource(id).parameters).number, 2);
}

TEST_F(RotationsTest, OneThatFailsLeavesEverythingAsItWas) {
    const Resource before = shop();
    const std::string first = shown(before.id);
    ProviderError refused;
    refused.error_class = ErrorClass::permanent;
    refused.message = "this server cannot rotate";
    update_error_ = refused;
    ASSERT_TRUE(begin(before.id));
    work();
    update_error_.reset();
    EXPECT_EQ(state_of(before.id), "ready");
    EXPECT_EQ(shown(before.id), first);
    EXPECT_EQ(resource(before.id).parameters, before.parameters);
    EXPECT_EQ(resource(before.id).own_parameters, before.own_parameters);
    EXPECT_EQ(rotation_in(resource(before.id).parameters), Rotation());
    EXPECT_TRUE(begin(before.id)) << "and it may be tried again";
}

TEST_F(RotationsTest, AConfirmationThatFailsKeepsTheFormerOne) {
    const ResourceId id = shop().id;
    ASSERT_TRUE(begin(id));
    work();
    const std::string second = shown(id);
    ProviderError refused;
    refused.error_class = ErrorClass::permanent;
    refused.message = "not now";
    update_error_ = refused;
    ASSERT_TRUE(confirm(id));
    work();
    update_error_.reset();
    EXPECT_EQ(shown(id), second);
    EXPECT_TRUE(rotation_in(resource(id).parameters).keep_former);
    ASSERT_TRUE(confirm(id));
    work();
    EXPECT_FALSE(rotation_in(resource(id).parameters).keep_former);
}

TEST_F(RotationsTest, OnlyItsOwnersMayAndNobodyElseIsToldMore) {
    const ResourceId id = shop().id;
    const std::uint64_t events = memory_.snapshot().last_event();
    for (const bool confirming : {false, true}) {
        const auto ask = [&](const ResourceId& which, CallContext as) {
            return code_of(confirming ? confirm(which, std::move(as)) : begin(which, std::move(as)));
        };
        EXPECT_EQ(ask(id, caller("acme", Role::reader)), ErrorCode::forbidden);
        EXPECT_EQ(ask(id, caller("other")), ErrorCode::not_found);
        EXPECT_EQ(ask(id, caller("other", Role::administrator)), ErrorCode::forbidden);
        EXPECT_EQ(ask(ResourceId("res_none"), caller()), ErrorCode::not_found);
    }
    EXPECT_EQ(memory_.snapshot().last_event(), events);
    EXPECT_EQ(state_of(id), "ready");
    EXPECT_TRUE(begin(id, administrator())) << "one of the organization itself";
}

TEST_F(RotationsTest, WhatCannotBeRotatedIsAConflictThatSaysWhy) {
    const Resource database = shop();
    const auto server = begin(database.placed_on, caller(std::string(kSystemOrganization), Role::administrator));
    ASSERT_EQ(code_of(server), ErrorCode::conflict);
    EXPECT_THAT(server.error().message, HasSubstr("only passwords of databases are rotated"));
    EXPECT_EQ(code_of(confirm(database.placed_on, caller(std::string(kSystemOrganization), Role::administrator))),
              ErrorCode::conflict);
    ASSERT_TRUE(begin(database.id));
    EXPECT_EQ(code_of(begin(database.id)), ErrorCode::conflict) << "one is under way";
    work();
    ASSERT_TRUE(run(broker_->deprovision(caller(), database.id)));
    EXPECT_EQ(code_of(confirm(database.id)), ErrorCode::conflict) << "it is being removed";
    work();
    EXPECT_EQ(code_of(begin(database.id)), ErrorCode::not_found) << "it is gone";
}

TEST_F(RotationsTest, TwoAtOnceBeginOne) {
    const ResourceId id = shop().id;
    store_.before_commit = [this, id]() -> Task<void> { EXPECT_TRUE(co_await rotations_.begin(caller(), id)); };
    EXPECT_EQ(code_of(begin(id)), ErrorCode::conflict);
    work();
    EXPECT_EQ(rotation_in(resource(id).parameters).number, 1);
}

TEST_F(RotationsTest, ACommitThatFailsIsSaidAndChangesNothing) {
    const ResourceId id = shop().id;
    store_.fail_commits = 1;
    EXPECT_EQ(code_of(begin(id)), ErrorCode::storage);
    EXPECT_EQ(state_of(id), "ready");
}

// The rotation is of the database, whatever its plan.
TEST_F(RotationsTest, AChangeOfPlanMeanwhileKeepsBothPasswords) {
    const ResourceId id = shop().id;
    ASSERT_TRUE(begin(id));
    work();
    const std::string second = shown(id);
    UpdateRequest larger;
    larger.plan = "large";
    ASSERT_TRUE(run(broker_->update(caller(), id, larger)));
    EXPECT_EQ(shown(id), second);
    work();
    EXPECT_EQ(resource(id).plan, "large");
    EXPECT_EQ(shown(id), second);
    EXPECT_TRUE(rotation_in(resource(id).parameters).keep_former);
}

TEST_F(RotationsTest, ARemovalHaltsARotationAndTakesAllAway) {
    const ResourceId id = shop().id;
    ASSERT_TRUE(begin(id));
    ASSERT_TRUE(run(broker_->deprovision(caller(), id)));
    work();
    EXPECT_EQ(state_of(id), "gone");
    EXPECT_TRUE(resource(id).secrets.empty());
}

}  // namespace
}  // namespace slipway::broker_test
