#include <functional>
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
#include "load/mix.h"

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

// Answers the requests of one connection, by a function or always the same, up to a number of them, then hangs up.
class CannedServer {
  public:
    using Answerer = std::function<std::string(const std::string& request)>;

    CannedServer(std::string answer, std::size_t count)
        : CannedServer([text = std::move(answer)](const std::string&) { return text; }, count) {}
    CannedServer(Answerer answer, std::size_t count) : answer_(std::move(answer)), left_(count) {
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
        while (left_ > 0) {
            const ssize_t got = ::recv(client.get(), request.data(), request.size(), 0);
            if (got <= 0) return;
            left_ -= 1;
            const std::string answer = answer_(std::string(request.data(), static_cast<std::size_t>(got)));
            if (::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
        }
    }
    Answerer answer_;
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

std::string answer_of(int status, std::string_view body) {
    return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

std::string word_after(const std::string& text, std::string_view mark) {
    const std::size_t begin = text.find(mark) + mark.size();
    return text.substr(begin, text.find_first_of(" \r\n", begin) - begin);
}

// What Slipway would say, as far as the mixed load looks at it.
std::string good_answer(const std::string& request) {
    if (request.starts_with("POST")) {
        const std::string key = word_after(request, "Idempotency-Key: ");
        return answer_of(202,
                         fmt::format(R"({{"resource":{{"id":"res_{0}"}},"operation":{{"id":"op_{0}"}}}})", key));
    }
    if (request.starts_with("DELETE")) {
        return answer_of(202, fmt::format(R"({{"id":"gone_{}"}})", word_after(request, "/api/v1/resources/")));
    }
    const std::string path = word_after(request, "GET ");
    return answer_of(200, fmt::format(R"({{"id":"{}"}})", path.substr(path.rfind('/') + 1)));
}

MixLoad mix_of(const CannedServer& server) {
    MixLoad load;
    load.port = server.port();
    load.key = "secret";
    load.prefix = "k-";
    load.connections = 1;
    load.prepared = 3;
    load.rate = 1000;
    load.duration = 0s;
    return load;
}

TEST(MixTest, RemembersWhatWasPromisedForEachKey) {
    const CannedServer server(good_answer, 10'000);
    MixLoad load = mix_of(server);
    load.creates_percent = load.deletes_percent = load.repeats_percent = 25;
    load.duration = 300ms;
    const auto figures = run_mix(load);
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_THAT(figures->examples, ::testing::IsEmpty());
    EXPECT_EQ(figures->faults, 0U);
    ASSERT_GE(figures->items.size(), 3U);
    std::size_t deleted = 0;
    for (const MixItem& each : figures->items) {
        EXPECT_EQ(each.resource, fmt::format("res_k-{}", each.number));
        EXPECT_EQ(each.create, fmt::format("op_k-{}", each.number));
        if (!each.erase.empty()) ++deleted;
    }
    const auto count = [&](MixKind kind) { return figures->statuses[static_cast<std::size_t>(kind)]; };
    EXPECT_EQ(count(MixKind::create).at(202), figures->items.size());
    EXPECT_EQ(count(MixKind::erase)[202], deleted);
}

TEST(MixTest, AnAnswerThatWasNotPromisedIsAFaultAndEndsNothing) {
    const CannedServer server(answer_of(503, "busy"), 10'000);
    const auto figures = run_mix(mix_of(server));
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_EQ(figures->faults, 3U);
    EXPECT_EQ(figures->statuses[static_cast<std::size_t>(MixKind::create)].at(503), 3U);
    ASSERT_EQ(figures->examples.size(), 3U);
    EXPECT_THAT(figures->examples.front(), HasSubstr("503: busy"));
    for (const MixItem& each : figures->items) EXPECT_EQ(each.resource, "");
}

TEST(MixTest, AKeyThatMakesTwoThingsIsAFault) {
    const CannedServer server(
        [made = 0](const std::string&) mutable {
            ++made;
            return answer_of(202,
                             fmt::format(R"({{"resource":{{"id":"r{0}"}},"operation":{{"id":"o{0}"}}}})", made));
        },
        10'000);
    MixLoad load = mix_of(server);
    load.repeats_percent = 100;
    load.duration = 100ms;
    const auto figures = run_mix(load);
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_EQ(figures->faults, figures->statuses[static_cast<std::size_t>(MixKind::repeat)].at(202));
    EXPECT_THAT(figures->examples, ::testing::Each(HasSubstr("the key made")));
}

TEST(MixTest, SomebodyElsesAnswerIsAFault) {
    const CannedServer server(
        [](const std::string& request) {
            return request.starts_with("GET") ? answer_of(200, R"({"id":"op_other"})") : good_answer(request);
        },
        10'000);
    MixLoad load = mix_of(server);
    load.duration = 100ms;
    const auto figures = run_mix(load);
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_GT(figures->faults, 0U);
    EXPECT_EQ(figures->faults, figures->polls.count());
    EXPECT_THAT(figures->examples, ::testing::Each(HasSubstr("another's")));
}

TEST(MixTest, ARequestThatIsHungUpOnCountsAsUnanswered) {
    const CannedServer server("", 1);
    MixLoad load = mix_of(server);
    load.prepared = 1;
    const auto figures = run_mix(load);
    ASSERT_TRUE(figures) << figures.error().message;
    EXPECT_EQ(figures->unanswered, 1U);
    EXPECT_EQ(figures->faults, 1U);
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
