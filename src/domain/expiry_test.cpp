// Ends: how they are asked for, what plans allow, when their owners are warned, when somebody has to look.
#include "domain/expiry.h"

#include <gmock/gmock.h>

namespace slipway {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const TimePoint kNow = from_micros(1'700'000'000'000'000);

Plan plan(std::optional<Duration> lifetime = {}, std::optional<Duration> most = {}, std::string name = "tiny") {
    Plan made;
    made.name = std::move(name);
    made.lifetime = lifetime;
    made.max_lifetime = most;
    return made;
}

std::optional<Duration> first(const Plan& plan, const LifetimeWish& wish) {
    const auto expiry = first_expiry(plan, wish, kNow);
    EXPECT_TRUE(expiry) << expiry.error();
    return expiry && *expiry ? std::optional((*expiry)->at - kNow) : std::nullopt;
}

std::string fault(const Plan& plan, const LifetimeWish& wish) {
    const auto expiry = first_expiry(plan, wish, kNow);
    return expiry ? "none" : expiry.error();
}

using Plans = std::vector<const Plan*>;

TEST(Lifetime, IsReadFromSecondsDurationsAndNever) {
    EXPECT_EQ(parse_lifetime("2h"), LifetimeWish(Duration(2h)));
    EXPECT_EQ(parse_lifetime("90m"), LifetimeWish(Duration(90min)));
    EXPECT_EQ(parse_lifetime("7d"), LifetimeWish(Duration(168h)));
    EXPECT_EQ(parse_lifetime("1500ms"), LifetimeWish(Duration(1500ms)));
    EXPECT_EQ(parse_lifetime("7200"), LifetimeWish(Duration(2h)));
    EXPECT_EQ(parse_lifetime(7200), LifetimeWish(Duration(2h)));
    EXPECT_EQ(parse_lifetime("never"), LifetimeWish(NeverExpires{}));
    EXPECT_EQ(parse_lifetime(1), LifetimeWish(kShortestLifetime));
    EXPECT_EQ(parse_lifetime("3650d"), LifetimeWish(kLongestLifetime));
}

TEST(Lifetime, AnythingElseIsToldWhatIsAllowed) {
    for (const std::string_view wrong : {"", "0", "0s", "-1", "-2h", "2 h", "2H", "2h30m", "1.5h", "soon", "Never",
                                         "999ms", "3651d", "99999999999999999999", "+5"}) {
        const auto read = parse_lifetime(wrong);
        ASSERT_FALSE(read) << wrong;
        EXPECT_EQ(read.error(),
                  "must be a duration from 1s to 3650d, as a number of seconds or like \"2h\", or \"never\"");
    }
    for (const std::int64_t wrong :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{315'360'001}, INT64_MAX, INT64_MIN}) {
        EXPECT_FALSE(parse_lifetime(wrong)) << wrong;
    }
}

TEST(Lifetime, WishesAreToldApartByTheirText) {
    EXPECT_EQ(text_of({}), "");
    EXPECT_EQ(text_of(NeverExpires{}), "never");
    EXPECT_EQ(text_of(Duration(120s)), text_of(Duration(2min)));
    EXPECT_NE(text_of(Duration(121s)), text_of(Duration(2min)));
}

TEST(Expiry, TheWarningComesATenthBeforeWithinBounds) {
    const auto warned = [](Duration lifetime) {
        const Expiry expiry = expiry_after(lifetime, kNow);
        EXPECT_EQ(expiry.at, kNow + lifetime);
        EXPECT_FALSE(expiry.warned);
        EXPECT_FALSE(expiry.delayed);
        return expiry.at - expiry.due;
    };
    EXPECT_EQ(warned(2h), 12min);
    EXPECT_EQ(warned(10h), 1h);
    EXPECT_EQ(warned(240h), 1h) << "at most an hour";
    EXPECT_EQ(warned(100s), 10s);
    EXPECT_EQ(warned(60s), 10s) << "at least 10 s";
    EXPECT_EQ(warned(10s), 5s) << "but not in the first half";
    EXPECT_EQ(warned(1s), 500ms);
    EXPECT_EQ(warned(kLongestLifetime), 1h);
}

TEST(Expiry, ANewOneGetsWhatIsAskedForElseWhatThePlanSays) {
    EXPECT_EQ(first(plan(), {}), std::nullopt);
    EXPECT_EQ(first(plan(), Duration(2h)), Duration(2h));
    EXPECT_EQ(first(plan(), NeverExpires{}), std::nullopt);
    EXPECT_EQ(first(plan(1h), {}), Duration(1h));
    EXPECT_EQ(first(plan(1h), Duration(72h)), Duration(72h)) << "a default is no bound";
    EXPECT_EQ(first(plan(1h), NeverExpires{}), std::nullopt);
    EXPECT_EQ(first(plan({}, 4h), {}), Duration(4h)) << "one is forced";
    EXPECT_EQ(first(plan(1h, 4h), {}), Duration(1h));
    EXPECT_EQ(first(plan(1h, 4h), Duration(4h)), Duration(4h));
    EXPECT_EQ(fault(plan(1h, 4h), Duration(4h) + 1us), "must be at most 4h: the plan tiny allows no more");
    EXPECT_EQ(fault(plan({}, 4h), NeverExpires{}), "must not be \"never\": what has the plan tiny ends within 4h");
}

TEST(Expiry, OneThatIsThereGetsANewEndWithinWhatAllPlansAllow) {
    const Plan free = plan({}, {}, "free");
    const Plan day = plan(1h, 24h, "day");
    const Plan week = plan({}, 168h, "week");
    const Expiry present{kNow + 2h, kNow + 1h, true, true};
    const auto next = [&](const LifetimeWish& wish, const Plans& plans) {
        return next_expiry(present, wish, plans, kNow);
    };
    EXPECT_EQ(next(Duration(24h), {&day, &week}).value(), std::optional(expiry_after(24h, kNow)))
        << "counted from now";
    EXPECT_EQ(next(Duration(25h), {&week, &day}).error(), "must be at most 1d: the plan day allows no more");
    EXPECT_EQ(next(Duration(25h), {&week}).value(), std::optional(expiry_after(25h, kNow)));
    EXPECT_EQ(next(NeverExpires{}, {&free}).value(), std::optional<Expiry>());
    EXPECT_THAT(next(NeverExpires{}, {&free, &day}).error(), HasSubstr("the plan day ends within 1d"));
    EXPECT_EQ(next({}, {&free}).value(), std::optional(present)) << "as it is, told or not";
    EXPECT_EQ(next({}, {&day}).value(), std::optional(present));
    EXPECT_EQ(next({}, {}).value(), std::optional(present));
    const Plan brief = plan({}, 1h, "brief");
    EXPECT_EQ(next({}, {&brief}).error(),
              "is required, and at most 1h: the plan brief ends what has it, and this one ends later");
    EXPECT_EQ(next_expiry({}, {}, Plans{&brief}, kNow).error(),
              "is required, and at most 1h: the plan brief ends what has it, and this one has no end yet");
}

TEST(Expiry, SomebodyHasToLookUnlessNobodyOwnsItOrItIsOnItsWay) {
    using namespace resource_state;
    Resource resource;
    const OperationId op("op_1");
    EXPECT_EQ(expiry_due(resource), std::nullopt);
    EXPECT_EQ(ends_at(resource), std::nullopt);
    resource.expiry = Expiry{kNow + 1h, kNow + 50min};
    EXPECT_EQ(ends_at(resource), kNow + 1h);
    for (const ResourceState& state :
         std::vector<ResourceState>{Requested{op}, Provisioning{op}, Ready{}, Updating{op, {}}, Failed{"no"}}) {
        resource.state = state;
        EXPECT_EQ(expiry_due(resource), kNow + 50min) << state_name(state);
    }
    resource.pooled = true;
    EXPECT_EQ(expiry_due(resource), std::nullopt);
    resource.pooled = false;
    for (const ResourceState& state : std::vector<ResourceState>{Deprovisioning{op}, Gone{kNow}}) {
        resource.state = state;
        EXPECT_EQ(expiry_due(resource), std::nullopt) << state_name(state);
    }
}

TEST(Expiry, ItsOwnerIsWarnedAndThenItIsDueAtItsEnd) {
    Resource resource;
    resource.name = "web1";
    resource.organization = OrganizationId("acme");
    resource.expiry = expiry_after(2h, kNow);
    const EventDraft event = warn_of_end(resource, kNow + 110min);
    EXPECT_EQ(event.type, "resource.expiring");
    EXPECT_EQ(event.actor, "expiry");
    EXPECT_EQ(event.organization, OrganizationId("acme"));
    EXPECT_THAT(event.message, HasSubstr("web1 is about to end: it is removed at " + format_time(kNow + 2h)));
    EXPECT_EQ(json::get_string(event.data, "expires_at"), format_time(kNow + 2h));
    EXPECT_EQ(resource.expiry, (Expiry{kNow + 2h, kNow + 2h, true}));
}

TEST(Expiry, WhatIsInTheWayIsSaidOnceAndTriedAgain) {
    Resource resource;
    resource.name = "pg-1";
    resource.expiry = Expiry{kNow, kNow, true};
    const auto event = delay_end(resource, "others live on it", kNow, 5min);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, "resource.expiry_delayed");
    EXPECT_EQ(event->message, "the lifetime of pg-1 is over, and it cannot be removed yet: others live on it");
    EXPECT_EQ(resource.expiry, (Expiry{kNow, kNow + 5min, true, true}));
    EXPECT_FALSE(delay_end(resource, "others live on it", kNow + 5min, 5min));
    EXPECT_EQ(resource.expiry->due, kNow + 10min);
}

TEST(Expiry, IsSaidInWords) {
    EXPECT_EQ(words_of(expiry_after(1h, kNow)), "it ends at " + format_time(kNow + 1h));
    EXPECT_EQ(words_of(std::nullopt), "it does not end by itself any more");
}

}  // namespace
}  // namespace slipway
