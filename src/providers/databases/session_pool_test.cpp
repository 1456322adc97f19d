#include "providers/databases/session_pool.h"

#include <gtest/gtest.h>

#include "base/start_test_support.h"

namespace slipway::databases {
namespace {

using namespace std::chrono_literals;

struct Counters {
    int opened = 0;
    int open = 0;
    bool refuse = false;
    bool broken = false;  // all that are open
};
class FakeSession {
  public:
    explicit FakeSession(Counters& counters) : counters_(&counters) {
        ++counters.opened;
        ++counters.open;
    }
    FakeSession(FakeSession&& other) noexcept : counters_(std::exchange(other.counters_, nullptr)) {}
    FakeSession& operator=(FakeSession&& other) noexcept {
        std::swap(counters_, other.counters_);
        return *this;
    }
    ~FakeSession() {
        if (counters_ != nullptr) --counters_->open;
    }
    [[nodiscard]] bool usable() const { return !counters_->broken; }

  private:
    Counters* counters_;
};
using Pool = SessionPool<FakeSession>;

class SessionPools : public ::testing::Test {
  protected:
    Pool pool(PoolLimits limits) {
        return Pool(io_.get_executor(), limits, [this](Deadline) -> Task<sql::Answer<FakeSession>> {
            if (counters_.refuse) co_return sql::refuse(sql::Failure::refused, "no");
            co_return FakeSession(counters_);
        });
    }
    using Leased = std::optional<sql::Answer<Pool::Lease>>;
    // Begins to wait for one where there is none.
    void acquire(Pool& pool, Leased& lease, Duration budget = 5s, bool fresh = false) {
        start(io_, into(lease, pool.acquire(Deadline(budget), fresh)));
        io_.restart();
        io_.poll();
    }

    boost::asio::io_context io_;
    Counters counters_;
};

TEST_F(SessionPools, AnOpenOneIsUsedAgainAndABrokenOneIsNot) {
    Pool pool = this->pool({2, 60s});
    Leased lease;
    acquire(pool, lease);
    ASSERT_TRUE(*lease);
    EXPECT_FALSE((*lease)->reused());
    lease.reset();
    EXPECT_EQ(pool.kept(), 1U);
    acquire(pool, lease);
    EXPECT_TRUE((*lease)->reused());
    EXPECT_EQ(counters_.opened, 1);
    counters_.broken = true;
    lease.reset();
    EXPECT_EQ(pool.kept(), 0U);
    EXPECT_EQ(counters_.open, 0);
    counters_.broken = false;
    acquire(pool, lease);
    (*lease)->discard();
    lease.reset();
    EXPECT_EQ(pool.kept(), 0U);
    acquire(pool, lease);
    lease.reset();
    acquire(pool, lease, 5s, true);
    EXPECT_FALSE((*lease)->reused()) << "a fresh one was asked for";
}

TEST_F(SessionPools, NoMoreThanTheLimitAreOpenAndWhoComesLaterWaits) {
    Pool pool = this->pool({2, 60s});
    std::vector<Leased> leases(4);
    for (Leased& each : leases) acquire(pool, each);
    EXPECT_EQ(counters_.open, 2);
    EXPECT_TRUE(leases[1]);
    EXPECT_FALSE(leases[2]);
    leases[0].reset();
    io_.restart();
    io_.poll();
    ASSERT_TRUE(leases[2]) << "in the order in which they came";
    EXPECT_TRUE(*leases[2]);
    EXPECT_FALSE(leases[3]);
    EXPECT_EQ(counters_.open, 2);
    leases[1].reset();
    io_.restart();
    io_.poll();
    EXPECT_TRUE(leases[3]);
    EXPECT_EQ(counters_.opened, 2);
}

TEST_F(SessionPools, WaitingEndsWithTheDeadlineAndAFailureGivesThePlaceBack) {
    Pool pool = this->pool({1, 60s});
    Leased first;
    Leased late;
    acquire(pool, first);
    acquire(pool, late, 0ms);
    io_.restart();
    io_.run_for(10ms);
    ASSERT_TRUE(late);
    EXPECT_FALSE(*late);
    counters_.broken = true;
    first.reset();
    counters_.refuse = true;
    for (int i = 0; i < 3; ++i) {
        Leased refused;
        acquire(pool, refused);
        ASSERT_TRUE(refused);
        EXPECT_EQ((*refused).error().failure, sql::Failure::refused);
    }
    counters_ = {};
    Leased again;
    acquire(pool, again);
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again);
}

TEST_F(SessionPools, WhatNobodyUsesIsClosed) {
    Pool pool = this->pool({2, 5ms});
    Leased lease;
    acquire(pool, lease);
    lease.reset();
    EXPECT_EQ(counters_.open, 1);
    io_.restart();
    io_.run_for(1s);
    EXPECT_EQ(counters_.open, 0);
}

TEST_F(SessionPools, ALeaseMayOutliveItsPool) {
    Leased lease;
    {
        Pool pool = this->pool({1, 60s});
        acquire(pool, lease);
    }
    EXPECT_EQ(counters_.open, 1);
    lease.reset();
    EXPECT_EQ(counters_.open, 0);
}

}  // namespace
}  // namespace slipway::databases
