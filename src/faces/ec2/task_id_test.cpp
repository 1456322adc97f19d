#include "faces/ec2/task_id.h"

#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace slipway::faces {
namespace {

TEST(TaskId, OfKnownIds) {
    EXPECT_EQ(task_id_of(OperationId("op_00000000000000000000000000")), "00000000-0000-0000-0000-000000000000");
    EXPECT_EQ(task_id_of(OperationId("op_7zzzzzzzzzzzzzzzzzzzzzzzzz")), "ffffffff-ffff-ffff-ffff-ffffffffffff");
    EXPECT_EQ(task_id_of(OperationId("op_00000000000000000000000001")), "00000000-0000-0000-0000-000000000001");
    EXPECT_EQ(task_id_of(OperationId("op_40000000000000000000000000")), "80000000-0000-0000-0000-000000000000");
    // A published example of a ULID and the UUID of the same bits.
    EXPECT_EQ(task_id_of(OperationId("op_01arz3ndektsv4rrffq69g5fav")), "01563e3a-b5d3-d676-4c61-efb99302bd5b");
}

// Every operation has a task id of its own, which leads back to it, whatever its bits are.
TEST(TaskId, EveryIdHasOneAndIsFoundByIt) {
    static const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    SeededRandom random(4);
    std::set<std::string> seen;
    for (int i = 0; i < 20'000; ++i) {
        // Times of every size up to the year 10889, which is the last one.
        const TimePoint at =
            from_micros(static_cast<std::int64_t>(random.below(1ULL << (random.below(48) + 1)) * 1000));
        const auto id = make_id<OperationId>("op", at, random);
        const std::string uuid = task_id_of(id);
        ASSERT_TRUE(std::regex_match(uuid, form)) << id << " " << uuid;
        ASSERT_TRUE(seen.insert(uuid).second);
        const auto back = operation_of(uuid);
        ASSERT_TRUE(back);
        ASSERT_EQ(*back, id);
    }
}

// And every UUID is that of one operation, even if there is none.
TEST(TaskId, EveryUuidIsThatOfOneId) {
    SeededRandom random(5);
    for (int i = 0; i < 20'000; ++i) {
        std::string uuid = random.hex(32);
        for (const std::size_t at : {8U, 13U, 18U, 23U}) uuid.insert(at, "-");
        const auto id = operation_of(uuid);
        ASSERT_TRUE(id) << uuid;
        ASSERT_EQ(task_id_of(*id), uuid);
    }
}

TEST(TaskId, CapitalLettersMeanTheSame) {
    EXPECT_EQ(operation_of("01563E3A-B5D3-D676-4C61-EFB99302BD5B"),
              operation_of("01563e3a-b5d3-d676-4c61-efb99302bd5b"));
}

TEST(TaskId, WhatIsNoUuidIsNoTask) {
    for (const std::string bad :
         {"", "0", "01563e3a", "01563e3ab5d3d6764c61efb99302bd5b", "{01563e3a-b5d3-d676-4c61-efb99302bd5b}",
          "01563e3a-b5d3-d676-4c61-efb99302bd5", "01563e3a-b5d3-d676-4c61-efb99302bd5b0",
          "01563e3a-b5d3-d676-4c61-efb99302bd5g", "01563e3a_b5d3_d676_4c61_efb99302bd5b",
          "01563e3a-b5d3-d676-4c61-efb99302bd5\n", "op_01arz3ndektsv4rrffq69g5fav"}) {
        EXPECT_FALSE(operation_of(bad)) << bad;
    }
    EXPECT_FALSE(operation_of(std::string(36, '-')));
}

TEST(TaskId, AnIdOfAnotherFormHasNone) {
    for (const std::string bad :
         {"", "op_", "op_1", "res_01arz3ndektsv4rrffq69g5fav", "op_81arz3ndektsv4rrffq69g5fav",
          "op_01arz3ndektsv4rrffq69g5fau", "op_01ARZ3NDEKTSV4RRFFQ69G5FAV", "op_01arz3ndektsv4rrffq69g5fav0"}) {
        EXPECT_EQ(task_id_of(OperationId(bad)), "") << bad;
    }
}

}  // namespace
}  // namespace slipway::faces
