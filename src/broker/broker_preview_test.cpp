// Dry runs: they answer as the request itself would be answered, and change nothing.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class PreviewTest : public BrokerTest {
  protected:
    Preview create(ProvisionRequest wanted = request(), CallContext as = caller()) {
        return checked(broker_->preview_provision(std::move(as), std::move(wanted)));
    }
    Preview update(const ResourceId& id, UpdateRequest wanted, CallContext as = caller()) {
        return checked(broker_->preview_update(std::move(as), id, std::move(wanted)));
    }
    Preview remove(const ResourceId& id, CallContext as = caller()) {
        return checked(broker_->preview_deprovision(std::move(as), id));
    }
    static UpdateRequest to_plan(std::string plan) {
        UpdateRequest wanted;
        wanted.plan = std::move(plan);
        return wanted;
    }
    static std::vector<StepKind> kinds(const Preview& preview) {
        std::vector<StepKind> kinds;
        for (const PlannedStep& step : preview.steps) kinds.push_back(step.kind);
        return kinds;
    }

    // Nothing is written by any of them, and no idempotency key is used up.
    Preview checked(Task<Result<Preview>> task) {
        const auto resources_before = resources();
        const auto events_before = memory_.snapshot().last_event();
        auto preview = run(std::move(task));
        EXPECT_TRUE(preview) << preview.error().message;
        EXPECT_EQ(resources(), resources_before);
        EXPECT_EQ(memory_.snapshot().last_event(), events_before);
        return preview ? std::move(*preview) : Preview();
    }
};

