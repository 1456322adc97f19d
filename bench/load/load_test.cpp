#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "load/answer_reader.h"
#include "load/descriptor.h"
#include "load/disk.h"
#include "load/histogram.h"
#include "load/http_load.h"
#include "load/line_client.h"

namespace slipway::bench {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(HistogramTest, PercentilesAreRightWithinTheWidthOfABucket) {
    Histogram times;
    for (int i = 1; i <= 1000; ++i) times.add(i * 1us);
    EXPECT_EQ(times.count(), 1000U);
    for (const auto& [share, wanted] : {std::pair(0.5, 500.0), std::pair(0.99, 990.0), std::pair(1.0, 1000.0)}) {
        const double found = static_cast<double>(times.percentile(share).count()) / 1000.0;
        EXPECT_GE(found, wanted);
        EXPECT_LE(found, wanted * 1.017);
    }
    EXPECT_EQ(times.max(), Nanoseconds(1ms));
    EXPECT_EQ(Histogram().percentile(0.99), Nanoseconds(0));
}

TEST(HistogramTest, TheSmallestAndTheLargestHaveAPlace) {
    Histogram times;
    times.add(0ns);
    times.add(-1ns);
    times.add(1h);
    EXPECT_EQ(times.count(), 3U);
    EXPECT_EQ(times.percentile(0.5), 0ns);
    EXPECT_EQ(times.max(), Nanoseconds(1h));
}

TEST(AnswerReader, WaitsForAllOfAnAnswer) {
    const std::string whole = "HTTP/1.1 202 Accepted\r\nlocation: /x/1\r\nContent-Length: 3\r\n\r\nabc";
    for (std::size_t i = 0; i < whole.size(); ++i) {
        const auto part = read_answer(whole.substr(0, i), true);
        ASSERT_TRUE(part) << i;
        EXPECT_FALSE(*part) << i;
    }
    const auto answer = read_answer(whole, true);
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->status, 202);
    EXPECT_EQ((*answer)->body, 3U);
    EXPECT_EQ((*answer)->location, "/x/1");
    EXPECT_EQ((*answer)->head + (*answer)->body, whole.size());
}

// What it cannot measure must not be counted as an answer.
TEST(AnswerReader, RefusesWhatItDoesNotUnderstand) {
    for (const std::string_view bytes :
         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "nonsense\r\n\r\n"}) {
        EXPECT_FALSE(read_answer(bytes, false)) << bytes;
    }
}

// Answers every request with the same bytes, up to a number of them, then hangs up.
class CannedServer {
  public:
    CannedServer(std::string answer, std::size_t count) : answer_(std::move(answer)), left_(count) {
        listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_.get(), 16), 0);
        socklen_t length = sizeof address;
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~CannedServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    CannedServer(const CannedServer&) = delete;
    CannedServer& operator=(const CannedServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    void serve() {
        const Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::array<char, 4096> request{};
        while (left_ > 0 && ::recv(client.get(), request.data(), request.size(), 0) > 0) {
            left_ -= 1;
            if (::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) return;
        }
    }
    std::string answer_;
    std::size_t left_;
    Descriptor listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

HttpLoad load_of(const CannedServer& server) {
    HttpLoad load;
    load.port = server.port();
    load.paths = {"/"};
    load.connections = 1;
    load.requests = 20;
    load.duration = 30s;
    return load;
}

constexpr const char* kGood = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(HttpLoadTest, CountsEveryAnswerOnce) {
    const CannedServer server(kGood, 1000);
    const auto figures = run_http_load(load_of(server));
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_EQ(figures->answered, 20U);
    EXPECT_EQ(figures->latencies.count(), 20U);
    EXPECT_GT(figures->seconds, 0);
}

TEST(HttpLoadTest, KeepsToItsRate) {
    const CannedServer server(kGood, 1000);
    HttpLoad load = load_of(server);
    load.rate = 200;
    const auto figures = run_http_load(load);
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_EQ(figures->answered, 20U);
    EXPECT_GE(figures->seconds, 19 / 200.0) << "the last of 20 falls due after 19 intervals";
}

TEST(HttpLoadTest, AnUnexpectedStatusIsAFailureThatSaysWhatCame) {
    const CannedServer server("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy", 1000);
    const auto figures = run_http_load(load_of(server));
    ASSERT_FALSE(figures);
    EXPECT_EQ(figures.error().code, ErrorCode::provider_failure);
    EXPECT_THAT(figures.error().message, HasSubstr("503: busy"));
}

TEST(HttpLoadTest, AServerThatHangsUpIsAFailure) {
    const CannedServer server(kGood, 5);
    const auto figures = run_http_load(load_of(server));
    ASSERT_FALSE(figures);
    EXPECT_EQ(figures.error().code, ErrorCode::unavailable);
}

TEST(DiskTest, MeasuresAndLeavesNothing) {
    const std::filesystem::path directory = std::filesystem::path(::testing::TempDir()) / "slipway-disk-test";
    std::filesystem::create_directories(directory);
    for (const bool grow : {false, true}) {
        const auto times = measure_sync(directory, 5, grow);
        ASSERT_TRUE(times) << times.error().message;
        EXPECT_EQ(times->count(), 5U);
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    std::filesystem::remove(directory);
    EXPECT_FALSE(measure_sync("/nonexistent", 1, false));
}

}  // namespace
}  // namespace slipway::bench
