#include "store/sqlite/recent_rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace slipway::sqlite {
namespace {

ResourceId id_of(int number) { return ResourceId(fmt::format("res_{}", number)); }

std::shared_ptr<const Resource> row(int number, std::uint64_t version = 1) {
    Resource made;
    made.id = id_of(number);
    made.version = version;
    return std::make_shared<const Resource>(std::move(made));
}

ApiKey key(const std::string& hash) {
    ApiKey made;
    made.hash = hash;
    return made;
}

void commit(RecentRows& recent, std::shared_ptr<const Resource> of) {
    ChangedRows changed;
    changed.put(std::move(of));
    recent.withdraw(changed);
    recent.publish(changed);
}

TEST(RecentRows, TheNewestFormOfARowIsFoundAndTheOldestRowGoes) {
    RecentRows recent(2);
    for (const int number : {1, 2}) commit(recent, row(number));
    commit(recent, row(1, 2));
    EXPECT_EQ(recent.resource(id_of(1))->version, 2U);
    commit(recent, row(3));
    EXPECT_EQ(recent.resource(id_of(1)), nullptr);
    EXPECT_NE(recent.resource(id_of(2)), nullptr);
    EXPECT_NE(recent.resource(id_of(3)), nullptr);
}

// Between the two nobody knows on which side of its COMMIT the transaction is, and after one that failed either.
TEST(RecentRows, WhatATransactionChangesIsNotThereUntilItIsCommitted) {
    RecentRows recent(2);
    commit(recent, row(1));
    ChangedRows changed;
    changed.put(row(1, 2));
    EXPECT_EQ(changed.resource(id_of(1))->version, 2U);
    EXPECT_EQ(recent.resource(id_of(1))->version, 1U);
    recent.withdraw(changed);
    EXPECT_EQ(recent.resource(id_of(1)), nullptr);
    recent.publish(changed);
    EXPECT_EQ(recent.resource(id_of(1))->version, 2U);
}

TEST(RecentRows, NothingIsKeptWhereNothingMayBe) {
    RecentRows recent(0);
    commit(recent, row(1));
    EXPECT_EQ(recent.resource(id_of(1)), nullptr);
}

// A key that was revoked between being read and being kept would work for good.
TEST(RecentRows, AKeyThatWasReadBeforeAnyChangedIsNotKept) {
    RecentRows recent(2);
    recent.keep(key("a"), recent.key_generation());
    EXPECT_TRUE(recent.api_key("a"));
    const std::uint64_t before = recent.key_generation();
    ChangedRows changed;
    changed.put_key();
    recent.publish(changed);
    EXPECT_FALSE(recent.api_key("a"));
    recent.keep(key("a"), before);
    EXPECT_FALSE(recent.api_key("a"));
}

TEST(RecentRows, KeysAreBounded) {
    RecentRows recent(2);
    for (int i = 0; i <= 1024; ++i) recent.keep(key(std::to_string(i)), recent.key_generation());
    EXPECT_FALSE(recent.api_key("0"));
    EXPECT_TRUE(recent.api_key("1024"));
}

}  // namespace
}  // namespace slipway::sqlite
