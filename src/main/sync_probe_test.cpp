#include "main/sync_probe.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/temporary_directory_test_support.h"

namespace slipway {
namespace {

std::optional<Result<Duration>> measure(SyncProbe& probe, const std::string& directory, Duration limit) {
    boost::asio::io_context context;
    auto answer = boost::asio::co_spawn(context, probe.measure(directory, limit), boost::asio::use_future);
    context.run();
    return answer.get();
}

TEST(SyncProbeTest, TellsTheDisksTimeAndItsFaults) {
    const TemporaryDirectory directory;
    SyncProbe probe;
    const auto time = measure(probe, directory.path(), std::chrono::hours(1));
    ASSERT_TRUE(time && *time);
    EXPECT_GE(**time, Duration::zero());
    const auto nowhere = measure(probe, directory.path() / "absent", std::chrono::hours(1));
    ASSERT_TRUE(nowhere);
    ASSERT_FALSE(*nowhere);
    EXPECT_EQ(nowhere->error().code, ErrorCode::unavailable);
}

// A disk that never answers must not hold up whoever asks for the findings.
TEST(SyncProbeTest, WhoeverAsksWaitsNoLongerThanTheLimit) {
    const TemporaryDirectory directory;
    SyncProbe probe;
    for (int i = 0; i < 20; ++i) {
        const auto time = measure(probe, directory.path(), Duration::zero());
        EXPECT_TRUE(!time || *time) << "not known yet, or known already";
    }
}

}  // namespace
}  // namespace slipway
