#include "base/machine.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/temporary_directory_test_support.h"

namespace slipway {
namespace {

TEST(MachineTest, PortsOfOutgoingConnectionsAreTwoNumbers) {
    const TemporaryDirectory directory;
    const std::string place = directory.path();
    const auto with = [&](const std::string& text) {
        std::ofstream(place + "/range") << text;
        return outgoing_ports(place + "/range");
    };
    const auto usual = with("32768\t60999\n");
    ASSERT_TRUE(usual);
    EXPECT_EQ(usual->first, 32'768);
    EXPECT_EQ(usual->last, 60'999);
    EXPECT_FALSE(with("32768"));
    EXPECT_FALSE(with("all of them"));
    EXPECT_FALSE(outgoing_ports(place + "/absent"));
    EXPECT_TRUE(usual->overlaps({60'999, 61'000})) << "both ends are part of it";
    EXPECT_TRUE(usual->overlaps({20'000, 32'768}));
    EXPECT_FALSE(usual->overlaps({20'000, 32'767}));
    EXPECT_FALSE(usual->overlaps({61'000, 65'000}));
}

TEST(MachineTest, ADiskIsTriedAndNothingIsLeftOnIt) {
    const TemporaryDirectory directory;
    const std::string place = directory.path();
    const auto time = sync_time(place);
    ASSERT_TRUE(time) << time.error().message;
    EXPECT_GE(*time, Duration::zero());
    EXPECT_TRUE(std::filesystem::is_empty(place));
    const auto nowhere = sync_time(place + "/absent");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace slipway