TEST_F(PreviewTest, ACreationTellsStepsPriceAndQuota) {
    ready();
    set_quotas({quota(5), quota(3, "small")});
    const Preview preview = create(request("key"));
    EXPECT_TRUE(preview.allowed) << preview.refusal->message;
    EXPECT_FALSE(preview.from_pool);
    EXPECT_EQ(kinds(preview), (std::vector{StepKind::create, StepKind::verify}));
    EXPECT_EQ(preview.steps[0].what, "create the redis");
    EXPECT_FALSE(preview.price_before);
    EXPECT_EQ(preview.price_after, (Price{"EUR", 10'000}));
    ASSERT_EQ(preview.quotas.size(), 2U);
    EXPECT_EQ(preview.quotas[0].scope, "organization");
    EXPECT_EQ(preview.quotas[0].limit, 5U);
    EXPECT_EQ(preview.quotas[0].used, 1U);
    EXPECT_EQ(preview.quotas[0].after, 2U);
    EXPECT_EQ(preview.quotas[1].scope, "redis/small");
    ASSERT_TRUE(preview.expected) << "one was made before";
    EXPECT_EQ(preview.expected->samples, 1U);
    EXPECT_FALSE(provision(request("key")).replayed) << "the key is free still";
}

TEST_F(PreviewTest, AClaimIsDoneAtOnce) {
    pooled();
    const Preview preview = create(request("", "pooled"));
    EXPECT_TRUE(preview.allowed);
    EXPECT_TRUE(preview.from_pool);
    EXPECT_TRUE(preview.steps.empty());
    EXPECT_FALSE(preview.expected);
    directory_.traits_.external_tags = true;
    EXPECT_EQ(create(request("", "pooled")).steps.at(0).what, "tell the provider who owns it now");
    EXPECT_TRUE(provision(request("", "pooled")).resource.id.str().starts_with("res_"));
    EXPECT_FALSE(create(request("", "pooled")).from_pool) << "it was the last one";
}

// Each is refused by the request itself with the same code and the same words.
TEST_F(PreviewTest, WhatWouldBeRefusedIsAnsweredAsTheRequestItselfIs) {
    const Resource named = [this] {
        ProvisionRequest wanted = request();
        wanted.name = "taken";
        return ready(wanted);
    }();
    std::vector<std::pair<ProvisionRequest, CallContext>> bad;
    bad.emplace_back(request("", "huge"), caller());
    bad.emplace_back(request(), caller("acme", Role::reader));
    ProvisionRequest taken = request();
    taken.name = "taken";
    bad.emplace_back(taken, caller());
    ProvisionRequest foreign = request();
    foreign.organization = OrganizationId("other");
    bad.emplace_back(foreign, caller());
    const auto same = [&] {
        for (const auto& [wanted, as] : bad) {
            const Preview preview = create(wanted, as);
            const auto real = run(broker_->provision(as, wanted));
            ASSERT_FALSE(real);
            ASSERT_FALSE(preview.allowed);
            EXPECT_EQ(preview.refusal->code, real.error().code);
            EXPECT_EQ(preview.refusal->message, real.error().message);
            EXPECT_EQ(preview.refusal->problems, real.error().problems);
        }
    };
    same();
    bad = {{request(), caller()}};
    set_quotas({quota(1)});
    same();
    EXPECT_EQ(create().quotas.at(0).after, 2U) << "what it would come to is told all the same";
    set_quotas({quota(9)});
    directory_.available = false;
    same();
    directory_.available = true;
    directory_.traits_.ranges = {{"local/other", "port", 1, 0}};
    same();
    EXPECT_EQ(create().refusal->code, ErrorCode::unavailable) << "no port is left";
}

TEST_F(PreviewTest, AnUpdateTellsBothPrices) {
    const Resource mine = ready();
    const Preview preview = update(mine.id, to_plan("large"));
    EXPECT_TRUE(preview.allowed);
    EXPECT_EQ(preview.price_before, (Price{"EUR", 10'000}));
    EXPECT_EQ(preview.price_after, (Price{"EUR", 50'000}));
    EXPECT_EQ(kinds(preview), (std::vector{StepKind::change, StepKind::verify}));
    UpdateRequest rename;
    rename.name = "sessions";
    const Preview at_once = update(mine.id, rename);
    EXPECT_TRUE(at_once.allowed);
    EXPECT_TRUE(at_once.steps.empty());
    EXPECT_EQ(at_once.price_after, at_once.price_before);
}

TEST_F(PreviewTest, AnUpdateIsRefusedAsTheRequestItselfIs) {
    const Resource mine = ready();
    const Resource other = ready();
    UpdateRequest taken;
    taken.name = "taken";
    ASSERT_TRUE(run(broker_->update(caller(), other.id, taken)));
    UpdateRequest old;
    old.if_version = 77;
    for (const UpdateRequest& wanted : {to_plan("huge"), to_plan("open"), taken, old}) {
        const Preview preview = update(mine.id, wanted);
        const auto real = run(broker_->update(caller(), mine.id, wanted));
        ASSERT_FALSE(real);
        ASSERT_FALSE(preview.allowed);
        EXPECT_EQ(preview.refusal->code, real.error().code);
        EXPECT_EQ(preview.refusal->message, real.error().message);
    }
    EXPECT_EQ(update(mine.id, taken, caller("acme", Role::reader)).refusal->code, ErrorCode::forbidden);
    EXPECT_FALSE(run(broker_->preview_update(caller("other"), mine.id, taken))) << "there is no such thing for it";
}

TEST_F(PreviewTest, ARemovalTellsWhatItHaltsAndFrees) {
    const Accepted asked = provision();
    work(Verb::create);
    const Preview halting = remove(asked.resource.id);
    EXPECT_TRUE(halting.allowed);
    ASSERT_EQ(halting.steps.size(), 2U);
    EXPECT_THAT(halting.steps[0].what, HasSubstr("halt"));
    EXPECT_THAT(halting.steps[1].what, HasSubstr("remove the redis"));
    EXPECT_EQ(halting.quotas.at(0).used, 1U);
    EXPECT_EQ(halting.quotas.at(0).after, 0U);
    EXPECT_EQ(halting.price_before, (Price{"EUR", 10'000}));
    EXPECT_FALSE(halting.price_after);
    EXPECT_FALSE(operation(asked.operation->id).cancel_requested) << "nothing was halted";
    EXPECT_EQ(remove(asked.resource.id, caller("acme", Role::reader)).refusal->code, ErrorCode::forbidden);
    ASSERT_TRUE(run(broker_->deprovision(caller(), asked.resource.id)));
    EXPECT_TRUE(remove(asked.resource.id).steps.empty()) << "it is on its way already";
}

TEST_F(PreviewTest, ACancelTellsWhatItUndoes) {
    const auto cancel = [this](const OperationId& id, CallContext as = caller()) {
        return checked(broker_->preview_cancel(std::move(as), id));
    };
    const Accepted asked = provision();
    const Preview untouched = cancel(asked.operation->id);
    EXPECT_TRUE(untouched.allowed);
    EXPECT_TRUE(untouched.steps.empty()) << "nobody has begun";
    work(Verb::create);
    const Preview undoing = cancel(asked.operation->id);
    EXPECT_TRUE(undoing.allowed);
    ASSERT_EQ(undoing.steps.size(), 1U);
    EXPECT_EQ(undoing.steps[0].kind, StepKind::remove);
    EXPECT_EQ(undoing.steps[0].what, "remove the redis and its data");
    EXPECT_EQ(undoing.price_before, (Price{"EUR", 10'000}));
    EXPECT_FALSE(undoing.price_after);
    EXPECT_EQ(undoing.quotas.at(0).used, 1U);
    EXPECT_EQ(undoing.quotas.at(0).after, 0U);
    EXPECT_FALSE(operation(asked.operation->id).cancel_requested) << "nothing was stopped";
    EXPECT_EQ(cancel(asked.operation->id, caller("acme", Role::reader)).refusal->code, ErrorCode::forbidden);
    EXPECT_FALSE(run(broker_->preview_cancel(caller("other"), asked.operation->id))) << "there is none for it";
    const Accepted done = provision();
    work();
    const Preview ended = cancel(done.operation->id);
    EXPECT_FALSE(ended.allowed);
    EXPECT_EQ(ended.refusal->code, ErrorCode::conflict);
}

TEST_F(PreviewTest, ACancelOfAChangeGoesBackToTheFormerPriceAndSettings) {
    const Resource mine = ready();
    const auto changing = run(broker_->update(caller(), mine.id, to_plan("large")));
    ASSERT_TRUE(changing);
    work(Verb::update);
    const Preview preview = checked(broker_->preview_cancel(caller(), changing->operation->id));
    ASSERT_TRUE(preview.allowed);
    EXPECT_EQ(preview.price_before, (Price{"EUR", 50'000}));
    EXPECT_EQ(preview.price_after, (Price{"EUR", 10'000}));
    ASSERT_EQ(preview.steps.size(), 1U);
    EXPECT_EQ(preview.steps[0].what, "go back to its former settings");
}

TEST_F(PreviewTest, AFailureOfTheStoreIsNoAnswer) {
    store_.fail_commits = 1;
    EXPECT_EQ(run(broker_->preview_provision(caller(), request())).error().code, ErrorCode::storage);
}

}  // namespace
}  // namespace slipway::broker_test
