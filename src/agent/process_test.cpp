#include "agent/process.h"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/testing.h"

namespace slipway::agent {
namespace {

// A Python whose first thread leaves alone (exit(2), not exit_group(2)) while a second one reads its standard
// input.
class LeaderlessProcess {
  public:
    LeaderlessProcess() {
        const std::string program =
            "import ctypes, os, threading\n"
            "threading.Thread(target=lambda: os.read(0, 1)).start()\n"
            "ctypes.CDLL(None).syscall(60, 0)\n";
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
        const UniqueFd read_end(ends[0]);
        stdin_ = UniqueFd(ends[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, read_end.get(), 0);
        std::string name = "python3";
        std::string flag = "-c";
        std::string text = program;
        const std::array<char*, 4> arguments{name.data(), flag.data(), text.data(), nullptr};
        if (::posix_spawnp(&pid_, "python3", &actions, nullptr, arguments.data(), environ) != 0) pid_ = 0;
        ::posix_spawn_file_actions_destroy(&actions);
    }
    LeaderlessProcess(const LeaderlessProcess&) = delete;
    LeaderlessProcess& operator=(const LeaderlessProcess&) = delete;
    ~LeaderlessProcess() {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    pid_t pid() const { return pid_; }
    void let_it_end() { stdin_ = UniqueFd(); }

  private:
    pid_t pid_ = 0;
    UniqueFd stdin_;
};

// What still has a thread still has its files and its lock: an instance taken for dead then is found busy.
TEST(Process, IsAliveUntilItsLastThreadIsGone) {
    LeaderlessProcess process;
    ASSERT_NE(process.pid(), 0);
    const std::optional<ProcessStat> first = read_stat(process.pid());
    ASSERT_TRUE(first);
    const Process told{process.pid(), first->start_time};
    ASSERT_TRUE(slipway::testing::eventually([&] {
        const std::optional<ProcessStat> now = read_stat(process.pid());
        return now && now->state == 'Z';
    }));
    EXPECT_TRUE(is_alive(told));
    process.let_it_end();
    EXPECT_TRUE(slipway::testing::eventually([&] { return !is_alive(told); }));
    // Not reaped: that it is dead is known all the same.
    EXPECT_TRUE(read_stat(process.pid()));
}

TEST(Process, TheSamePidWithAnotherStartIsAnotherProcess) {
    const std::optional<ProcessStat> self = read_stat(::getpid());
    ASSERT_TRUE(self);
    EXPECT_GE(self->threads, 1);
    EXPECT_TRUE(is_alive({::getpid(), self->start_time}));
    EXPECT_FALSE(is_alive({::getpid(), self->start_time + 1}));
}

}  // namespace
}  // namespace slipway::agent
