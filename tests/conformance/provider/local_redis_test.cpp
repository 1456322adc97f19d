// What is particular to real engines on this machine.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local_fixture.h"
#include "providers/local/resp.h"
#include "providers/local/waiting.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class LocalRedis : public LocalEngineTest {
  protected:
    LocalRedis() : LocalEngineTest("redis") {}
    // The replies to commands sent after a login.
    std::vector<std::string> as(std::string_view user, const std::string& password,
                                std::vector<local::Command> commands, const std::string& address = "127.0.0.1") {
        commands.insert(commands.begin(), local::command({"AUTH", user, password}));
        auto replies = subject_.run(local::exchange(address, port(), std::move(commands), Deadline(Duration(10s))));
        if (!replies) return {};
        replies->erase(replies->begin());
        return *replies;
    }
    std::string tenant(std::initializer_list<std::string_view> words) {
        const std::vector<std::string> replies = as("default", kTenantCanary, {local::command(words)});
        return replies.empty() ? "" : replies.front();
    }
    std::string manager(std::initializer_list<std::string_view> words) {
        const std::vector<std::string> replies = as("slipway-1", kManagementCanary, {local::command(words)});
        return replies.empty() ? "" : replies.front();
    }
};

TEST_F(LocalRedis, AnswersTheEndpointThatClientsCutTheNameFrom) {
    const ProviderAnswer made = create();
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(made->endpoint, (Endpoint{"redis", "oct-1.localhost", port()}));
    EXPECT_TRUE(subject_.provider().available(Kind::cache, "redis"));
    EXPECT_FALSE(subject_.provider().available(Kind::database, "postgres"));
    EXPECT_EQ(subject_.provider().ranges(Kind::cache, "redis").size(), ::geteuid() == 0 ? 2U : 1U);
}

TEST_F(LocalRedis, AnswersOnEveryLoopbackAddressBecauseTheNameMayResolveToEither) {
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_EQ(as("default", kTenantCanary, {local::command({"PING"})}, "127.0.0.1").at(0), "+PONG");
    if (local::has_address("::1")) {
        EXPECT_EQ(as("default", kTenantCanary, {local::command({"PING"})}, "::1").at(0), "+PONG");
    }
}

TEST_F(LocalRedis, ATenantHasAllOfTheDataAndNoneOfTheEngine) {
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_EQ(tenant({"SET", "k", "v"}), "+OK");
    EXPECT_EQ(tenant({"EVAL", "return redis.call('get','k')", "0"}), "$v");
    EXPECT_EQ(tenant({"KEYS", "*"}), "*\nk");
    EXPECT_EQ(tenant({"PUBLISH", "c", "m"}), ":0");
    EXPECT_TRUE(tenant({"INFO", "server"}).starts_with("$"));
    const std::vector<std::vector<std::string>> forbidden{{"CONFIG", "GET", "*"},
                                                          {"CONFIG", "SET", "maxmemory", "0"},
                                                          {"ACL", "LIST"},
                                                          {"SHUTDOWN", "NOSAVE"},
                                                          {"DEBUG", "SLEEP", "0"},
                                                          {"REPLICAOF", "127.0.0.1", "1"},
                                                          {"MODULE", "LIST"},
                                                          {"BGREWRITEAOF"},
                                                          {"SAVE"},
                                                          {"BGSAVE"},
                                                          {"MONITOR"},
                                                          {"CLIENT", "KILL", "ID", "1"},
                                                          {"CLUSTER", "INFO"},
                                                          {"SLOWLOG", "GET"},
                                                          {"SCRIPT", "DEBUG", "YES"},
                                                          {"MIGRATE", "127.0.0.1", "1", "k", "0", "10"},
                                                          {"ACL", "SETUSER", "x"}};
    for (const std::vector<std::string>& words : forbidden) {
        local::Command command;
        for (const std::string& word : words) command.emplace_back(word);
        const std::string reply = as("default", kTenantCanary, {command}).at(0);
        // Two are refused before the question of rights comes up.
        const bool refused =
            words[0] == "DEBUG" || words[0] == "CLUSTER" ? reply.starts_with("-ERR") : reply.starts_with("-NOPERM");
        EXPECT_TRUE(refused) << fmt::format("{}: {}", fmt::join(words, " "), reply);
    }
    EXPECT_TRUE(as("default", "wrong", {local::command({"PING"})}).at(0).starts_with("-"));
    // Nor has the management user any of the data.
    EXPECT_TRUE(manager({"GET", "k"}).starts_with("-NOPERM"));
}

