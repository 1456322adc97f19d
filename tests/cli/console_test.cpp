// The built program at the console of a machine, on a terminal: a server that is scripted here echoes what is
// typed.
#include <mutex>
#include <thread>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/random.h"
#include "http/server.h"
#include "typed.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// A machine whose console echoes; used from the server's threads and the test's.
class Machine {
  public:
    void print(const std::string& text) {
        const std::scoped_lock lock(mutex_);
        printed_ += text;
    }
    [[nodiscard]] std::string after(std::size_t place) const {
        const std::scoped_lock lock(mutex_);
        return printed_.substr(std::min(place, printed_.size()));
    }
    void type(const std::string& text) {
        const std::scoped_lock lock(mutex_);
        typed_ += text;
        printed_ += text;
    }
    [[nodiscard]] std::string typed() const {
        const std::scoped_lock lock(mutex_);
        return typed_;
    }

  private:
    mutable std::mutex mutex_;
    std::string printed_ = "booting\r\n\x1b[1mweb1 login:\x1b[0m ";
    std::string typed_;
};

class CliConsole : public ::testing::Test {
  protected:
    void SetUp() override {
        http::Router router;
        router.add(http::Method::get, "/api/v1/resources/web1/console",
                   [this](http::Request& request) { return read(request); });
        router.add(http::Method::post, "/api/v1/resources/web1/console",
                   [this](http::Request& request) -> Task<http::Response> {
                       if (refusal_ != 0) co_return http::Response::json(refusal_, {{"error", "it does not run"}});
                       machine_.type(request.body);
                       co_return http::Response::empty(204);
                   });
        http::ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.access_log = false;
        server_ = std::make_unique<http::Server>(options, std::move(router), clock_, random_);
        ASSERT_TRUE(server_->start());
    }
    Task<http::Response> read(http::Request& request) {
        const auto after = request.query("after");
        const std::size_t place = after ? std::stoul(std::string(after->substr(after->find('-') + 1))) : 0;
        const bool waits = request.query("wait").value_or("0") != "0";
        std::string text = machine_.after(place);
        for (int looks = 0; waits && text.empty() && looks < 100; ++looks) {
            boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 5ms);
            co_await timer.async_wait(boost::asio::use_awaitable);
            text = machine_.after(place);
        }
        std::string next = fmt::format("00000000000000aa-{}", place + text.size());
        co_return http::Response::text(200, std::move(text))
            .with("Slipway-Console-Next", std::move(next))
            .with("Slipway-Console-Lost", "false");
    }
    Typed sit() {
        return Typed({"console", "web1"},
                     {{"SLIPWAY_URL", "http://" + server_->listeners().at(0).address},
                      {"SLIPWAY_KEY", "slk_test"},
                      {"TERM", "xterm"}},
                     80);
    }
    static void expect_given_back(const termios& before, const termios& after) {
        EXPECT_EQ(before.c_lflag, after.c_lflag);
        EXPECT_EQ(before.c_iflag, after.c_iflag);
        EXPECT_EQ(before.c_oflag, after.c_oflag);
    }
    // Until what is typed goes to the machine.
    static bool raw(const Typed& sitting) {
        for (int looks = 0; looks < 10'000; ++looks) {
            if ((sitting.modes().c_lflag & (ICANON | ECHO | ISIG)) == 0) return true;
            ::poll(nullptr, 0, 1);
        }
        return false;
    }

    SystemClock clock_;
    SystemRandom random_;
    Machine machine_;
    std::atomic<int> refusal_ = 0;
    std::unique_ptr<http::Server> server_;
};

TEST_F(CliConsole, WhatIsTypedGoesThereAndCtrlBracketLeaves) {
    Typed sitting = sit();
    const termios before = sitting.modes();
    ASSERT_TRUE(sitting.shows("leave it with Ctrl-]")) << sitting.shown();
    ASSERT_TRUE(sitting.shows("\x1b[1mweb1 login:\x1b[0m ")) << "as it was printed: " << sitting.shown();
    ASSERT_TRUE(raw(sitting));
    sitting.type("ro");
    ASSERT_TRUE(sitting.shows("ro"));
    sitting.type("ot\r\x03\x1a");
    machine_.print("Password: ");
    ASSERT_TRUE(sitting.shows("Password: "));
    sitting.type("end\x1dnot this");
    EXPECT_EQ(sitting.end(), 0) << sitting.shown();
    EXPECT_EQ(machine_.typed(),
              "root\r\x03\x1a"
              "end")
        << "Ctrl-C and Ctrl-Z are the machine's";
    EXPECT_THAT(sitting.shown(), HasSubstr("left the console of web1"));
    expect_given_back(before, sitting.modes());
}

TEST_F(CliConsole, EverySignalGivesTheTerminalBack) {
    for (const int number : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
        Typed sitting = sit();
        const termios before = sitting.modes();
        ASSERT_TRUE(sitting.shows("login:")) << sitting.shown();
        ASSERT_TRUE(raw(sitting));
        sitting.signal(number);
        EXPECT_EQ(sitting.end(), 128 + number) << sitting.shown();
        expect_given_back(before, sitting.modes());
    }
}

TEST_F(CliConsole, AMachineThatDoesNotRunIsToldAndNotLeft) {
    Typed sitting = sit();
    ASSERT_TRUE(sitting.shows("login:")) << sitting.shown();
    ASSERT_TRUE(raw(sitting));
    refusal_ = 409;
    sitting.type("x");
    ASSERT_TRUE(sitting.shows("[slipway: it does not run]")) << sitting.shown();
    refusal_ = 0;
    sitting.type("y");
    machine_.print("back\r\n");
    ASSERT_TRUE(sitting.shows("back")) << sitting.shown();
    sitting.type("\x1d");
    EXPECT_EQ(sitting.end(), 0);
    EXPECT_EQ(machine_.typed(), "y");
}

TEST_F(CliConsole, AKeyThatIsRevokedMeanwhileEndsItWithItsReason) {
    Typed sitting = sit();
    const termios before = sitting.modes();
    ASSERT_TRUE(sitting.shows("login:")) << sitting.shown();
    ASSERT_TRUE(raw(sitting));
    refusal_ = 403;
    sitting.type("x");
    EXPECT_EQ(sitting.end(), 4) << sitting.shown();
    EXPECT_THAT(sitting.shown(), HasSubstr("slipway: it does not run\r\n"));
    expect_given_back(before, sitting.modes());
}

}  // namespace
}  // namespace slipway::testing
