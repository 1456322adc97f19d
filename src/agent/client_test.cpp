#include "agent/client.h"

#include <sys/wait.h>
#include <unistd.h>

#include "agent/testing.h"

namespace slipway::agent {
namespace {

using slipway::testing::TempRoot;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Which open descriptors of a process are neither its instance's (below 4) nor what it may open itself; one line
// each.
std::string stray_descriptors(const std::string& proc, const std::string& instance) {
    std::string stray;
    for (const fs::directory_entry& fd : fs::directory_iterator(proc + "/fd")) {
        std::error_code closed;
        const std::string target = fs::read_symlink(fd.path(), closed);
        if (closed) continue;
        const int number = std::stoi(fd.path().filename());
        const bool its_own = target.starts_with("anon_inode:") || target.starts_with("pipe:") ||
                             target.starts_with("socket:") || target.starts_with("/dev/");
        if (number > 3 ? its_own : target.starts_with(instance)) continue;
        stray += fmt::format("{} -> {}\n", number, target);
    }
    return stray;
}

class ClientTest : public ::testing::Test {
  protected:
    SpawnOptions options(std::vector<std::string> extra = {}) {
        SpawnOptions made;
        made.root = temp_.root();
        made.extra = std::move(extra);
        return made;
    }
    static json::object meta() {
        return {{"installation", "ins"},
                {"resource", "res_1"},
                {"generation", 1},
                {"uid", ::geteuid() == 0 ? 210'000 : static_cast<int>(::geteuid())}};
    }
    static StartRequest start(const std::string& name) {
        StartRequest request;
        request.name = name;
        request.program = "redis-server";
        request.args = {"-"};
        request.stdin_file = "redis.conf";
        request.tag = "first";
        return request;
    }
    // A Unix socket only: these tests are of processes, not of ports.
    static std::vector<FileContent> files() {
        return {{"redis.conf", "port 0\nunixsocket s\nsave \"\"\nlogfile \"\"\n"}};
    }
    template <class T>
    T run(Task<T> task) {
        return slipway::testing::run(io_, std::move(task));
    }

    TempRoot temp_;
    boost::asio::io_context io_;
};

TEST_F(ClientTest, SaysWhatTheHelperCanDo) {
    AgentClient client(io_.get_executor(), options());
    const Answer<Hello> hello = run(client.hello(5s));
    ASSERT_TRUE(hello) << hello.error().message;
    EXPECT_EQ(hello->version, kProtocolVersion);
    EXPECT_EQ(hello->isolation, ::geteuid() == 0);
    EXPECT_EQ(hello->programs.at("redis-server"), "/usr/bin/redis-server");
}

TEST_F(ClientTest, AStartedProcessOutlivesTheHelperAndIsFoundAgainByItsLock) {
    Process process;
    {
        AgentClient client(io_.get_executor(), options());
        ASSERT_TRUE(run(client.create_instance("one", meta(), files(), false, 5s)));
        const Answer<Started> started = run(client.start(start("one"), 5s));
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_FALSE(started->already);
        process = started->process;
    }
    EXPECT_TRUE(is_alive(process));
    AgentClient client(io_.get_executor(), options());
    const Answer<InstanceStatus> status = run(client.status("one", 5s));
    ASSERT_TRUE(status);
    EXPECT_TRUE(status->held);
    EXPECT_EQ(status->process, process);
    EXPECT_EQ(status->tag, "first");
    // A second start answers the running one instead of making another.
    const Answer<Started> again = run(client.start(start("one"), 5s));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->already);
    EXPECT_EQ(again->process, process);
}

TEST_F(ClientTest, AStartedProcessHasItsOwnUidNoPrivilegesNoStrayDescriptorsAndACleanEnvironment) {
    ::setenv("SLIPWAY_TEST_SECRET", "canary", 1);
    AgentClient client(io_.get_executor(), options());
    ASSERT_TRUE(run(client.create_instance("one", meta(), files(), false, 5s)));
    const Answer<Started> started = run(client.start(start("one"), 5s));
    ASSERT_TRUE(started) << started.error().message;
    const std::string base = fmt::format("/proc/{}", started->process.pid);
    const std::string instance = temp_.root() + "/one/";
    // Its first moments: until it has executed the program and opened its own descriptors.
    ASSERT_TRUE(slipway::testing::eventually([&] { return fs::exists(temp_.root() + "/one/data/s"); }));
    const std::string status = slipway::testing::file_text(base + "/status");
    EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos);
    EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos);
    if (::geteuid() == 0) {
        EXPECT_NE(status.find("Uid:\t210000\t210000\t210000\t210000"), std::string::npos) << status;
        EXPECT_NE(status.find("Gid:\t210000\t210000\t210000\t210000"), std::string::npos) << status;
        EXPECT_NE(status.find("Groups:\t \n"), std::string::npos) << status;
    }
    // Redis writes its title over its environment; whatever is left, nothing of ours may be in it.
    EXPECT_EQ(slipway::testing::file_text(base + "/environ").find("canary"), std::string::npos);
    // Redis opens files of /proc and /sys for an instant while it starts; what it was born with stays.
    std::string stray;
    EXPECT_TRUE(slipway::testing::eventually([&] { return (stray = stray_descriptors(base, instance)).empty(); }))
        << stray;
    EXPECT_EQ(fs::read_symlink(base + "/fd/3"), instance + "lock");
}

TEST_F(ClientTest, AStartedProcessHasTheLimitsThatWereAskedForAndIsNotKilledByThem) {
    AgentClient client(io_.get_executor(), options());
    ASSERT_TRUE(run(client.create_instance("one", meta(), files(), false, 5s)));
    StartRequest request = start("one");
    request.open_files = 100;
    request.file_size = 3 << 20;
    request.memory = 200 << 20;
    const Answer<Started> started = run(client.start(request, 5s));
    ASSERT_TRUE(started) << started.error().message;
    const std::string base = fmt::format("/proc/{}", started->process.pid);
    const std::string limits = slipway::testing::file_text(base + "/limits");
    const auto limit_of = [&](std::string_view name) {
        const std::size_t at = limits.find(name);
        std::istringstream words(at == std::string::npos ? "" : limits.substr(at + name.size()));
        std::string soft;
        std::string hard;
        words >> soft >> hard;
        return soft + " " + hard;
    };
    EXPECT_EQ(limit_of("Max open files"), "100 100");
    EXPECT_EQ(limit_of("Max file size"), "3145728 3145728");
    EXPECT_EQ(limit_of("Max data size"), "209715200 209715200");
    // Signal 25 (SIGXFSZ) is ignored: what a full file refuses is an error of that write.
    const std::string status = slipway::testing::file_text(base + "/status");
    const std::size_t ignored = status.find("SigIgn:\t");
    ASSERT_NE(ignored, std::string::npos);
    EXPECT_NE(std::stoull(status.substr(ignored + 8, 16), nullptr, 16) & (1ULL << (SIGXFSZ - 1)), 0U);
}

TEST_F(ClientTest, ASignalReachesOnlyTheVeryProcessThatWasMeant) {
    AgentClient client(io_.get_executor(), options());
    ASSERT_TRUE(run(client.create_instance("one", meta(), files(), false, 5s)));
    const Answer<Started> started = run(client.start(start("one"), 5s));
    ASSERT_TRUE(started);
    Process other = started->process;
    other.start_time += 1;
    EXPECT_FALSE(*run(client.signal("one", other, Signal::kill, 5s)));
    EXPECT_FALSE(*run(client.signal("one", {::getpid(), read_stat(::getpid())->start_time}, Signal::kill, 5s)));
    EXPECT_TRUE(is_alive(started->process));
    EXPECT_EQ(run(client.remove_instance("one", {"ins", "res_1", 1}, 5s)).error().code, FailureCode::busy);
    EXPECT_TRUE(*run(client.signal("one", started->process, Signal::kill, 5s)));
    EXPECT_TRUE(slipway::testing::eventually([&] { return !is_alive(started->process); }));
    EXPECT_FALSE(*run(client.signal("one", started->process, Signal::kill, 5s)));
    EXPECT_TRUE(run(client.remove_instance("one", {"ins", "res_1", 1}, 5s)));
    EXPECT_FALSE(fs::exists(temp_.root() + "/one"));
}

TEST_F(ClientTest, AHelperThatDiesIsStartedAgainAndTheLostAnswerIsSaidToBeUnknown) {
    AgentClient client(io_.get_executor(), options({"--die-at", "create:placed"}));
    const Answer<bool> lost = run(client.create_instance("one", meta(), files(), false, 5s));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, FailureCode::unknown);
    const Answer<bool> again = run(client.create_instance("one", meta(), files(), false, 5s));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_FALSE(*again);  // it had taken effect
}

