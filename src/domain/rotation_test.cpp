// Which password is whose turn, and what a rotation and its confirmation change.
#include "domain/rotation.h"

#include <gmock/gmock.h>

#include "base/digest.h"

namespace slipway {
namespace {

using ::testing::HasSubstr;

const TimePoint kNow = from_micros(1'700'000'000'000'000);

class PlainSealer final : public Sealer {
  public:
    Sealed seal(const Secret& secret, std::string_view context) override {
        return {std::string(context), secret.reveal()};
    }
    [[nodiscard]] Result<Secret> open(const Sealed& sealed, std::string_view /*context*/) const override {
        return Secret(sealed.ciphertext);
    }
    [[nodiscard]] std::string mac(const Secret& secret, std::string_view context) const override {
        return sha256(std::string(context) + '\n' + secret.reveal());
    }
};

class RotationTest : public ::testing::Test {
  protected:
    RotationTest() {
        database_.id = ResourceId("res_1");
        database_.name = "shopdb";
        database_.kind = Kind::database;
        database_.engine = "postgres";
        database_.plan = "shared";
        database_.state = resource_state::Ready{{"postgres", "127.0.0.1", 5432}, {}};
        database_.own_parameters = {{"user", "hephy-1"}};
        database_.parameters = {{"connections", 20}, {"user", "hephy-1"}};
        database_.secrets["password"] = {"context", "first"};
    }
    static RotationTerms terms(TimePoint now = kNow) {
        return {{"key_1", "req-1"}, now, std::chrono::minutes(15), std::chrono::hours(24)};
    }
    auto rotate(const Resource& resource) { return draft_rotation(resource, terms(), random_, sealer_); }
    auto confirm(const Resource& resource) {
        return draft_confirmation(resource, terms(), "the new password is in use", random_);
    }
    // As the engine records its end.
    static Resource updated(const Resource& resource, json::object handle = {}) {
        auto stepped =
            step(resource, {kNow, resource_event::Updated{{"postgres", "127.0.0.1", 5432}, std::move(handle)}});
        EXPECT_TRUE(stepped);
        return std::move(stepped->resource);
    }
    static std::string shown(const Resource& resource) {
        return resource.secrets.at(std::string(current_secret(shown_rotation(resource)))).ciphertext;
    }

    Resource database_;
    PlainSealer sealer_;
    SeededRandom random_{3};
};

TEST_F(RotationTest, PasswordsTakeTurns) {
    for (const std::int64_t number : {0, 2, 4, 1000}) {
        EXPECT_EQ(current_secret({number, false, {}}), "password") << number;
        EXPECT_EQ(former_secret({number, false, {}}), "password_alt") << number;
    }
    for (const std::int64_t number : {1, 3, 1001}) {
        EXPECT_EQ(current_secret({number, false, {}}), "password_alt") << number;
        EXPECT_EQ(former_secret({number, false, {}}), "password") << number;
    }
    EXPECT_EQ(rotation_in({{"rotation", -1}, {"keep_former", "yes"}}), Rotation()) << "what makes no sense is none";
}

TEST_F(RotationTest, TheNewPasswordIsShownWhenItWasSeenToWork) {
    const auto drafted = rotate(database_);
    ASSERT_TRUE(drafted) << drafted.error().why;
    const Resource& changing = drafted->resource;
    EXPECT_EQ(drafted->operation.kind, OperationKind::update);
    EXPECT_EQ(active_operation(changing.state), drafted->operation.id);
    EXPECT_EQ(drafted->event.operation, drafted->operation.id);
    EXPECT_THAT(drafted->event.message, HasSubstr(format_time(kNow + std::chrono::hours(24))));
    EXPECT_EQ(rotation_in(changing.parameters), (Rotation{1, true, kNow + std::chrono::hours(24)}));
    EXPECT_EQ(json::get_string(changing.parameters, "user"), "hephy-1");
    EXPECT_EQ(changing.secrets.at("password_alt").ciphertext.size(), 32U);
    EXPECT_TRUE(is_rotating(changing));
    EXPECT_EQ(shown(changing), "first");

    const Resource done = updated(changing, {{"user", "hephy-1"}, {"login", "hephy-1-b"}});
    EXPECT_FALSE(is_rotating(done));
    EXPECT_EQ(shown(done), changing.secrets.at("password_alt").ciphertext);
    EXPECT_EQ(login_of(done), "hephy-1-b");
    EXPECT_EQ(rotation_in(done.own_parameters), rotation_in(done.parameters)) << "it survives a change of plan";
}

TEST_F(RotationTest, WhatFailsLeavesTheFormerPasswordAndNothingToConfirm) {
    const auto drafted = rotate(database_);
    ASSERT_TRUE(drafted);
    const auto reverted = step(drafted->resource, {kNow, resource_event::UpdateReverted{}});
    ASSERT_TRUE(reverted);
    EXPECT_EQ(shown(reverted->resource), "first") << "while it is taken back";
    const auto failed = step(reverted->resource, {kNow, resource_event::UpdateFailed{"why"}});
    ASSERT_TRUE(failed);
    EXPECT_EQ(shown(failed->resource), "first");
    EXPECT_EQ(failed->resource.own_parameters, database_.own_parameters);
    EXPECT_TRUE(rotate(failed->resource)) << "it can be asked for again";
}

TEST_F(RotationTest, AConfirmationEndsTheFormerOneAndTheNextRotationTakesItsTurn) {
    const Resource rotated = updated(rotate(database_)->resource);
    const std::string second = shown(rotated);
    const auto drafted = confirm(rotated);
    ASSERT_TRUE(drafted) << drafted.error().why;
    EXPECT_TRUE(is_rotating(drafted->resource));
    EXPECT_EQ(shown(drafted->resource), second);
    EXPECT_THAT(drafted->event.message, HasSubstr("the new password is in use"));
    const Resource confirmed = updated(drafted->resource);
    EXPECT_FALSE(rotation_in(confirmed.parameters).keep_former);
    EXPECT_EQ(rotation_in(confirmed.parameters).number, 1);
    const auto again = rotate(confirmed);
    ASSERT_TRUE(again);
    EXPECT_EQ(rotation_in(again->resource.parameters).number, 2);
    EXPECT_NE(again->resource.secrets.at("password").ciphertext, "first");
    EXPECT_EQ(again->resource.secrets.at("password_alt").ciphertext, second);
}

TEST_F(RotationTest, AFailedConfirmationCanBeAskedForAgain) {
    const Resource rotated = updated(rotate(database_)->resource);
    const auto failed = step(confirm(rotated)->resource, {kNow, resource_event::UpdateFailed{"why"}});
    ASSERT_TRUE(failed);
    EXPECT_TRUE(rotation_in(failed->resource.parameters).keep_former);
    EXPECT_TRUE(confirm(failed->resource));
}

TEST_F(RotationTest, WhatCannotBeRotatedIsSaid) {
    const auto why = [&](const Resource& resource) {
        const auto drafted = rotate(resource);
        return drafted ? std::string() : drafted.error().why;
    };
    Resource cache = database_;
    cache.kind = Kind::cache;
    cache.engine = "redis";
    EXPECT_EQ(why(cache), "only passwords of databases are rotated: shopdb is a cache (redis)");
    Resource open = database_;
    open.secrets.clear();
    EXPECT_THAT(why(open), HasSubstr("no password"));
    Resource pooled = database_;
    pooled.pooled = true;
    EXPECT_THAT(why(pooled), HasSubstr("pool"));
    Resource coming = database_;
    coming.state = resource_state::Provisioning{OperationId("op_1")};
    EXPECT_THAT(why(coming), HasSubstr("provisioning"));
    const Resource changing = rotate(database_)->resource;
    EXPECT_THAT(why(changing), HasSubstr("updating"));
    const Resource rotated = updated(changing);
    EXPECT_THAT(why(rotated), HasSubstr("confirm it, or wait until " + format_time(kNow + std::chrono::hours(24))));
    const auto early = confirm(changing);
    ASSERT_FALSE(early);
    EXPECT_THAT(early.error().why, HasSubstr("updating"));
}

TEST_F(RotationTest, AChangeOfPlanMeanwhileIsNoRotation) {
    const Resource rotated = updated(rotate(database_)->resource);
    const auto moved =
        step(rotated, {kNow, resource_event::UpdateRequested{
                                 OperationId("op_plan"),
                                 FormerPlan{"large", overlaid({{"connections", 100}}, rotated.own_parameters)}}});
    ASSERT_TRUE(moved);
    EXPECT_FALSE(is_rotating(moved->resource));
    EXPECT_EQ(shown(moved->resource), shown(rotated));
    EXPECT_EQ(rotation_in(moved->resource.parameters), rotation_in(rotated.parameters));
}

TEST_F(RotationTest, WhatBeginsAnewHasTheFirstPassword) {
    Resource adopted = updated(rotate(database_)->resource);
    forget_rotations(adopted);
    EXPECT_EQ(adopted.own_parameters, database_.own_parameters);
}

}  // namespace
}  // namespace slipway
