// What sessions say of servers that do not answer as they should. Real servers: tests/conformance/provider.
#include <filesystem>

#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include "base/start_test_support.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"

namespace slipway::sql {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

class Sessions : public ::testing::Test {
  protected:
    Answer<PostgresSession> postgres(std::uint16_t port, Duration budget = 5s, std::string user = "user") {
        return run(
            PostgresSession::open({"127.0.0.1", port, std::move(user), Secret("canary"), "db"}, Deadline(budget)));
    }
    Answer<MysqlSession> mysql(std::uint16_t port, Duration budget = 5s, std::string user = "user") {
        return run(
            MysqlSession::open({"127.0.0.1", port, std::move(user), Secret("canary"), "db"}, Deadline(budget)));
    }
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        start(io_, into(result, std::move(task)));
        io_.restart();
        while (!result && io_.run_one_for(10s) != 0) {
        }
        if (!result) throw std::runtime_error("it never ended");
        return std::move(*result);
    }
    static void expect(const SqlError& error, Failure failure) {
        EXPECT_EQ(error.failure, failure) << error.message << " " << error.code;
        EXPECT_FALSE(error.message.empty());
        EXPECT_EQ(error.message.find("canary"), std::string::npos);
    }

    static std::ptrdiff_t descriptors() {
        const std::filesystem::directory_iterator open("/proc/self/fd");
        return std::distance(begin(open), end(open));
    }

    asio::io_context io_;
    Tcp::acceptor silent_{io_, {asio::ip::make_address("127.0.0.1"), 0}};  // the kernel accepts, nobody speaks
};

TEST_F(Sessions, APortThatNobodyListensOnRefuses) {
    const std::uint16_t port = silent_.local_endpoint().port();
    silent_.close();
    expect(postgres(port).error(), Failure::refused);
    expect(mysql(port).error(), Failure::refused);
}

TEST_F(Sessions, ASilentServerCostsNoMoreThanTheDeadline) {
    const std::uint16_t port = silent_.local_endpoint().port();
    const std::ptrdiff_t open = descriptors();
    const auto began = std::chrono::steady_clock::now();
    expect(postgres(port, 30ms).error(), Failure::timeout);
    expect(mysql(port, 30ms).error(), Failure::timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 60ms);
    expect(postgres(port, 0ms).error(), Failure::timeout);
    expect(mysql(port, 0ms).error(), Failure::timeout);
    EXPECT_EQ(descriptors(), open) << "nothing of them is left";
}

TEST_F(Sessions, AServerThatHangsUpIsLost) {
    const std::uint16_t port = silent_.local_endpoint().port();
    std::vector<Tcp::socket> taken;
    const auto hang_up = [&](auto error, Tcp::socket socket) {
        if (!error) socket.close();
    };
    silent_.async_accept(hang_up);
    const auto postgres_answer = postgres(port);
    ASSERT_FALSE(postgres_answer);
    expect(postgres_answer.error(), Failure::lost);
    silent_.async_accept(hang_up);
    const auto mysql_answer = mysql(port);
    ASSERT_FALSE(mysql_answer);
    expect(mysql_answer.error(), Failure::lost);
}

TEST_F(Sessions, NamesThatWouldBeCutOffAreNeverSent) {
    const std::uint16_t port = silent_.local_endpoint().port();
    expect(postgres(port, 5s, std::string(64, 'u')).error(), Failure::invalid);
    expect(postgres(port, 5s, std::string("u\0v", 3)).error(), Failure::invalid);
    expect(mysql(port, 5s, std::string(81, 'u')).error(), Failure::invalid);
}

// Frames of calls that wait are destroyed with their executor.
TEST_F(Sessions, AWaitMayDieWithItsExecutor) {
    const std::uint16_t port = silent_.local_endpoint().port();
    for (int i = 0; i < 2; ++i) {
        asio::io_context io;
        std::optional<Answer<MysqlSession>> mysql_result;
        std::optional<Answer<PostgresSession>> postgres_result;
        start(io,
              into(mysql_result, MysqlSession::open({"127.0.0.1", port, "u", Secret("canary"), ""}, Deadline(1h))));
        start(io, into(postgres_result,
                       PostgresSession::open({"127.0.0.1", port, "u", Secret("canary"), "d"}, Deadline(1h))));
        io.run_for(20ms);
        EXPECT_FALSE(mysql_result);
        EXPECT_FALSE(postgres_result);
    }
}

}  // namespace
}  // namespace slipway::sql
