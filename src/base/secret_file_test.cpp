#include "base/secret_file.h"

#include <array>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/temporary_directory_test_support.h"

namespace slipway {
namespace {

class SecretFileTest : public ::testing::Test {
  protected:
    Result<Secret> load(const std::string& name, std::size_t max_bytes = 64) {
        return load_or_create_secret_file(directory_ / name, max_bytes, [] { return Secret("made"); }, random_);
    }
    void put(const std::string& name, const std::string& content, mode_t mode = 0600) {
        std::ofstream(directory_ / name) << content;
        ASSERT_EQ(::chmod((directory_ / name).c_str(), mode), 0);
    }
    SeededRandom random_{1};
    TemporaryDirectory temporary_;
    std::filesystem::path directory_ = temporary_.path();
};

TEST_F(SecretFileTest, IsMadeOnceForItsOwnerAloneAndLeavesNoDraft) {
    const auto first = load("key");
    ASSERT_TRUE(first) << first.error().message;
    struct stat facts{};
    ASSERT_EQ(::stat((directory_ / "key").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
    put("key", "changed");
    EXPECT_TRUE(load("key")->equals("changed"));
}

TEST_F(SecretFileTest, WhatOthersMayReadOrChangeIsRefused) {
    for (const mode_t mode : std::array<mode_t, 4>{0640, 0604, 0620, 0601}) {
        put("key", "x", mode);
        const auto read = load("key");
        ASSERT_FALSE(read) << mode;
        EXPECT_EQ(read.error().code, ErrorCode::forbidden);
    }
}

// A link could point a privileged reader anywhere; a pipe would make it wait for ever.
TEST_F(SecretFileTest, LinksPipesAndDirectoriesAreRefused) {
    put("real", "x");
    std::filesystem::create_symlink(directory_ / "real", directory_ / "link");
    EXPECT_EQ(load("link").error().code, ErrorCode::storage);
    ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(load("pipe").error().code, ErrorCode::invalid_argument);
    std::filesystem::create_directory(directory_ / "folder");
    EXPECT_EQ(load("folder").error().code, ErrorCode::invalid_argument);
}

TEST_F(SecretFileTest, ALongFileIsAnsweredWithOneByteTooMany) {
    put("key", std::string(1000, 'k'));
    EXPECT_EQ(load("key", 64)->reveal().size(), 65U);
}

}  // namespace
}  // namespace slipway
