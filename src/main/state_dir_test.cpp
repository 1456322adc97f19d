#include "main/state_dir.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/testing.h"

namespace slipway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

mode_t mode_of(const std::filesystem::path& path) {
    struct stat facts{};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 07777U;
}

class StateDirTest : public ::testing::Test {
  protected:
    testing::TempRoot temp_;
    SystemRandom random_;
    std::filesystem::path dir_ = std::filesystem::path(temp_.path()) / "deep" / "state";
};

TEST_F(StateDirTest, IsMadeForItsOwnerAlone) {
    const auto made = prepare_state_dir(dir_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(mode_of(dir_), 0700U);
    EXPECT_TRUE(made->path.is_absolute());
}

TEST_F(StateDirTest, KeepsTheModeOfADirectoryThatIsThere) {
    std::filesystem::create_directories(dir_);
    ASSERT_EQ(::chmod(dir_.c_str(), 0711), 0);
    ASSERT_TRUE(prepare_state_dir(dir_));
    EXPECT_EQ(mode_of(dir_), 0711U);
}

// Who can write to the directory can put a key there and is the administrator.
TEST_F(StateDirTest, RefusesADirectoryThatOthersMayWriteTo) {
    std::filesystem::create_directories(dir_);
    ASSERT_EQ(::chmod(dir_.c_str(), 0770), 0);
    const auto made = prepare_state_dir(dir_);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::forbidden);
    EXPECT_THAT(made.error().message, HasSubstr("0770"));
}

TEST_F(StateDirTest, RefusesAFileInItsPlace) {
    std::filesystem::create_directories(dir_.parent_path());
    std::ofstream(dir_) << "x";
    ASSERT_FALSE(prepare_state_dir(dir_));
}

TEST_F(StateDirTest, TheAdministratorsKeyIsMadeOnceAndStays) {
    const auto made = prepare_state_dir(dir_);
    ASSERT_TRUE(made);
    const auto first = load_or_create_admin_key(made->admin_key(), random_);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(mode_of(made->admin_key()), 0600U);
    EXPECT_EQ(first->reveal().size(), 47U);
    EXPECT_TRUE(first->reveal().starts_with("slk_"));
    const auto second = load_or_create_admin_key(made->admin_key(), random_);
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->equals(first->reveal()));
    std::filesystem::remove(made->admin_key());
    const auto third = load_or_create_admin_key(made->admin_key(), random_);
    ASSERT_TRUE(third);
    EXPECT_FALSE(third->equals(first->reveal()));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1) << "no draft is left";
}

TEST_F(StateDirTest, AKeyThatOthersMayReadOrThatIsNoneIsRefused) {
    const auto made = prepare_state_dir(dir_);
    ASSERT_TRUE(made);
    const std::string secret = "guess" + std::string(45, '!');
    std::ofstream(made->admin_key()) << secret;
    ASSERT_EQ(::chmod(made->admin_key().c_str(), 0644), 0);
    const auto readable = load_or_create_admin_key(made->admin_key(), random_);
    ASSERT_FALSE(readable);
    EXPECT_EQ(readable.error().code, ErrorCode::forbidden);
    ASSERT_EQ(::chmod(made->admin_key().c_str(), 0600), 0);
    const auto nonsense = load_or_create_admin_key(made->admin_key(), random_);
    ASSERT_FALSE(nonsense);
    EXPECT_EQ(nonsense.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(nonsense.error().message, Not(HasSubstr("guess"))) << "what stands in a key file is not repeated";
}

}  // namespace
}  // namespace slipway