TEST_F(LocalRedis, WithoutAPasswordTheSameCommandsAreForbidden) {
    spec_.parameters = {{"password", false}};
    ASSERT_TRUE(is(create(), Presence::running));
    const auto replies = subject_.run(local::exchange(
        "127.0.0.1", port(), {local::command({"SET", "k", "v"}), local::command({"CONFIG", "GET", "*"})},
        Deadline(Duration(5s))));
    ASSERT_TRUE(replies);
    EXPECT_EQ(replies->at(0), "+OK");
    EXPECT_TRUE(replies->at(1).starts_with("-NOPERM"));
}

TEST_F(LocalRedis, ThePlansMemoryIsTrueAndChangesWithoutARestart) {
    spec_.parameters = {{"maxmemory", 50'000'000}, {"maxmemory_policy", "allkeys-lru"}};
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_EQ(manager({"CONFIG", "GET", "maxmemory"}), "*\nmaxmemory\n50000000");
    EXPECT_EQ(manager({"CONFIG", "GET", "maxmemory-policy"}), "*\nmaxmemory-policy\nallkeys-lru");
    const std::string before = subject_.identity("oct-1");
    spec_.parameters = {{"maxmemory", 60'000'000}, {"appendfsync", "always"}};
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(manager({"CONFIG", "GET", "maxmemory"}), "*\nmaxmemory\n60000000");
    EXPECT_EQ(manager({"CONFIG", "GET", "appendfsync"}), "*\nappendfsync\nalways");
    EXPECT_EQ(subject_.identity("oct-1"), before);
    // And it stays so after a restart.
    subject_.make_stop("oct-1");
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(manager({"CONFIG", "GET", "maxmemory"}), "*\nmaxmemory\n60000000");
}

TEST_F(LocalRedis, AChangeThatNeedsARestartKeepsTheData) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(tenant({"SET", "k", "kept"}), "+OK");
    const std::string before = subject_.identity("oct-1");
    spec_.parameters = {{"maxclients", 20}};
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_NE(subject_.identity("oct-1"), before);
    EXPECT_EQ(manager({"CONFIG", "GET", "maxclients"}), "*\nmaxclients\n20");
    EXPECT_EQ(tenant({"GET", "k"}), "$kept");
}

TEST_F(LocalRedis, AKilledEngineComesBackWithItsData) {
    spec_.parameters = {{"appendfsync", "always"}};
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(tenant({"SET", "k", "kept"}), "+OK");
    std::vector<std::string> told;
    // Adopted ones are watched as well.
    subject_.crash();
    subject_.provider().on_change([&](std::string name) { told.push_back(std::move(name)); });
    subject_.make_stop("oct-1");
    ASSERT_TRUE(eventually([&] {
        subject_.io().restart();
        subject_.io().poll();
        return !told.empty();
    }));
    EXPECT_TRUE(is(observe(), Presence::stopped));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(tenant({"GET", "k"}), "$kept");
}

TEST_F(LocalRedis, AHungEngineIsNeverCalledStoppedAndUpdateReplacesIt) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(tenant({"SET", "k", "kept"}), "+OK");
    const std::optional<agent::Process> hung = subject_.process("oct-1");
    ASSERT_TRUE(hung);
    ASSERT_TRUE(agent::send_signal(agent::open_pidfd(*hung), SIGSTOP));
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(is(observe(), Presence::pending));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_FALSE(agent::is_alive(*hung));
    EXPECT_EQ(tenant({"GET", "k"}), "$kept");
}

// As a rewriting child of a killed engine does: holds the lock's description, and as much memory. The child's pid.
pid_t hold_lock(const std::string& lock, std::size_t memory) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (memory != 0) {
        const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
        if (::mmap(nullptr, memory, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) ::_exit(1);
    }
    const int fd = ::open(lock.c_str(), O_RDWR);
    if (fd < 0 || !agent::take_lock(fd)) ::_exit(1);
    for (;;) ::pause();
}

void expect_killed(pid_t child) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

bool is_locked(const std::string& lock) {
    const UniqueFd fd(::open(lock.c_str(), O_RDONLY));
    return agent::lock_is_held(fd.get());
}

