// Calls that are cut off after each thing that is said to the server, with the request or its answer lost.
#include "databases_interrupted.h"

#include <gmock/gmock.h>

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::StartsWith;

TEST_P(DatabasesInterrupted, CreateIsFinishedByTheNextOne) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("cut-{}", point);
        cut = interrupt(Verb::create, name, point);
        const ProviderAnswer seen = observe(name);
        EXPECT_TRUE(seen) << "at " << point << ": " << seen.error().message;
        if (seen) {
            EXPECT_THAT(seen->presence, AnyOf(Eq(Presence::absent), Eq(Presence::stopped), Eq(Presence::running)))
                << "at " << point;
        }
        EXPECT_TRUE(is(insist(Verb::create, name), Presence::running)) << "at " << point;
        EXPECT_EQ(own(name, "CREATE TABLE t (id INT)"), "") << "at " << point;
        EXPECT_TRUE(is(remove(name), Presence::absent)) << "at " << point;
    }
    EXPECT_GT(point, 10) << "it was cut at all of its points";
    EXPECT_LT(point, kMostPoints);
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_P(DatabasesInterrupted, RemovalLeavesNothingOfAHalfMadeOne) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("half-{}", point);
        cut = interrupt(Verb::create, name, point);
        EXPECT_TRUE(is(insist(Verb::remove, name), Presence::absent)) << "at " << point;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << "at " << point << ": " << fmt::format("{}", fmt::join(left, ", "));
        EXPECT_TRUE(fails(create(name), ErrorClass::permanent)) << "at " << point;
    }
    EXPECT_LT(point, kMostPoints);
}

TEST_P(DatabasesInterrupted, TheNextRemovalFinishesOne) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("removed-{}", point);
        ASSERT_TRUE(is(create(name), Presence::running)) << "at " << point;
        cut = interrupt(Verb::remove, name, point);
        const ProviderAnswer seen = observe(name);
        if (cut && seen && seen->presence == Presence::stopped) {
            EXPECT_TRUE(fails(create(name), ErrorClass::permanent)) << "it is not brought back, at " << point;
            EXPECT_TRUE(fails(update(name), ErrorClass::permanent)) << "at " << point;
        }
        EXPECT_TRUE(is(insist(Verb::remove, name), Presence::absent)) << "at " << point;
        EXPECT_THAT(own(name), StartsWith("login ")) << "at " << point;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << "at " << point << ": " << fmt::format("{}", fmt::join(left, ", "));
    }
    EXPECT_GT(point, 10);
    EXPECT_LT(point, kMostPoints);
}

// What was made ahead gets other names: all of them or none, whenever it is cut, and nothing is left by a removal.
class RenamesInterrupted : public DatabasesInterrupted {
  protected:
    void make_ahead(const std::string& name) {
        ASSERT_TRUE(is(create(name), Presence::running));
        spec(name).parameters = {{"database", "cluster of " + name}, {"user", "user of " + name}};
    }
};

TEST_P(RenamesInterrupted, TheNextUpdateFinishesOne) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("renamed-{}", point);
        ASSERT_NO_FATAL_FAILURE(make_ahead(name));
        cut = interrupt(Verb::update, name, point);
        const ProviderAnswer seen = observe(name);
        EXPECT_TRUE(seen) << "at " << point << ": " << seen.error().message;
        if (seen) {
            EXPECT_THAT(seen->presence, AnyOf(Eq(Presence::stopped), Eq(Presence::running))) << "at " << point;
        }
        EXPECT_TRUE(is(insist(Verb::update, name), Presence::running)) << "at " << point;
        EXPECT_EQ(own(name, "CREATE TABLE t (id INT)"), "") << "at " << point;
        EXPECT_TRUE(is(remove(name), Presence::absent)) << "at " << point;
    }
    EXPECT_GT(point, 5) << "it was cut at all of its points";
    EXPECT_LT(point, kMostPoints);
    EXPECT_TRUE(subject_.leftovers().empty());
}

TEST_P(RenamesInterrupted, RemovalLeavesNothingOfOne) {
    int point = 1;
    for (bool cut = true; cut && point < kMostPoints; ++point) {
        const std::string name = fmt::format("undone-{}", point);
        ASSERT_NO_FATAL_FAILURE(make_ahead(name));
        cut = interrupt(Verb::update, name, point);
        EXPECT_TRUE(is(insist(Verb::remove, name), Presence::absent)) << "at " << point;
        const std::vector<std::string> left = subject_.leftovers();
        EXPECT_TRUE(left.empty()) << "at " << point << ": " << fmt::format("{}", fmt::join(left, ", "));
        EXPECT_TRUE(is(update(name), Presence::absent)) << "at " << point;
    }
    EXPECT_LT(point, kMostPoints);
}

INSTANTIATE_TEST_SUITE_P(AtEveryPoint, RenamesInterrupted,
                         ::testing::Combine(::testing::Values("postgres"),
                                            ::testing::Values(Cut::request_lost, Cut::answer_lost)),
                         [](const auto& info) {
                             return std::get<1>(info.param) == Cut::request_lost ? "request_lost" : "answer_lost";
                         });

INSTANTIATE_TEST_SUITE_P(AtEveryPoint, DatabasesInterrupted, kEnginesAndCuts, name_of_cut);

}  // namespace
}  // namespace slipway::testing
