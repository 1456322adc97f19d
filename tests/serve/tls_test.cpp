// The built program under TLS: what clients see, what a reload changes, and what it does not start with.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "http/tls_test_support.h"
#include "program.h"

namespace slipway::testing {
namespace {

using http::test::PemFolder;
using http::test::TestAuthority;
using http::test::TlsClient;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;

class ServeTls : public ::testing::Test {
  protected:
    ServeTls() : pair_(authority_.issue()), ca_(pems_.write("ca.pem", authority_.certificate(), 0644)) {
        pems_.write(pair_);
    }

    [[nodiscard]] std::vector<std::string> with_pair() const {
        return {"--tls-cert", pems_.certificate(), "--tls-key", pems_.key()};
    }
    [[nodiscard]] std::unique_ptr<TlsClient> connected() const {
        auto client = std::make_unique<TlsClient>(site_.port(), authority_.certificate());
        EXPECT_EQ(client->shake(), "");
        return client;
    }
    [[nodiscard]] std::string url(const std::string& host = "localhost") const {
        return fmt::format("https://{}:{}", host, site_.port());
    }
    // Runs a command of the command line to its end; its standard error is said_.
    int command(std::vector<std::string> words, const std::map<std::string, std::string>& environment = {}) {
        const std::string log = pems_.write("said", "");
        words.insert(words.end(), {"--state-dir", site_.state()});
        Program program(std::move(words), environment, log);
        program.rest();
        const int status = program.wait().value_or(-1);
        said_ = file_text(log);
        return status;
    }
    bool eventually_logged(const std::string& text, std::size_t times = 1) {
        return eventually([&] { return site_.log_lines_with(text).size() >= times; });
    }

    TestAuthority authority_;
    PemFolder pems_;
    http::test::IssuedPair pair_;
    std::filesystem::path ca_;
    std::string said_;
    Site site_;
};

TEST_F(ServeTls, TellsTheDocumentsStoryOverHttps) {
    ASSERT_NO_FATAL_FAILURE(site_.start(with_pair()));
    const auto client = connected();
    const auto made = client->post("/v1/redis/instance", R"({"plan":"small","billingcode":"gwp"})");
    ASSERT_EQ(made.status, 200) << made.body;
    const auto answer = json::parse(made.body);
    ASSERT_TRUE(answer);
    const RedisUrl redis_url(json::get_string(answer->get_object(), "REDIS_URL"));
    EXPECT_EQ(redis(redis_url, {"PING"}), "+PONG");
    EXPECT_EQ(client->get("/v1/redis/url/" + redis_url.name).body, made.body) << "on the same connection";
    const Answer plain = site_.request("GET", "/v1/redis/plans");
    EXPECT_EQ(plain.status, 400);
    EXPECT_THAT(plain.body, HasSubstr("this port speaks https"));
    EXPECT_EQ(site_.terminate(), 0);
    EXPECT_GE(site_.log_lines_with("scheme=https").size(), 2U);
    EXPECT_THAT(site_.log(), HasSubstr("localhost, 127.0.0.1 is valid until"));
    const std::string key = pair_.key.reveal();
    EXPECT_THAT(site_.log(), Not(HasSubstr(key.substr(key.size() / 2, 20))));
}

TEST_F(ServeTls, TheCommandLineBelievesTheNamedAuthorityOnly) {
    ASSERT_NO_FATAL_FAILURE(site_.start(with_pair()));
    EXPECT_EQ(command({"ls", "--server", url(), "--ca-file", ca_}), 0) << said_;
    EXPECT_EQ(command({"ls"}, {{"SLIPWAY_URL", url("127.0.0.1")}, {"SLIPWAY_CA_FILE", ca_}}), 0) << said_;
    EXPECT_EQ(command({"ls", "--server", url()}), 5);
    EXPECT_THAT(said_, HasSubstr("could not show that it is the one asked for"));
    EXPECT_THAT(said_, HasSubstr("--ca-file FILE"));
    EXPECT_EQ(command({"ls", "--server", url("x.localhost"), "--ca-file", ca_}), 5) << "the name is compared";
    EXPECT_EQ(command({"ls", "--server", fmt::format("http://localhost:{}", site_.port())}), 1);
    EXPECT_THAT(said_, HasSubstr("this port speaks https"));
}

TEST_F(ServeTls, SighupChangesTheCertificateAndDisturbsNobody) {
    ASSERT_NO_FATAL_FAILURE(site_.start(with_pair()));
    const auto old = connected();
    EXPECT_EQ(old->get("/healthz").status, 200);
    const auto next = authority_.issue({.names = "DNS:localhost,DNS:next.example"});
    pems_.write(next);
    site_.program().signal(SIGHUP);
    ASSERT_TRUE(eventually_logged("new connections get the certificate as it is now"));
    EXPECT_TRUE(eventually_logged("next.example is valid until")) << "a line of its own, said after";
    EXPECT_EQ(connected()->shown(), next.certificate);
    EXPECT_EQ(old->get("/healthz").status, 200);
    EXPECT_EQ(old->shown(), pair_.certificate);
}

TEST_F(ServeTls, ABadNewPairIsLoggedAndTheFormerKept) {
    ASSERT_NO_FATAL_FAILURE(site_.start(with_pair()));
    pems_.write("key.pem", authority_.issue().key.reveal());
    site_.program().signal(SIGHUP);
    ASSERT_TRUE(eventually_logged("the new certificate cannot be used, and the former is kept"));
    EXPECT_THAT(site_.log(), HasSubstr(pems_.key().string() + ": is not the key of the first certificate in"));
    EXPECT_EQ(connected()->shown(), pair_.certificate);
    pems_.write(authority_.issue({.begins = hours(-48), .ends = hours(-1)}));
    site_.program().signal(SIGHUP);
    ASSERT_TRUE(eventually_logged("the new certificate cannot be used, and the former is kept", 2));
    EXPECT_EQ(connected()->get("/healthz").status, 200);
    EXPECT_EQ(site_.terminate(), 0);
}

// What a manager sends to every server on "reload" must not stop one that has nothing to read again.
TEST_F(ServeTls, SighupWithoutACertificateChangesNothing) {
    ASSERT_NO_FATAL_FAILURE(site_.start());
    site_.program().signal(SIGHUP);
    ASSERT_TRUE(eventually_logged("there is no certificate to read again"));
    EXPECT_EQ(site_.request("GET", "/healthz").status, 200);
    EXPECT_EQ(site_.terminate(), 0);
}

// A server in a session of its own that has a terminal; standard output goes to `out`.
pid_t start_on_terminal(const std::string& terminal, int out, const std::string& log, const std::string& state) {
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    // Whoever leads a session without a terminal gets the one that it opens.
    ::posix_spawn_file_actions_addopen(&actions, 0, terminal.c_str(), O_RDWR, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_APPEND, 0600);
    posix_spawnattr_t attributes{};
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    std::vector<std::string> words{"slipway", "serve", "--state-dir", state, "--listen", "127.0.0.1:0"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    char* no_environment = nullptr;
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, SLIPWAY_PROGRAM, &actions, &attributes, argv.data(), &no_environment), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    return pid;
}

// As when a window is closed: nobody is left who could stop it otherwise.
TEST_F(ServeTls, TheEndOfItsTerminalStopsIt) {
    UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal && ::grantpt(terminal.get()) == 0 && ::unlockpt(terminal.get()) == 0);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd out(ends[0]);
    UniqueFd theirs(ends[1]);
    const std::string log = pems_.write("terminal.log", "");
    const pid_t pid = start_on_terminal(::ptsname(terminal.get()), theirs.get(), log, site_.state());
    ASSERT_GT(pid, 0);
    theirs.reset();
    char first = 0;
    EXPECT_EQ(::read(out.get(), &first, 1), 1) << "it listens";
    terminal.reset();
    int status = 0;
    EXPECT_TRUE(eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, std::chrono::seconds(20)));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << file_text(log);
    EXPECT_THAT(file_text(log), HasSubstr("signal=SIGHUP"));
}