TEST_F(LocalRedis, AChildThatOutlivedItsEngineIsClearedAwayBeforeTheNextStart) {
    ASSERT_TRUE(is(create(), Presence::running));
    subject_.make_stop("oct-1");
    const std::string lock = subject_.directory("oct-1") + "/lock";
    const pid_t child = hold_lock(lock, 0);
    ASSERT_TRUE(eventually([&] { return is_locked(lock); }));
    EXPECT_TRUE(is(observe(), Presence::pending));
    EXPECT_TRUE(is(update(), Presence::running));
    expect_killed(child);
}

// A killed process gives its memory back before it lets go of its files: some hundred milliseconds for a gigabyte.
TEST_F(LocalRedis, AChildThatTakesItsTimeToEndIsWaitedFor) {
    ASSERT_TRUE(is(create(), Presence::running));
    subject_.make_stop("oct-1");
    const std::string lock = subject_.directory("oct-1") + "/lock";
    const pid_t child = hold_lock(lock, std::size_t{1} << 30U);
    ASSERT_TRUE(eventually([&] { return is_locked(lock); }));
    EXPECT_TRUE(is(update(), Presence::running));
    expect_killed(child);
}

TEST_F(LocalRedis, AnEngineWhoseConnectionsAreAllTakenIsStillRunning) {
    spec_.parameters = {{"maxclients", 3}};
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = subject_.identity("oct-1");
    boost::asio::io_context io;
    std::vector<boost::asio::ip::tcp::socket> sockets;
    // The engine may still be closing our earlier connections: one that it turned away does not count.
    ASSERT_TRUE(eventually([&] {
        boost::asio::ip::tcp::socket socket(io);
        socket.connect({boost::asio::ip::make_address("127.0.0.1"), port()});
        boost::asio::write(socket, boost::asio::buffer(std::string("PING\r\n")));
        std::array<char, 64> reply{};
        const std::size_t got = socket.read_some(boost::asio::buffer(reply));
        if (std::string_view(reply.data(), got).starts_with("-NOAUTH")) sockets.push_back(std::move(socket));
        return sockets.size() == 3;
    }));
    const ProviderAnswer seen = observe();
    EXPECT_TRUE(is(seen, Presence::running));
    EXPECT_FALSE(seen->detail.empty());
    EXPECT_EQ(subject_.identity("oct-1"), before);
}

TEST_F(LocalRedis, AnEngineThatRunsALongScriptIsStillRunning) {
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = subject_.identity("oct-1");
    ASSERT_EQ(manager({"CONFIG", "SET", "busy-reply-threshold", "1"}), "+OK");
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), port()});
    const std::string script = fmt::format(
        "*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n${}\r\n{}\r\n*3\r\n$4\r\nEVAL\r\n$17\r\nwhile true do "
        "end\r\n$1\r\n0\r\n",
        kTenantCanary.size(), kTenantCanary);
    boost::asio::write(socket, boost::asio::buffer(script));
    ASSERT_TRUE(eventually([&] { return manager({"PING"}).starts_with("-BUSY"); }));
    EXPECT_TRUE(is(observe(), Presence::running));
    EXPECT_EQ(subject_.identity("oct-1"), before);
}

