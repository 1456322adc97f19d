#include "agent/cgroups.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/testing.h"

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CgroupsCheck, SaysWhichControllerIsMissing) {
    const TemporaryDirectory first;
    for (const char* each : {"cpu", "memory"}) {
        fs::create_directories(first.path().string() + "/" + each);
        std::ofstream(first.path().string() + "/" + each + "/tasks") << "";
    }
    const Answer<void> without = Cgroups(first.path().string()).check();
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().code, FailureCode::unsupported);
    EXPECT_THAT(without.error().message, HasSubstr("no controller pids"));
    fs::create_directories(first.path().string() + "/pids");
    std::ofstream(first.path().string() + "/pids/tasks") << "";
    EXPECT_TRUE(Cgroups(first.path().string()).check());
    EXPECT_FALSE(Cgroups(first.path().string()).unified());
    EXPECT_FALSE(Cgroups(first.path().string()).counts_swap());

    const TemporaryDirectory second;
    std::ofstream(second.path().string() + "/cgroup.controllers") << "cpuset cpu io memory pids\n";
    EXPECT_TRUE(Cgroups(second.path().string()).unified());
    EXPECT_TRUE(Cgroups(second.path().string()).check());
    std::ofstream(second.path().string() + "/cgroup.controllers") << "cpuset cpu io memory\n";
    EXPECT_THAT(Cgroups(second.path().string()).check().error().message, HasSubstr("no controller pids"));
}

// In a group of this process's own, of whatever version this machine has.
class CgroupsClear : public ::testing::Test {
  protected:
    ~CgroupsClear() override {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        if (::geteuid() == 0) EXPECT_TRUE(cgroups_.clear(group_, 1000));
    }
    void live_in(const std::string& group) {
        fs::create_directories(place_ + group);
        pid_ = ::fork();
        if (pid_ == 0) {
            for (;;) ::pause();
        }
        std::ofstream(place_ + group + "/cgroup.procs") << pid_;
    }

    const Cgroups cgroups_;
    const std::string group_ = fmt::format("slipway-test-{}", ::getpid());
    const std::string place_ = cgroups_.unified() ? "/sys/fs/cgroup/" : "/sys/fs/cgroup/pids/";
    pid_t pid_ = 0;
};

TEST_F(CgroupsClear, EndsWhatLivesInItOrBelowAndRemovesIt) {
    if (::geteuid() != 0) return;  // control groups are made by root
    live_in(group_ + "/below/deeper");
    EXPECT_THAT(cgroups_.members(group_), Contains(pid_));
    cgroups_.drop(group_);
    EXPECT_TRUE(fs::exists(place_ + group_)) << "it has others below";
    ASSERT_TRUE(cgroups_.clear(group_, 5000));
    int status = 0;
    EXPECT_EQ(::waitpid(std::exchange(pid_, 0), &status, 0) > 0 && WIFSIGNALED(status), true);
    EXPECT_FALSE(fs::exists(place_ + group_));
    EXPECT_TRUE(cgroups_.clear(group_, 0)) << "nothing there is fine";
    EXPECT_THAT(cgroups_.members(group_), IsEmpty());
}

}  // namespace
}  // namespace slipway::agent
