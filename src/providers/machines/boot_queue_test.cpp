#include "providers/machines/boot_queue.h"

#include <gtest/gtest.h>

namespace slipway::machines {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const TimePoint kStart{std::chrono::hours(1)};

TEST(BootQueue, LetsSoManyBootAndTheOthersInTheOrderOfTheirFirstAsking) {
    BootQueue queue(2);
    EXPECT_EQ(queue.ask("a", kStart), 0U);
    EXPECT_EQ(queue.ask("b", kStart), 0U);
    EXPECT_EQ(queue.ask("c", kStart), 1U);
    EXPECT_EQ(queue.ask("d", kStart), 2U);
    EXPECT_EQ(queue.ask("a", kStart), 0U) << "it is still its turn";
    queue.leave("a");
    EXPECT_EQ(queue.ask("d", kStart), 1U) << "c asked before it";
    EXPECT_EQ(queue.ask("c", kStart), 0U);
    EXPECT_EQ(queue.ask("d", kStart), 1U);
    EXPECT_EQ(queue.booting(), 2U);
    EXPECT_EQ(queue.waiting(), 1U);
}

TEST(BootQueue, WhoDoesNotAskAnyMoreHoldsUpNobody) {
    BootQueue queue(1);
    EXPECT_EQ(queue.ask("a", kStart), 0U);
    EXPECT_EQ(queue.ask("gone", kStart), 1U);
    EXPECT_EQ(queue.ask("patient", kStart + seconds(20)), 2U);
    queue.leave("a");
    EXPECT_EQ(queue.ask("patient", kStart + seconds(40)), 0U);
}

TEST(BootQueue, ABootThatNeverEndsHoldsUpTheOthersForSomeTimeOnly) {
    BootQueue queue(1);
    EXPECT_EQ(queue.ask("stuck", kStart), 0U);
    EXPECT_EQ(queue.ask("next", kStart + minutes(2)), 1U);
    EXPECT_EQ(queue.ask("next", kStart + minutes(4)), 0U);
}

TEST(BootQueue, TellsWhoBootsAndWhoWaitsAndNotWhoIsForgotten) {
    BootQueue queue(1);
    queue.ask("a", kStart);
    queue.ask("b", kStart);
    queue.ask("c", kStart + seconds(20));
    EXPECT_EQ(queue.levels(kStart + seconds(20)).under_way, 1U);
    EXPECT_EQ(queue.levels(kStart + seconds(20)).waiting, 2U);
    EXPECT_EQ(queue.levels(kStart + seconds(40)).waiting, 1U);
    EXPECT_EQ(queue.levels(kStart + minutes(4)).under_way, 0U);
}

}  // namespace
}  // namespace slipway::machines