TEST_F(LocalRedis, AnEngineWhoseFileMayNotGrowAnyMoreRefusesWritesAndLivesOn) {
    spec_.parameters = {{"max_file_bytes", 1 << 20}};
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = subject_.identity("oct-1");
    ASSERT_EQ(tenant({"SET", "k", "v"}), "+OK");
    const std::string large(600'000, 'x');
    ASSERT_TRUE(eventually([&] { return tenant({"SET", "large", large}).starts_with("-MISCONF"); }));
    EXPECT_EQ(tenant({"GET", "k"}), "$v");
    EXPECT_TRUE(is(observe(), Presence::running));
    EXPECT_EQ(subject_.identity("oct-1"), before);
}

TEST_F(LocalRedis, APortThatAStrangerHoldsIsSaidToBeInUse) {
    boost::asio::io_context io;
    const std::vector<std::string> addresses{"127.0.0.1", "::1", "0.0.0.0"};
    for (const std::string& address : addresses) {
        const auto parsed = boost::asio::ip::make_address(address);
        if (parsed.is_v6() && !local::has_address(address)) continue;
        boost::asio::ip::tcp::acceptor stranger(io);
        stranger.open(parsed.is_v6() ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4());
        stranger.set_option(boost::asio::socket_base::reuse_address(true));
        stranger.bind({parsed, port()});
        stranger.listen();
        const ProviderAnswer answer = create();
        ASSERT_FALSE(answer) << address;
        EXPECT_EQ(answer.error().error_class, ErrorClass::address_in_use);
        EXPECT_EQ(answer.error().allocation, "port");
        EXPECT_TRUE(is(observe(), Presence::absent));
    }
    // Another port, the same resource: as after a re-allocation.
    EXPECT_TRUE(is(create(), Presence::running));
}

TEST_F(LocalRedis, AnotherPortForAHalfMadeInstanceIsTaken) {
    subject_.crash_with_helper_that_dies_at("create:placed");
    EXPECT_FALSE(create());
    subject_.crash();
    spec_.allocations["port"] = subject_.spec().allocations.at("port");
    const ProviderAnswer made = create();
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(made->endpoint->port, port());
    EXPECT_EQ(observe()->endpoint->port, port());
}

TEST_F(LocalRedis, ALargeDataSetIsPendingUntilItIsReadAndNothingIsLost) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_EQ(
        tenant({"EVAL", "for i=1,300000 do redis.call('set', 'key:'..i, string.rep('x', 100)) end return 1", "0"}),
        ":1");
    subject_.make_stop("oct-1");
    const ProviderAnswer first = update(40ms);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->presence, Presence::pending);
    const std::string loading = subject_.identity("oct-1");
    EXPECT_FALSE(loading.empty());
    EXPECT_TRUE(eventually([&] { return is(observe(), Presence::running); }));
    EXPECT_EQ(subject_.identity("oct-1"), loading);
    EXPECT_EQ(tenant({"DBSIZE"}), ":300000");
}

TEST_F(LocalRedis, NoPasswordIsInAnyFileArgumentOrEnvironment) {
    ASSERT_TRUE(is(create(), Presence::running));
    ASSERT_TRUE(is(update(), Presence::running));
    const auto clean = [](const fs::path& path) {
        const std::string text = file_text(path);
        EXPECT_EQ(text.find(kTenantCanary), std::string::npos) << path;
        EXPECT_EQ(text.find(kManagementCanary), std::string::npos) << path;
    };
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(subject_.path())) {
        if (entry.is_regular_file()) clean(entry.path());
    }
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        clean(entry.path() / "cmdline");
        clean(entry.path() / "environ");
    }
}

TEST_F(LocalRedis, DirectoriesThatNobodyOwnsAreListedAndLeftAlone) {
    fs::create_directories(subject_.directory("bare"));
    fs::create_directories(subject_.directory("broken"));
    std::ofstream(subject_.directory("broken") + "/meta.json") << "{";
    const auto page = subject_.run(subject_.provider().inventory("", kBudget));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->items.size(), 2U);
    for (const InventoryItem& each : page->items) {
        EXPECT_TRUE(each.installation.empty());
        EXPECT_EQ(each.presence, Presence::foreign);
        EXPECT_FALSE(each.detail.empty());
    }
    EXPECT_TRUE(is(subject_.run(subject_.provider().remove(target_of("bare"), spec_, kBudget)), Presence::foreign));
    EXPECT_TRUE(fs::exists(subject_.directory("bare")));
    fs::remove_all(subject_.directory("bare"));
    fs::remove_all(subject_.directory("broken"));
}

TEST_F(LocalRedis, AMissingUidOrPasswordIsPermanentAndMakesNothing) {
    const Spec whole = spec_;
    spec_.secrets.erase("management_password");
    EXPECT_EQ(create().error().error_class, ErrorClass::permanent);
    spec_ = whole;
    if (::geteuid() == 0) {
        spec_.allocations.erase("uid");
        EXPECT_EQ(create().error().error_class, ErrorClass::permanent);
        spec_ = whole;
        spec_.allocations["uid"] = 1000;
        EXPECT_EQ(create().error().error_class, ErrorClass::permanent);
    }
    spec_ = whole;
    EXPECT_TRUE(is(observe(), Presence::absent));
}

}  // namespace
}  // namespace slipway::testing
