#include "agent/warm.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/save_file.h"
#include "agent/testing.h"

namespace slipway::agent {
namespace {

using slipway::testing::file_text;
using slipway::testing::TempRoot;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class WarmTest : public ::testing::Test {
  protected:
    WarmTest() {
        for (const std::string& each : {from_ + "/data", to_}) fs::create_directories(each);
        std::ofstream(from_ + "/data/disk.qcow2") << "a disk";
        std::ofstream(from_ + "/data/seed.iso") << "nothing";
        save(save_file_head("<domain>template</domain>", "<cookie/>") + "what QEMU wrote");
        for (const fs::directory_entry& each : fs::directory_iterator(from_ + "/data")) {
            EXPECT_EQ(::chown(each.path().c_str(), uid_, uid_), 0);
        }
    }
    void save(const std::string& content) const {
        std::ofstream(from_ + "/data/saved.state", std::ios::binary | std::ios::trunc) << content;
    }
    static UniqueFd open(const std::string& path) { return std::move(*open_directory(AT_FDCWD, path)); }
    Answer<void> freeze() const { return freeze_template(open(from_).get(), uid_, own_); }
    Answer<void> take() const {
        const UniqueFd from = open(from_);
        return take_disk({from.get(), "warm-1 7"}, open(to_).get(), uid_, own_);
    }
    Answer<Wake> wake(const std::string& made = "warm-1 7") const {
        const UniqueFd directory = open(from_);
        std::optional<Template> from(Template{directory.get(), made});
        if (made.empty()) from.reset();
        return wake_machine(from, open(to_).get(), uid_, "<domain>machine</domain>");
    }
    std::string state() const { return file_text(to_ + "/data/wake.state"); }

    TempRoot temp_;
    std::string from_ = temp_.path() + "/warm-1";
    std::string to_ = temp_.path() + "/oct-1";
    uid_t uid_ = ::geteuid() == 0 ? 210'003 : ::geteuid();
    FileOwner own_{::geteuid(), ::getegid(), 0600};
};

TEST_F(WarmTest, AMachineBeginsOnceWithItsTemplatesDiskAndState) {
    EXPECT_FALSE(look_at_template(open(from_).get()).frozen);
    ASSERT_TRUE(freeze()) << freeze().error().message;
    EXPECT_TRUE(look_at_template(open(from_).get()).frozen);
    EXPECT_TRUE(fs::is_empty(from_ + "/data")) << "nobody else has a part in it any more";
    ASSERT_TRUE(take()) << take().error().message;
    EXPECT_EQ(file_text(to_ + "/data/disk.qcow2"), "a disk");
    const Answer<Wake> first = wake();
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_TRUE(first->ready) << first->why;
    EXPECT_EQ(state(), save_file_head("<domain>machine</domain>", "<cookie/>") + "what QEMU wrote");
    struct stat seen{};
    ASSERT_EQ(::stat((to_ + "/data/wake.state").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_uid, uid_);
    EXPECT_EQ(seen.st_mode & 0777U, 0600U);
    // Its disk has moved on: that state on it would be somebody else's memory of it.
    const Answer<Wake> second = wake();
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->ready || second->first);
    EXPECT_FALSE(fs::exists(to_ + "/data/wake.state"));
}

// Nor has it the state of a template that was made anew, whose disk was another one.
TEST_F(WarmTest, WhatTheFirstStartCouldNotHaveNoLaterOneHas) {
    ASSERT_TRUE(freeze());
    for (const char* other : {"", "warm-1 8"}) {
        fs::remove(to_ + "/data/disk.qcow2");
        ASSERT_TRUE(take());
        const Answer<Wake> gone = wake(other);
        ASSERT_TRUE(gone);
        EXPECT_FALSE(gone->ready);
        EXPECT_TRUE(gone->first);
        EXPECT_THAT(gone->why, HasSubstr("its template is gone"));
        EXPECT_FALSE(wake()->ready);
    }
}

TEST_F(WarmTest, AStateThatIsNoneLeavesNothing) {
    ASSERT_TRUE(freeze());
    ASSERT_TRUE(take());
    std::ofstream(from_ + "/frozen.state") << "broken";
    const Answer<Wake> broken = wake();
    ASSERT_TRUE(broken);
    EXPECT_FALSE(broken->ready);
    EXPECT_THAT(broken->why, HasSubstr("no saved state"));
    EXPECT_FALSE(fs::exists(to_ + "/data/wake.state"));
}

// The directory is one of those that guests' QEMU can write in.
TEST_F(WarmTest, OnlyWhatTheDaemonSavedToItsEndIsFrozen) {
    const auto refused = [&] {
        const Answer<void> answer = freeze();
        EXPECT_FALSE(look_at_template(open(from_).get()).frozen);
        return answer ? std::string("it was frozen") : answer.error().message;
    };
    save("LibvirtQemudPart" + std::string(1'000, '\0'));
    EXPECT_THAT(refused(), HasSubstr("written to its end"));
    fs::remove(from_ + "/data/saved.state");
    EXPECT_THAT(refused(), HasSubstr("there is no saved.state"));
    std::ofstream(temp_.path() + "/outside") << "not ours";
    fs::create_symlink(temp_.path() + "/outside", from_ + "/data/saved.state");
    EXPECT_THAT(refused(), HasSubstr("cannot open"));
    fs::remove(from_ + "/data/saved.state");
    ASSERT_EQ(::mkfifo((from_ + "/data/saved.state").c_str(), 0600), 0);
    EXPECT_THAT(refused(), HasSubstr("is not a template's file"));
    EXPECT_FALSE(take()) << "half of one";
    EXPECT_EQ(take().error().code, FailureCode::absent);
}

TEST_F(WarmTest, SaysWhenItsGuestWaits) {
    EXPECT_FALSE(look_at_template(open(from_).get()).waits);
    std::ofstream(from_ + "/data/console.log") << "booting\r\nslipway: waiting to be told who it is\r\n";
    EXPECT_TRUE(look_at_template(open(from_).get()).waits);
}

}  // namespace
}  // namespace slipway::agent
