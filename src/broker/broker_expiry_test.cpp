// Ends that are asked for, forced by plans, moved and taken away.
#include "broker/broker_test_support.h"

namespace slipway::broker_test {
namespace {

using ::testing::HasSubstr;

class ExpiryTest : public BrokerTest {
  protected:
    ExpiryTest() {
        catalog_ = Catalog({plan("small"), plan("pooled", 2), lasting("brief", 1h, std::nullopt),
                            lasting("forced", std::nullopt, 24h), lasting("both", 2h, 24h),
                            lasting("week", std::nullopt, 168h), lasting("pooled-brief", 1h, 4h, 1)});
    }
    static Plan lasting(std::string name, std::optional<Duration> lifetime, std::optional<Duration> most,
                        std::uint32_t pool = 0) {
        Plan made = plan(std::move(name), pool);
        made.lifetime = lifetime;
        made.max_lifetime = most;
        return made;
    }
    static ProvisionRequest lasting(LifetimeWish wish, std::string plan = "small", std::string key = "") {
        ProvisionRequest wanted = request(std::move(key), std::move(plan));
        wanted.expires_in = wish;
        return wanted;
    }
    static UpdateRequest ending(LifetimeWish wish) {
        UpdateRequest wanted;
        wanted.expires_in = wish;
        return wanted;
    }
    static UpdateRequest to_plan(std::string plan, LifetimeWish wish = {}) {
        UpdateRequest wanted = ending(wish);
        wanted.plan = std::move(plan);
        return wanted;
    }
    // From now on; none: it has no end.
    std::optional<Duration> left(const Resource& of) {
        return of.expiry ? std::optional(of.expiry->at - clock_.now()) : std::nullopt;
    }
    std::optional<Duration> left(const ResourceId& id) { return left(resource(id)); }
    Result<Accepted> change(const ResourceId& id, UpdateRequest wanted, CallContext as = caller()) {
        return run(broker_->update(std::move(as), id, std::move(wanted)));
    }
    template <class T>
    static std::string problem_in(const Result<T>& answer) {
        if (answer) return "none";
        if (answer.error().code != ErrorCode::invalid_argument) return answer.error().message;
        return answer.error().problems.at(0).field + " " + answer.error().problems.at(0).problem;
    }
    std::string problem(ProvisionRequest wanted) {
        return problem_in(run(broker_->provision(caller(), std::move(wanted))));
    }
    std::string last_message(const ResourceId& id) {
        return memory_.snapshot().events(0, id, 1000).back().body.message;
    }
};

TEST_F(ExpiryTest, ALifetimeCountsFromTheAcceptance) {
    const TimePoint asked = clock_.now();
    const Accepted accepted = provision(lasting(Duration(2h)));
    EXPECT_EQ(accepted.resource.expiry, std::optional(expiry_after(2h, asked)));
    EXPECT_THAT(last_message(accepted.resource.id), HasSubstr("; it ends at " + format_time(asked + 2h)));
    clock_.advance(30min);
    work();
    EXPECT_EQ(state_of(accepted.resource.id), "ready");
    EXPECT_EQ(left(accepted.resource.id), Duration(90min)) << "however long it took";
}

TEST_F(ExpiryTest, APlanSaysWhatHoldsWhereNobodyDoes) {
    EXPECT_EQ(left(provision(request()).resource), std::nullopt);
    EXPECT_EQ(left(provision(request("", "brief")).resource), Duration(1h));
    EXPECT_EQ(left(provision(lasting(Duration(72h), "brief")).resource), Duration(72h));
    EXPECT_EQ(left(provision(lasting(NeverExpires{}, "brief")).resource), std::nullopt);
    EXPECT_EQ(left(provision(request("", "forced")).resource), Duration(24h));
    EXPECT_EQ(left(provision(request("", "both")).resource), Duration(2h));
    EXPECT_EQ(left(provision(lasting(Duration(24h), "both")).resource), Duration(24h));
}

TEST_F(ExpiryTest, WhatAPlanDoesNotAllowIsRefusedInWords) {
    EXPECT_EQ(problem(lasting(Duration(25h), "forced")),
              "expires_in must be at most 1d: the plan forced allows no more");
    EXPECT_EQ(problem(lasting(NeverExpires{}, "both")),
              "expires_in must not be \"never\": what has the plan both ends within 1d");
    EXPECT_EQ(resources(), 0U);
}

TEST_F(ExpiryTest, WhatIsClaimedGetsItsEndThenAndWhatWaitsHasNone) {
    const Resource waiting = pooled();
    EXPECT_FALSE(waiting.expiry);
    clock_.advance(10h);
    const Accepted accepted = provision(lasting(Duration(2h), "pooled"));
    ASSERT_EQ(accepted.resource.id, waiting.id);
    EXPECT_EQ(left(accepted.resource), Duration(2h));
    EXPECT_THAT(last_message(waiting.id), HasSubstr("; it ends at "));
    EXPECT_FALSE(change(pooled().id, ending(Duration(1h)))) << "nobody owns it yet";
}

TEST_F(ExpiryTest, TheSameKeyWithAnotherLifetimeIsAnotherRequest) {
    const Accepted first = provision(lasting(Duration(2h), "small", "k"));
    clock_.advance(1h);
    const Accepted again = provision(lasting(Duration(120min), "small", "k"));
    EXPECT_EQ(again.resource.id, first.resource.id);
    EXPECT_EQ(left(again.resource), Duration(1h)) << "it was not extended by asking again";
    const auto other = run(broker_->provision(caller(), lasting(Duration(3h), "small", "k")));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::idempotency_reuse);
    EXPECT_FALSE(run(broker_->provision(caller(), request("k"))));
}

TEST_F(ExpiryTest, AnEndIsMovedAtOnceAndNobodyElseIsTold) {
    const Resource made = ready(lasting(Duration(2h)));
    clock_.advance(1h);
    const auto changed = change(made.id, ending(Duration(4h)));
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_FALSE(changed->operation);
    EXPECT_EQ(changed->resource.expiry, std::optional(expiry_after(4h, clock_.now())));
    EXPECT_EQ(resource(made.id).version, made.version + 1);
    EXPECT_EQ(last_message(made.id), made.name + ": it ends at " + format_time(clock_.now() + 4h));
    ASSERT_TRUE(change(made.id, ending(Duration(1min)))) << "it may be shortened as well";
    EXPECT_EQ(left(made.id), Duration(1min));
    ASSERT_TRUE(change(made.id, ending(NeverExpires{})));
    EXPECT_EQ(left(made.id), std::nullopt);
    EXPECT_EQ(last_message(made.id), made.name + ": it does not end by itself any more");
    const std::uint64_t version = resource(made.id).version;
    ASSERT_TRUE(change(made.id, ending(NeverExpires{})));
    EXPECT_EQ(resource(made.id).version, version) << "it is as wanted already";
}

TEST_F(ExpiryTest, AnExtensionIsAWarningAnew) {
    const Resource made = ready(lasting(Duration(2h)));
    Resource warned = made;
    static_cast<void>(warn_of_end(warned, clock_.now()));
    Commit commit;
    commit.writes.emplace_back(write::PutResource{warned});
    ASSERT_TRUE(run(memory_.commit(std::move(commit))));
    ASSERT_TRUE(resource(made.id).expiry->warned);
    ASSERT_TRUE(change(made.id, ending(Duration(2h))));
    EXPECT_FALSE(resource(made.id).expiry->warned);
    EXPECT_EQ(resource(made.id).expiry->due, clock_.now() + 108min);
    UpdateRequest label;
    label.labels = {{"team", "b"}};
    const auto expiry = resource(made.id).expiry;
    ASSERT_TRUE(change(made.id, label));
    EXPECT_EQ(resource(made.id).expiry, expiry) << "other changes leave it alone";
}

TEST_F(ExpiryTest, AForcedEndIsMovedWithinItsBoundsOnly) {
    const Resource made = ready(request("", "forced"));
    clock_.advance(20h);
    EXPECT_EQ(problem_in(change(made.id, ending(Duration(25h)))),
              "expires_in must be at most 1d: the plan forced allows no more");
    EXPECT_EQ(problem_in(change(made.id, ending(NeverExpires{}))),
              "expires_in must not be \"never\": what has the plan forced ends within 1d");
    EXPECT_EQ(left(made.id), Duration(4h));
    ASSERT_TRUE(change(made.id, ending(Duration(24h))));
    EXPECT_EQ(left(made.id), Duration(24h));
}

// Nobody loses what they have because they did not know the small print of its next plan.
TEST_F(ExpiryTest, APlanThatForcesAnEndIsTakenWithOneThatIsNamed) {
    const Resource made = ready();
    EXPECT_EQ(problem_in(change(made.id, to_plan("forced"))),
              "expires_in is required, and at most 1d: the plan forced ends what has it, and this one has no end "
              "yet");
    EXPECT_EQ(problem_in(change(made.id, to_plan("forced", Duration(25h)))),
              "expires_in must be at most 1d: the plan forced allows no more");
    ASSERT_TRUE(change(made.id, to_plan("forced", Duration(3h))));
    work();
    EXPECT_EQ(resource(made.id).plan, "forced");
    EXPECT_EQ(left(made.id), Duration(3h));
    ASSERT_TRUE(change(made.id, to_plan("week"))) << "the end that it has is near enough";
    work();
    EXPECT_EQ(left(made.id), Duration(3h));
}

// A change of plan may fail and be taken back: until it is done, the former plan's word counts too.
TEST_F(ExpiryTest, NobodyGetsRidOfAForcedEndByAChangeThatFails) {
    const Resource made = ready(request("", "forced"));
    EXPECT_THAT(problem_in(change(made.id, to_plan("small", NeverExpires{}))), HasSubstr("the plan forced ends"));
    ASSERT_TRUE(change(made.id, to_plan("small")));
    EXPECT_THAT(problem_in(change(made.id, ending(NeverExpires{}))), HasSubstr("the plan forced ends"));
    EXPECT_THAT(problem_in(change(made.id, ending(Duration(48h)))), HasSubstr("at most 1d"));
    ASSERT_TRUE(change(made.id, ending(Duration(24h)))) << "while it is being changed, too";
    work();
    EXPECT_EQ(resource(made.id).plan, "small");
    EXPECT_EQ(left(made.id), Duration(24h));
    EXPECT_TRUE(change(made.id, ending(NeverExpires{})));
}

TEST_F(ExpiryTest, WhatIsBeingRemovedHasItsEndBehindIt) {
    const Resource made = ready(lasting(Duration(2h)));
    ASSERT_TRUE(run(broker_->deprovision(caller(), made.id)));
    EXPECT_EQ(problem_in(change(made.id, ending(Duration(4h)))),
              "it is being removed already: its end is not moved any more");
    work();
    EXPECT_EQ(change(made.id, ending(Duration(4h))).error().code, ErrorCode::not_found);
}

TEST_F(ExpiryTest, OnlyWhoMayChangeItMovesItsEnd) {
    const Resource made = ready(lasting(Duration(2h)));
    EXPECT_EQ(change(made.id, ending(Duration(4h)), caller("other")).error().code, ErrorCode::not_found);
    EXPECT_EQ(change(made.id, ending(Duration(4h)), caller("acme", Role::reader)).error().code,
              ErrorCode::forbidden);
    EXPECT_EQ(left(made.id), Duration(2h));
}

TEST_F(ExpiryTest, ADryRunTellsWhenItWouldEnd) {
    const TimePoint now = clock_.now();
    const auto creation = run(broker_->preview_provision(caller(), lasting(Duration(2h))));
    ASSERT_TRUE(creation);
    EXPECT_EQ(creation->expires_at, now + 2h);
    EXPECT_EQ(run(broker_->preview_provision(caller(), request("", "forced")))->expires_at, now + 24h);
    EXPECT_EQ(run(broker_->preview_provision(caller(), request()))->expires_at, std::nullopt);
    const auto refused = run(broker_->preview_provision(caller(), lasting(NeverExpires{}, "forced")));
    ASSERT_TRUE(refused);
    EXPECT_FALSE(refused->allowed);
    EXPECT_THAT(refused->refusal->message, HasSubstr("expires_in"));
    EXPECT_EQ(resources(), 0U);

    const Resource made = ready(lasting(Duration(2h)));
    const auto moved = run(broker_->preview_update(caller(), made.id, ending(Duration(4h))));
    ASSERT_TRUE(moved);
    EXPECT_TRUE(moved->allowed);
    EXPECT_TRUE(moved->steps.empty()) << "it is done at once";
    EXPECT_EQ(moved->expires_at, clock_.now() + 4h);
    EXPECT_EQ(left(made.id), Duration(2h));
}

}  // namespace
}  // namespace slipway::broker_test
