#include "main/status_board.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

// A package has no scripts/setup: whoever reads the fix has to know what to install.
TEST(StatusBoardTest, TheFixNamesThePackageThatIsMissing) {
    const auto fix = [](const std::string& name, const std::string& reason) {
        return StatusBoard::Part{name, fail(ErrorCode::unavailable, reason)}.fix();
    };
    EXPECT_EQ(fix("local memcached", "memcached is not installed (apt-get install memcached)"),
              "apt-get install memcached, then restart the server and a helper that is a service of its own");
    EXPECT_EQ(fix("local mysql", "the helper process that starts engines is not running"),
              "look at the log of the server and of its helper");
    EXPECT_EQ(fix("store", "the store cannot be read"),
              "look at the log and at the disk below the state directory");
    EXPECT_EQ((StatusBoard::Part{"store", Status()}.fix()), "");
}

}  // namespace
}  // namespace slipway
