// The helper's part of consoles, on files and sockets that a guest, or who broke out of one, may have made.
#include "agent/console.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/server.h"
#include "agent/testing.h"
#include "base/base64.h"

namespace slipway::agent {
namespace {

using slipway::testing::eventually;
using slipway::testing::TempRoot;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr std::size_t kMegabyte = std::size_t{1} << 20U;

// An instance's directory whose data are this process's own.
class ConsoleTest : public ::testing::Test {
  protected:
    ConsoleTest() {
        fs::create_directories(data_);
        directory_ = UniqueFd(::open(place_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    void print(const std::string& text, const std::string& file = "console.log") const {
        std::ofstream(data_ + "/" + file, std::ios::app | std::ios::binary) << text;
    }
    [[nodiscard]] struct stat look() const {
        struct stat seen{};
        EXPECT_EQ(::stat((data_ + "/console.log").c_str(), &seen), 0);
        return seen;
    }
    [[nodiscard]] Answer<ConsolePart> read(ConsoleWish wish, bool container = false) const {
        return read_console(directory_.get(), {::geteuid(), container}, wish);
    }
    [[nodiscard]] ConsolePart tail(std::uint64_t bytes, bool container = false) const {
        const Answer<ConsolePart> part = read({"", bytes}, container);
        EXPECT_TRUE(part) << part.error().message;
        return part.value_or(ConsolePart());
    }
    [[nodiscard]] ConsolePart after(const std::string& place, bool container = false) const {
        const Answer<ConsolePart> part = read({place, 0}, container);
        EXPECT_TRUE(part) << part.error().message;
        return part.value_or(ConsolePart());
    }
    // From a place to the end.
    ConsolePart all_after(std::string place, bool container = false) const {
        ConsolePart all;
        all.next = std::move(place);
        for (;;) {
            const ConsolePart part = after(all.next, container);
            all.lost = all.lost || part.lost;
            all.next = part.next;
            if (part.bytes.empty()) return all;
            all.bytes += part.bytes;
        }
    }

    TempRoot temp_;
    std::string place_ = temp_.path() + "/one";
    std::string data_ = place_ + "/data";
    UniqueFd directory_;
};

TEST_F(ConsoleTest, IsReadFromItsEndAndOnFromThere) {
    print("one\ntwo\n\xff\x1b[0m three");
    const ConsolePart first = tail(64 * 1024);
    EXPECT_EQ(first.bytes, "one\ntwo\n\xff\x1b[0m three") << "as it was printed";
    EXPECT_FALSE(first.lost);
    EXPECT_EQ(tail(6).bytes, " three");
    EXPECT_EQ(tail(0).bytes, "");
    EXPECT_EQ(tail(0).next, first.next);
    EXPECT_EQ(after(first.next).bytes, "");
    print(" four");
    EXPECT_EQ(after(first.next).bytes, " four");
    EXPECT_EQ(after(first.next).bytes, " four") << "reading takes nothing away";
}

TEST_F(ConsoleTest, OfNothingYetNothingIsMissed) {
    const ConsolePart none = tail(100);
    EXPECT_EQ(none.bytes, "");
    EXPECT_EQ(none.next, "0000000000000000-0");
    print("one");
    EXPECT_EQ(after(none.next).bytes, "one");
    EXPECT_FALSE(after(none.next).lost);
}

TEST_F(ConsoleTest, AnAnswerIsBounded) {
    print(std::string(3 * kMaxConsolePart, 'x'));
    EXPECT_EQ(tail(kMegabyte).bytes.size(), kMaxConsolePart);
    EXPECT_TRUE(tail(kMegabyte).more);
    EXPECT_FALSE(tail(kMaxConsolePart).more);
    EXPECT_EQ(all_after(std::string(kNoMark) + "-0").bytes.size(), 3 * kMaxConsolePart);
}

TEST_F(ConsoleTest, WhatIsNoPlaceIsRefused) {
    for (const char* wrong : {"0", "-", "0000000000000000", "0000000000000000-", "000000000000000-1",
                              "0000000000000000-x", "0000000000000000-1x", "000000000000000G-1",
                              "0000000000000000--1", "0000000000000000-99999999999999999999"}) {
        const Answer<ConsolePart> part = read({wrong, 0});
        ASSERT_FALSE(part) << wrong;
        EXPECT_EQ(part.error().code, FailureCode::invalid);
    }
}

TEST_F(ConsoleTest, OneThatIsGoneOrEmptiedIsToldAsLost) {
    print("something long");
    const std::string place = tail(100).next;
    fs::resize_file(data_ + "/console.log", 0);
    print("new");
    EXPECT_EQ(after(place).bytes, "new") << "the place is beyond the end";
    EXPECT_TRUE(after(place).lost);
    fs::remove(data_ + "/console.log");
    EXPECT_TRUE(after(place).lost);
    print("another");
    EXPECT_EQ(after(place).bytes, "another");
}

// Never more than 2 MiB and what is printed between two looks.
TEST_F(ConsoleTest, OfOneThatPrintsALotTheBeginningIsGivenBackAndOffsetsStay) {
    print("the beginning");
    const std::string beginning = tail(100).next;
    print(std::string(5 * kMegabyte, 'x') + "the end");
    const off_t size = look().st_size;
    const std::string end = tail(0).next;
    trim_console(directory_.get());
    EXPECT_LE(look().st_blocks * 512, static_cast<long>(2 * kMegabyte));
    EXPECT_EQ(look().st_size, size);
    const ConsolePart kept = all_after(beginning);
    EXPECT_TRUE(kept.lost);
    EXPECT_GE(kept.bytes.size(), kMegabyte);
    EXPECT_TRUE(kept.bytes.ends_with("xthe end"));
    EXPECT_EQ(kept.bytes.find('\0'), std::string::npos) << "a hole is not what was printed";
    EXPECT_EQ(tail(10).bytes, "xxxthe end");
    print("!");
    EXPECT_EQ(after(end).bytes, "!");
    EXPECT_FALSE(after(end).lost);
}

TEST_F(ConsoleTest, WhatIsSmallIsLetBe) {
    print(std::string(kMegabyte, 'x'));
    trim_console(directory_.get());
    EXPECT_EQ(tail(2 * kMegabyte).bytes.size(), kMaxConsolePart);
    EXPECT_EQ(all_after(std::string(kNoMark) + "-0").bytes.size(), kMegabyte);
}

TEST_F(ConsoleTest, AContainersIsReadAcrossItsTwoFiles) {
    print("one ");
    const std::string place = tail(100, true).next;
    print("two ");
    fs::rename(data_ + "/console.log", data_ + "/console.log.1");
    EXPECT_EQ(after(place, true).bytes, "two ") << "the next one is not begun yet";
    print("three");
    EXPECT_EQ(after(place, true).bytes, "two three");
    EXPECT_FALSE(after(place, true).lost);
    EXPECT_EQ(tail(6, true).bytes, " three");
    EXPECT_EQ(tail(100, true).bytes, "one two three");
    fs::rename(data_ + "/console.log", data_ + "/console.log.1");
    print(" four");
    EXPECT_EQ(after(place, true).bytes, "three four");
    EXPECT_TRUE(after(place, true).lost);
}

// Whoever has broken out of a guest may put anything there.
TEST_F(ConsoleTest, NothingButAFileOfItsOwnerIsRead) {
    const std::string log = data_ + "/console.log";
    const std::string secret = temp_.path() + "/secret";
    std::ofstream(secret) << std::string(4 * kMegabyte, 's');
    const auto refuses = [&](const std::string& what) {
        const Answer<ConsolePart> part = read({"", 100});
        ASSERT_FALSE(part) << what;
        EXPECT_EQ(part.error().code, FailureCode::foreign) << what;
        trim_console(directory_.get());
        EXPECT_EQ(fs::file_size(secret), 4 * kMegabyte);
        fs::remove(log);
    };
    fs::create_symlink(secret, log);
    refuses("a link");
    ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
    refuses("a fifo, which nobody waits for");
    fs::create_directory(log);
    refuses("a directory");
    fs::rename(data_, place_ + "/elsewhere");
    fs::create_directory_symlink(place_ + "/elsewhere", data_);
    EXPECT_FALSE(read({"", 100})) << "a link instead of the data";
}

TEST_F(ConsoleTest, AnothersFileIsNotItsOwn) {
    print(std::string(4 * kMegabyte, 's'));
    const Answer<ConsolePart> part = read_console(directory_.get(), {::geteuid() + 1, false}, {"", 100});
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().code, FailureCode::foreign);
    if (::geteuid() != 0) return;  // who is not root cannot give files away
    ASSERT_EQ(::chown((data_ + "/console.log").c_str(), 210'001, 210'001), 0);
    trim_console(directory_.get());
    EXPECT_GE(look().st_blocks * 512, static_cast<long>(4 * kMegabyte)) << "a hole in it would be another's loss";
}

// What QEMU does: one client at a time, and what it says is heard by who is attached.
class LinesTest : public ConsoleTest {
  protected:
    void listen() {
        listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(listener_.get(), 1), 0);
    }
    [[nodiscard]] UniqueFd accept() const {
        return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    Answer<Typed> type(std::string_view text) { return lines_.type("one", directory_.get(), ::geteuid(), text); }
    static std::string heard(const UniqueFd& end) {
        std::array<char, 8192> buffer{};
        const ssize_t got = ::recv(end.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    }
    void serve() {
        std::vector<pollfd> waited;
        lines_.add_to(waited);
        for (const pollfd& each : waited) lines_.serve(each.fd);
    }

    std::string socket_ = data_ + "/console.sock";
    UniqueFd listener_;
    ConsoleLines lines_;
};

TEST_F(LinesTest, WhatIsTypedArrivesByOneConnectionThatStays) {
    listen();
    EXPECT_EQ(type("root\r"), Typed::taken);
    const UniqueFd guest = accept();
    ASSERT_TRUE(guest);
    EXPECT_EQ(heard(guest), "root\r");
    EXPECT_EQ(type(std::string_view("\x03\0\xff", 3)), Typed::taken);
    EXPECT_EQ(heard(guest), std::string("\x03\0\xff", 3));
    EXPECT_FALSE(accept()) << "it is the same connection";
    EXPECT_EQ(lines_.open(), 1U);
}

TEST_F(LinesTest, WhereNobodyListensNothingIsTyped) {
    EXPECT_EQ(type("x"), Typed::off) << "no socket";
    listen();
    listener_.reset();
    EXPECT_EQ(type("x"), Typed::off) << "one that was left behind";
    EXPECT_EQ(lines_.open(), 0U);
}

TEST_F(LinesTest, AMachineThatWasStartedAnewIsFoundAgain) {
    listen();
    ASSERT_EQ(type("one"), Typed::taken);
    accept().reset();
    fs::remove(socket_);
    EXPECT_EQ(type("two"), Typed::off);
    listen();
    EXPECT_EQ(type("three"), Typed::taken);
    EXPECT_EQ(heard(accept()), "three");
}

TEST_F(LinesTest, WhatIsPrintedMeanwhileHoldsUpNobody) {
    listen();
    ASSERT_EQ(type("x"), Typed::taken);
    const UniqueFd guest = accept();
    const std::string much(64 * 1024, 'x');
    std::size_t printed = 0;
    while (printed < 4 * kMegabyte) {
        const ssize_t sent = ::send(guest.get(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) printed += static_cast<std::size_t>(sent);
        serve();
    }
    EXPECT_EQ(type("y"), Typed::taken);
    EXPECT_EQ(heard(guest), "xy");
}

TEST_F(LinesTest, OneThatReadsNothingIsNotTypedAtWithoutEnd) {
    listen();
    const std::string text(kMaxTyped, 'x');
    int taken = 0;
    while (type(text) == Typed::taken && taken < 1000) ++taken;
    EXPECT_GT(taken, 1);
    EXPECT_LT(taken, 100);
    EXPECT_EQ(type("x"), Typed::unread);
    // Nothing was typed in part.
    const UniqueFd guest = accept();
    std::size_t all = 0;
    for (std::string part = heard(guest); !part.empty(); part = heard(guest)) all += part.size();
    EXPECT_EQ(all, static_cast<std::size_t>(taken) * text.size());
    EXPECT_EQ(type("x"), Typed::taken);
}

TEST_F(LinesTest, OneThatIsIdleIsClosedButNotWhileSomethingIsUnread) {
    listen();
    ASSERT_EQ(type("x"), Typed::taken);
    const auto now = ConsoleLines::Clock::now();
    EXPECT_FALSE(lines_.close_idle(now + std::chrono::seconds(30))) << "the guest has not read it yet";
    EXPECT_EQ(heard(accept()), "x");
    listener_.reset();
    EXPECT_TRUE(lines_.close_idle(now + std::chrono::seconds(30)));
}

TEST_F(LinesTest, OneThatNeverReadsIsGivenUp) {
    listen();
    ASSERT_EQ(type("x"), Typed::taken);
    EXPECT_TRUE(lines_.close_idle(ConsoleLines::Clock::now() + std::chrono::minutes(3)));
}

TEST_F(LinesTest, NothingButASocketOfItsOwnerIsConnectedTo) {
    const auto refuses = [&](const std::string& what) {
        const Answer<Typed> typed = type("a password");
        ASSERT_FALSE(typed) << what;
        EXPECT_EQ(typed.error().code, FailureCode::foreign) << what;
        EXPECT_EQ(typed.error().message.find("password"), std::string::npos);
        fs::remove(socket_);
    };
    std::ofstream(socket_) << "";
    refuses("a file");
    listen();
    fs::rename(socket_, data_ + "/other.sock");
    fs::create_symlink("other.sock", socket_);
    refuses("a link to a socket");
    fs::rename(data_ + "/other.sock", socket_);
    const Answer<Typed> typed = lines_.type("one", directory_.get(), ::geteuid() + 1, "x");
    ASSERT_FALSE(typed) << "another's";
    EXPECT_EQ(typed.error().code, FailureCode::foreign);
}

// Below a directory whose path no socket's address has room for.
TEST_F(LinesTest, ALongPathIsNoObstacle) {
    listen();
    const std::string deep = place_ + "/" + std::string(200, 'd');
    fs::create_directories(deep);
    fs::rename(data_, deep + "/data");
    const UniqueFd directory(::open(deep.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EQ(lines_.type("one", directory.get(), ::geteuid(), "x"), Typed::taken);
}

// A process that has the master of a terminal open, as a container's monitor has.
class Monitor {
  public:
    explicit Monitor(int terminals) {
        std::array<int, 2> ready{};
        EXPECT_EQ(::pipe(ready.data()), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            for (int i = 0; i < terminals; ++i) {
                int master = -1;
                int console = -1;
                if (::openpty(&master, &console, nullptr, nullptr, nullptr) != 0) ::_exit(1);
                if (i == 0) ::dup2(console, kConsole);
            }
            static_cast<void>(::write(ready[1], "x", 1));
            for (;;) ::pause();
        }
        ::close(ready[1]);
        char byte = 0;
        EXPECT_EQ(::read(ready[0], &byte, 1), 1);
        ::close(ready[0]);
    }
    ~Monitor() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;
    [[nodiscard]] Process process() const { return {pid_, read_stat(pid_)->start_time}; }
    // The container's end.
    [[nodiscard]] UniqueFd console() const {
        return UniqueFd(
            ::open(fmt::format("/proc/{}/fd/{}", pid_, kConsole).c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }

  private:
    static constexpr int kConsole = 100;
    pid_t pid_ = -1;
};

TEST(ContainerConsole, WhatIsTypedArrivesAtTheTerminalThatItsMonitorHolds) {
    const Monitor monitor(1);
    EXPECT_EQ(type_in_container(monitor.process(), "root\n"), Typed::taken);
    const UniqueFd console = monitor.console();
    ASSERT_TRUE(console);
    std::array<char, 16> read{};
    EXPECT_EQ(::read(console.get(), read.data(), read.size()), 5);
    EXPECT_EQ(std::string(read.data()), "root\n");
}

TEST(ContainerConsole, OneWithoutATerminalOrWithoutLifeIsOff) {
    Process gone;
    {
        const Monitor monitor(0);
        gone = monitor.process();
        EXPECT_EQ(type_in_container(gone, "x"), Typed::off);
    }
    EXPECT_EQ(type_in_container(gone, "x"), Typed::off);
}

TEST(ContainerConsole, WhichOfTwoIsMeantIsNotGuessed) {
    const Monitor monitor(2);
    const Answer<Typed> typed = type_in_container(monitor.process(), "x");
    ASSERT_FALSE(typed);
    EXPECT_EQ(typed.error().code, FailureCode::unsupported);
}

// It returns, however little the other side reads.
TEST(ContainerConsole, OneThatReadsNothingHoldsUpNobody) {
    const Monitor monitor(1);
    const std::string text(kMaxTyped, 'x');
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) static_cast<void>(type_in_container(monitor.process(), text));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

// The verbs.
class ConsoleVerbsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        Answer<Instances> instances = Instances::open(temp_.root(), rights(), 0, nothing_);
        ASSERT_TRUE(instances) << instances.error().message;
        handler_.emplace(std::move(*instances), std::map<std::string, std::string>{},
                         Machines::Places{temp_.root(), temp_.path(), 0, 0}, nothing_);
    }
    static Rights rights() { return {::geteuid() == 0, ::geteuid(), 210'000, 210'010}; }
    json::object ask(json::object request) {
        request["id"] = 1;
        request["installation"] = "ins";
        request["resource"] = "res_1";
        if (!request.contains("generation")) request["generation"] = 1;
        return json::parse(handler_->handle(json::dump(request)))->as_object();
    }
    void make(std::string_view kind) {
        const json::object made = ask({{"verb", "create_instance"},
                                       {"name", "one"},
                                       {"files", json::array{}},
                                       {"meta", json::object{{"installation", "ins"},
                                                             {"resource", "res_1"},
                                                             {"generation", 1},
                                                             {"uid", 210'009},
                                                             {"kind", kind},
                                                             {"engine", "vm"}}}});
        ASSERT_FALSE(made.contains("error")) << json::dump(made);
    }
    static std::string error_of(const json::object& answer) {
        const json::value* error = answer.if_contains("error");
        return error == nullptr ? "" : json::get_string(error->as_object(), "code");
    }

    TempRoot temp_;
    Checkpoint nothing_ = [](std::string_view) {};
    std::optional<Handler> handler_;
};

TEST_F(ConsoleVerbsTest, AnswerWhoseItIsOnly) {
    if (::geteuid() != 0) return;  // machines take root
    make("machine");
    const json::object read = ask({{"verb", "read_console"}, {"name", "one"}, {"tail", 10}});
    EXPECT_EQ(error_of(read), "");
    EXPECT_EQ(json::get_string(read, "next"), "0000000000000000-0");
    EXPECT_EQ(
        json::get_string(ask({{"verb", "type_at_console"}, {"name", "one"}, {"bytes", to_base64("x")}}), "typed"),
        "off");
    for (const char* verb : {"read_console", "type_at_console"}) {
        EXPECT_EQ(error_of(ask({{"verb", verb}, {"name", "one"}, {"generation", 2}, {"bytes", to_base64("x")}})),
                  "foreign");
        EXPECT_EQ(error_of(ask({{"verb", verb}, {"name", "two"}, {"bytes", to_base64("x")}})), "absent");
    }
}

TEST_F(ConsoleVerbsTest, RefuseWhatIsTooLongOrNone) {
    if (::geteuid() != 0) return;  // machines take root
    make("machine");
    for (const std::string& bytes :
         {std::string(), std::string("no base64 of a password"), to_base64(std::string(kMaxTyped + 1, 'x'))}) {
        const json::object answer = ask({{"verb", "type_at_console"}, {"name", "one"}, {"bytes", bytes}});
        EXPECT_EQ(error_of(answer), "invalid");
        EXPECT_EQ(json::dump(answer).find("password"), std::string::npos);
    }
    EXPECT_EQ(error_of(ask({{"verb", "read_console"}, {"name", "one"}, {"tail", -1}})), "invalid");
    EXPECT_EQ(error_of(ask({{"verb", "read_console"}, {"name", "one"}, {"after", "../../etc/passwd"}})), "invalid");
}

TEST_F(ConsoleVerbsTest, AreForMachinesOnly) {
    if (::geteuid() != 0) return;  // machines take root
    make("cache");
    EXPECT_EQ(error_of(ask({{"verb", "read_console"}, {"name", "one"}})), "unsupported");
    EXPECT_EQ(error_of(ask({{"verb", "type_at_console"}, {"name", "one"}, {"bytes", to_base64("x")}})),
              "unsupported");
}

// While nobody reads it.
TEST_F(ConsoleVerbsTest, ATendedConsoleStaysWithinItsBound) {
    if (::geteuid() != 0) return;  // machines take root
    make("machine");
    const std::string log = temp_.root() + "/one/data/console.log";
    std::ofstream(log) << std::string(6 * kMegabyte, 'x');
    ASSERT_EQ(::chown(log.c_str(), 210'009, 210'009), 0);
    const auto now = std::chrono::steady_clock::now();
    EXPECT_GT(handler_->tend(now), 0);
    struct stat seen{};
    ASSERT_EQ(::stat(log.c_str(), &seen), 0);
    EXPECT_LE(seen.st_blocks * 512, static_cast<long>(2 * kMegabyte));
    std::ofstream(log, std::ios::app) << std::string(6 * kMegabyte, 'x');
    handler_->tend(now);
    ASSERT_EQ(::stat(log.c_str(), &seen), 0);
    EXPECT_GT(seen.st_blocks * 512, static_cast<long>(6 * kMegabyte)) << "not at every message";
    EXPECT_LE(handler_->tend(now + std::chrono::seconds(6)), 5000);
    ASSERT_EQ(::stat(log.c_str(), &seen), 0);
    EXPECT_LE(seen.st_blocks * 512, static_cast<long>(2 * kMegabyte));
}

TEST_F(ConsoleVerbsTest, WhatAnEngineCallsSoIsItsOwn) {
    if (::geteuid() != 0) return;  // machines take root
    make("cache");
    const std::string log = temp_.root() + "/one/data/console.log";
    std::ofstream(log) << std::string(6 * kMegabyte, 'x');
    ASSERT_EQ(::chown(log.c_str(), 210'009, 210'009), 0);
    handler_->tend(std::chrono::steady_clock::now());
    struct stat seen{};
    ASSERT_EQ(::stat(log.c_str(), &seen), 0);
    EXPECT_GT(seen.st_blocks * 512, static_cast<long>(5 * kMegabyte));
}

}  // namespace
}  // namespace slipway::agent