TEST_F(ClientTest, AHelperThatCannotLiveIsReportedAndNotStartedInATightLoop) {
    SpawnOptions bad = options();
    bad.root = temp_.path() + "/missing/parent/root";
    AgentClient client(io_.get_executor(), bad);
    int unavailable = 0;
    for (int i = 0; i < 200; ++i) {
        const Answer<InstanceStatus> status = run(client.status("one", 5s));
        ASSERT_FALSE(status);
        unavailable += status.error().code == FailureCode::unavailable ? 1 : 0;
    }
    EXPECT_GT(unavailable, 150);
}

TEST_F(ClientTest, ALateAnswerIsBoundedByTheBudget) {
    AgentClient client(io_.get_executor(), options());
    ASSERT_TRUE(run(client.hello(5s)));
    ASSERT_EQ(::kill(client.helper_pid(), SIGSTOP), 0);
    const auto began = std::chrono::steady_clock::now();
    const Answer<InstanceStatus> status = run(client.status("one", 50ms));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
    ::kill(client.helper_pid(), SIGCONT);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, FailureCode::unknown);
    EXPECT_TRUE(run(client.status("one", 5s)));
}

TEST_F(ClientTest, ManyRequestsAtOnceGetEachTheirOwnAnswer) {
    AgentClient client(io_.get_executor(), options());
    int right = 0;
    for (int i = 0; i < 200; ++i) {
        const std::string name = fmt::format("n{}", i);
        boost::asio::co_spawn(
            io_,
            [&client, &right, name]() -> Task<void> {
                const Answer<InstanceStatus> status = co_await client.status(name, 10s);
                right += status && status->name == name ? 1 : 0;
            },
            [](std::exception_ptr) {});
    }
    ASSERT_TRUE(slipway::testing::eventually([&] {
        io_.restart();
        io_.poll();
        return right == 200;
    }));
}