TEST_F(ServeTls, AWrongPairIsRefusedWithTwoBeforeAnythingIsMade) {
    pems_.write("key.pem", authority_.issue().key.reveal());
    EXPECT_EQ(site_.run_to_end(with_pair()), 2);
    EXPECT_THAT(site_.log(), HasSubstr(pems_.key().string() + ": is not the key of the first certificate in " +
                                       pems_.certificate().string()));
    pems_.write("key.pem", pair_.key.reveal(), 0644);
    EXPECT_EQ(site_.run_to_end(with_pair()), 2);
    EXPECT_THAT(site_.log(), HasSubstr("has mode 0644"));
    auto checked = with_pair();
    checked.emplace_back("--check-config");
    EXPECT_EQ(site_.run_to_end(checked), 2);
    EXPECT_EQ(site_.run_to_end({"--tls-cert", pems_.certificate()}), 2);
    EXPECT_THAT(site_.log(), HasSubstr("--tls-key (server.tls_key): is missing"));
    site_.configure("[server]\ntls_key = \"" + pems_.key().string() + "\"\n");
    EXPECT_EQ(site_.run_to_end({}), 2);
    EXPECT_THAT(site_.log(), HasSubstr("--tls-cert (server.tls_cert): is missing"));
    EXPECT_FALSE(std::filesystem::exists(site_.state()));
}

TEST_F(ServeTls, AnExpiredCertificateIsServedWithAWarning) {
    pems_.write(authority_.issue({.begins = hours(-48), .ends = hours(-1)}));
    site_.configure(fmt::format("[server]\ntls_cert = \"{}\"\ntls_key = \"{}\"\n", pems_.certificate().string(),
                                pems_.key().string()));
    ASSERT_NO_FATAL_FAILURE(site_.start());
    EXPECT_EQ(site_.log_lines_with("something is wrong with the certificate").size(), 1U) << site_.log();
    EXPECT_NE(TlsClient(site_.port(), authority_.certificate()).shake(), "") << "clients do not take it";
}

// The manager's side of systemd's protocol, played by the test.
TEST_F(ServeTls, TheServiceManagerIsToldOfStartReloadAndStop) {
    const std::string path = pems_.write("manager", "");
    std::filesystem::remove(path);
    const UniqueFd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval limit{20, 0};
    ::setsockopt(manager.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const auto told = [&] {
        std::array<char, 512> bytes{};
        const ssize_t size = ::recv(manager.get(), bytes.data(), bytes.size(), 0);
        return std::string(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    };
    std::vector<std::string> words{"serve", "--state-dir", site_.state(), "--listen", "127.0.0.1:0"};
    const std::vector<std::string> pair = with_pair();
    words.insert(words.end(), pair.begin(), pair.end());
    Program program(words, {{"NOTIFY_SOCKET", path}}, pems_.write("log", ""));
    EXPECT_THAT(told(), HasSubstr("READY=1\nSTATUS=listening on 127.0.0.1:"));
    program.signal(SIGHUP);
    EXPECT_THAT(told(), HasSubstr("RELOADING=1"));
    EXPECT_THAT(told(), HasSubstr("READY=1"));
    program.signal(SIGTERM);
    EXPECT_THAT(told(), HasSubstr("STOPPING=1"));
    EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace slipway::testing
