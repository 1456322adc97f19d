#include "agent/copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/testing.h"

namespace slipway::agent {
namespace {

using slipway::testing::file_text;
using slipway::testing::TempRoot;
namespace fs = std::filesystem;

class CopyTest : public ::testing::Test {
  protected:
    CopyTest() {
        fs::create_directories(from_ + "/deep/er");
        fs::create_directories(to_);
        std::ofstream(from_ + "/deep/er/small") << "content";
        std::ofstream(from_ + "/empty");
        std::ofstream(from_ + "/large") << std::string(3'000'000, 'x');
    }
    Answer<void> copy(FileOwner owner = {::geteuid(), ::getegid(), 0600}) {
        const Answer<UniqueFd> from = open_directory(AT_FDCWD, from_);
        const Answer<UniqueFd> to = open_directory(AT_FDCWD, to_);
        return copy_tree(from->get(), to->get(), owner);
    }

    TempRoot temp_;
    std::string from_ = temp_.path() + "/from";
    std::string to_ = temp_.path() + "/to";
};

TEST_F(CopyTest, TakesEverythingAndNobodyElseMayReadIt) {
    ::chmod((from_ + "/large").c_str(), 0666);
    const FileOwner owner =
        ::geteuid() == 0 ? FileOwner{210'003, 210'004, 0600} : FileOwner{::geteuid(), ::getegid()};
    const Answer<void> copied = copy(owner);
    ASSERT_TRUE(copied) << copied.error().message;
    EXPECT_EQ(file_text(to_ + "/deep/er/small"), "content");
    EXPECT_EQ(file_text(to_ + "/large"), std::string(3'000'000, 'x'));
    EXPECT_TRUE(fs::exists(to_ + "/empty"));
    for (const std::string each : {"", "/deep", "/deep/er", "/deep/er/small", "/empty", "/large"}) {
        struct stat seen{};
        ASSERT_EQ(::stat((to_ + each).c_str(), &seen), 0) << each;
        EXPECT_EQ(seen.st_uid, owner.uid) << each;
        EXPECT_EQ(seen.st_gid, owner.gid) << each;
        if (!each.empty()) {
            EXPECT_EQ(seen.st_mode & 077, 0U) << each;
        }
    }
}

TEST_F(CopyTest, RefusesSymbolicLinksAndWhateverElseIsNoFile) {
    std::ofstream(temp_.path() + "/outside") << "not ours";
    fs::create_symlink(temp_.path() + "/outside", from_ + "/deep/link");
    EXPECT_EQ(copy().error().code, FailureCode::foreign);
    fs::remove(from_ + "/deep/link");
    fs::remove_all(to_);
    fs::create_directories(to_);
    fs::create_directory_symlink(temp_.path(), from_ + "/link");
    EXPECT_EQ(copy().error().code, FailureCode::foreign);
    fs::remove(from_ + "/link");
    fs::remove_all(to_);
    fs::create_directories(to_);
    ASSERT_EQ(::mkfifo((from_ + "/fifo").c_str(), 0600), 0);
    EXPECT_EQ(copy().error().code, FailureCode::foreign);
}

TEST_F(CopyTest, NeverOverwritesWhatIsThere) {
    std::ofstream(to_ + "/empty") << "before";
    EXPECT_FALSE(copy());
    EXPECT_EQ(file_text(to_ + "/empty"), "before");
}

TEST_F(CopyTest, IsBounded) {
    std::string deep = from_;
    for (int i = 0; i < 12; ++i) deep += "/d";
    fs::create_directories(deep);
    EXPECT_EQ(copy().error().code, FailureCode::invalid);
    fs::remove_all(from_ + "/d");
    fs::remove_all(to_);
    fs::create_directories(to_);
    // Sparse: takes no room.
    std::ofstream(from_ + "/huge");
    fs::resize_file(from_ + "/huge", (std::uintmax_t{1} << 30) + 1);
    EXPECT_EQ(copy().error().code, FailureCode::invalid);
}

TEST_F(CopyTest, AFileWithASecondNameDoesNotChangeHands) {
    fs::create_hard_link(from_ + "/large", temp_.path() + "/second");
    const Answer<UniqueFd> from = open_directory(AT_FDCWD, from_);
    EXPECT_EQ(give_tree(from->get(), ::geteuid(), ::getegid()).error().code, FailureCode::foreign);
    fs::remove(temp_.path() + "/second");
    EXPECT_TRUE(give_tree(from->get(), ::geteuid(), ::getegid()));
}

}  // namespace
}  // namespace slipway::agent