TEST(Process, AZombieIsDeadBecauseNobodyMayEverReapIt) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    ASSERT_TRUE(slipway::testing::eventually([&] {
        const auto stat = read_stat(pid);
        return stat && stat->state == 'Z';
    }));
    EXPECT_EQ(::kill(pid, 0), 0);  // the trap
    const Process process{pid, read_stat(pid)->start_time};
    // A thread of a sanitizer's may outlive the leader by an instant.
    EXPECT_TRUE(slipway::testing::eventually([&] { return !is_alive(process); }));
    EXPECT_FALSE(open_pidfd(process));
    ::waitpid(pid, nullptr, 0);
}

// A helper that somebody else started as root serves a broker that is not root, and nobody else.
class ListeningHelper : public ClientTest, public ::testing::WithParamInterface<std::array<std::string, 2>> {};

TEST_P(ListeningHelper, ServesTheAllowedUserOnly) {
    const std::string socket = temp_.path() + "/agent.sock";
    const pid_t helper = ::fork();
    if (helper == 0) {
        const std::string root = temp_.root();
        ::execl("/proc/self/exe", "slipway", "agent", "--root", root.c_str(), "--socket", socket.c_str(),
                GetParam()[0].c_str(), GetParam()[1].c_str(), "--uid-first", "210000", "--uid-last", "210010",
                nullptr);
        ::_exit(127);
    }
    EXPECT_TRUE(slipway::testing::eventually([&] { return fs::exists(socket); }));
    const auto ask_as = [&](uid_t uid) {
        const pid_t child = ::fork();
        if (child == 0) {
            if (::geteuid() == 0 && ::setresuid(uid, uid, uid) != 0) ::_exit(3);
            boost::asio::io_context io;
            AgentClient client(io.get_executor(), ConnectOptions{socket, ::geteuid() == uid ? 0U : ::geteuid()});
            ::_exit(slipway::testing::run(io, client.hello(2s)) ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    };
    if (::geteuid() == 0) {
        // The socket is there an instant before it is listened on.
        EXPECT_TRUE(slipway::testing::eventually([&] { return ask_as(65534) == 0; }));
        EXPECT_EQ(ask_as(65533), 1);
    }
    ::kill(helper, SIGKILL);
    ::waitpid(helper, nullptr, 0);
}

INSTANTIATE_TEST_SUITE_P(ByNumberAndByName, ListeningHelper,
                         ::testing::Values(std::array<std::string, 2>{"--allow-uid", "65534"},
                                           std::array<std::string, 2>{"--allow-user", "nobody"}));

TEST(AgentUsage, AnUnknownUserIsWrongUsage) {
    std::vector<std::string> words{"slipway",  "agent",          "--root",       "/nonexistent/x",
                                   "--socket", "/nonexistent/s", "--allow-user", "no-such-user-here"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    EXPECT_EQ(run(static_cast<int>(argv.size()), argv.data()), 2);
}

}  // namespace
}  // namespace slipway::agent
