// The outgoing client against servers that behave, and against those that do not.
#include "net/http_client.h"

#include <array>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slipway::net {
namespace {

// Takes one connection, reads one request, answers with bytes, and closes (or holds on until it dies).
class OneShot {
  public:
    explicit OneShot(std::string answer, bool hold = false) : answer_(std::move(answer)), hold_(hold) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        EXPECT_EQ(::pipe2(end_.data(), O_CLOEXEC), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~OneShot() {
        ::close(end_[1]);
        thread_.join();
        ::close(end_[0]);
        ::close(listener_);
    }
    OneShot(const OneShot&) = delete;
    OneShot& operator=(const OneShot&) = delete;
    [[nodiscard]] Origin origin() const { return Origin{"127.0.0.1", port_, ""}; }
    [[nodiscard]] const std::string& request() const { return request_; }

  private:
    // False: the test is over.
    bool wait(int fd) {
        std::array<pollfd, 2> entries{{{fd, POLLIN, 0}, {end_[0], POLLIN | POLLHUP, 0}}};
        return ::poll(entries.data(), entries.size(), 10'000) > 0 && entries[1].revents == 0;
    }
    void serve() {
        if (!wait(listener_)) return;
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        while (!whole() && wait(fd)) {
            std::array<char, 4096> bytes{};
            const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
            if (got <= 0) break;
            request_.append(bytes.data(), static_cast<std::size_t>(got));
        }
        ::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
        if (hold_) wait(end_[0]);
        ::close(fd);
    }
    [[nodiscard]] bool whole() const {
        const std::size_t end = request_.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        const std::size_t at = request_.find("Content-Length: ");
        const std::size_t length = at == std::string::npos ? 0 : std::stoul(request_.substr(at + 16));
        return request_.size() >= end + 4 + length;
    }

    std::string answer_;
    bool hold_;
    int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::uint16_t port_ = 0;
    std::array<int, 2> end_{};
    std::string request_;
    std::thread thread_;
};

TEST(HttpClient, SendsARequestAndReadsTheAnswer) {
    OneShot server("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nLocation: /x\r\n\r\n{}");
    HttpCall call;
    call.method = "POST";
    call.target = "/a?b=" + percent_encode("c d/ü");
    call.body = "{\"x\":1}";
    call.bearer = Secret("key");
    const auto answer = http_call_blocking(server.origin(), std::move(call));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 202);
    EXPECT_EQ(answer->body, "{}");
    EXPECT_EQ(answer->header("location"), "/x");
    EXPECT_EQ(server.request().find("POST /a?b=c%20d%2F%C3%BC HTTP/1.1\r\n"), 0U) << server.request();
    EXPECT_NE(server.request().find("Authorization: Bearer key\r\n"), std::string::npos);
    EXPECT_NE(server.request().find("\r\n\r\n{\"x\":1}"), std::string::npos);
}

TEST(HttpClient, ReadsChunkedAndUnframedAnswers) {
    OneShot chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
    EXPECT_EQ(http_call_blocking(chunked.origin(), {}).value().body, "abcd");
    OneShot unframed("HTTP/1.0 200 OK\r\n\r\nto the end");
    EXPECT_EQ(http_call_blocking(unframed.origin(), {}).value().body, "to the end");
}

ErrorCode code_of(const OneShot& server, HttpCall call = {}) {
    const auto answer = http_call_blocking(server.origin(), std::move(call));
    EXPECT_FALSE(answer);
    return answer ? ErrorCode::internal : answer.error().code;
}

TEST(HttpClient, EveryBadServerIsAnErrorOfItsOwn) {
    HttpCall hasty;
    hasty.answer_limit = std::chrono::milliseconds(100);
    EXPECT_EQ(code_of(OneShot("", true), hasty), ErrorCode::timeout);
    EXPECT_EQ(code_of(OneShot("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true), hasty), ErrorCode::timeout);
    EXPECT_EQ(code_of(OneShot("")), ErrorCode::unavailable) << "closed without a word";
    EXPECT_EQ(code_of(OneShot("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")), ErrorCode::unavailable);
    EXPECT_EQ(code_of(OneShot("SSH-2.0-OpenSSH_9.2\r\n\r\n")), ErrorCode::malformed);
    HttpCall small;
    small.max_answer = 10;
    EXPECT_EQ(code_of(OneShot("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"), small),
              ErrorCode::too_large);
}

// A stream of events has no end, and what was told must not wait for what comes later.
TEST(HttpClient, AStreamsPiecesAreHandedOnAsTheyCome) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string seen;
    HttpCall call;
    call.answer_limit = std::chrono::milliseconds(200);
    call.sink = [&](std::string_view piece) {
        seen += piece;
        return !seen.contains("stop");
    };
    OneShot whole(head + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
    const auto answer = http_call_blocking(whole.origin(), call);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "");
    EXPECT_EQ(std::exchange(seen, {}), "abcd");
    EXPECT_EQ(code_of(OneShot(head + "3\r\nabc\r\n", true), call), ErrorCode::timeout);
    EXPECT_EQ(std::exchange(seen, {}), "abc") << "what came before the silence counts";
    EXPECT_EQ(code_of(OneShot(head + "3\r\nabc\r\n"), call), ErrorCode::unavailable) << "cut off";
    seen.clear();
    EXPECT_TRUE(http_call_blocking(OneShot(head + "4\r\nstop\r\n", true).origin(), call)) << "it was told to end";
    const auto refused = http_call_blocking(
        OneShot("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}").origin(), std::move(call));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->body, "{}") << "a refusal is no stream";
}

TEST(HttpClient, NobodyThereIsUnavailable) {
    Origin origin;
    {
        OneShot gone("");
        origin = gone.origin();
    }
    const auto refused = http_call_blocking(origin, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_NE(refused.error().message.find("refused"), std::string::npos) << refused.error().message;
    const auto unknown = http_call_blocking(Origin{"does-not-exist.invalid", 80, ""}, {});
    ASSERT_FALSE(unknown);
    EXPECT_TRUE(unknown.error().code == ErrorCode::unavailable || unknown.error().code == ErrorCode::timeout);
}

// Otherwise a name from outside could add fields, or a second request.
TEST(HttpClient, NothingThatSplitsARequestIsSent) {
    const Origin origin{"127.0.0.1", 1, ""};
    const auto refused = [&](HttpCall call) {
        const auto answer = http_call_blocking(origin, std::move(call));
        return !answer && answer.error().code == ErrorCode::invalid_argument &&
               answer.error().message.find("SECRET") == std::string::npos;
    };
    for (const std::string target : {"", "x", "/a b", "/a\r\nX: y", "/\x01", "/ü"}) {
        HttpCall call;
        call.target = target;
        EXPECT_TRUE(refused(call)) << target;
    }
    HttpCall key;
    key.bearer = Secret("SECRET\r\nX: y");
    EXPECT_TRUE(refused(key));
    HttpCall field;
    field.headers = {{"X", "a\nb"}};
    EXPECT_TRUE(refused(field));
}

// The host comes out of the URL decoded, and goes into every request's head.
TEST(Origin, AHostIsANameOrAnAddressAndNothingThatADecodedPercentCouldHide) {
    for (const std::string_view bad : {"http://a%0d%0aX%3a%20y", "http://a%20b", "http://a%00", "http://%5B::1%5D",
                                       "http://a%2fb", "http://[v1.x]", "http://a%40b", "http://%c3%a9"}) {
        const auto parsed = Origin::parse(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_NE(parsed.error().message.find("neither a name nor an address"), std::string::npos) << bad;
    }
    for (const std::string_view good : {"http://a_b.example-1", "http://1.2.3.4", "http://[2001:db8::1]"}) {
        const auto parsed = Origin::parse(good);
        ASSERT_TRUE(parsed) << good;
        EXPECT_EQ(Origin::parse(parsed->url())->host, parsed->host) << good;
    }
}

TEST(Origin, ReadsUrlsAndRefusesWhatItCannotKeepPrivate) {
    const auto of = [](std::string_view text) { return Origin::parse(text); };
    EXPECT_EQ(of("http://a.example")->url(), "http://a.example:80");
    EXPECT_EQ(of("http://[::1]:3000/b/")->url(), "http://[::1]:3000/b");
    EXPECT_EQ(of("https://a.example")->url(), "https://a.example:443");
    EXPECT_EQ(of("https://a.example:80/b")->url(), "https://a.example:80/b");
    EXPECT_TRUE(of("https://a")->https);
    EXPECT_FALSE(of("http://a")->https);
    for (const std::string_view bad :
         {"", "a", "http://", "http://:80", "https://", "ftp://a", "http://u:p@a", "http://a?b", "http://a#b",
          "http://a:99999", "http://a:0", "http://a b", "http://[::1]80:80/"}) {
        const auto parsed = of(bad);
        EXPECT_FALSE(parsed) << bad;
        if (!parsed) EXPECT_EQ(parsed.error().message.find("u:p"), std::string::npos);
    }
    for (const std::string_view here :
         {"http://localhost", "http://x.localhost", "http://127.1.2.3", "http://[::1]"}) {
        EXPECT_TRUE(of(here)->loopback()) << here;
    }
    EXPECT_FALSE(of("http://localhost.example")->loopback());
    EXPECT_FALSE(of("http://10.0.0.1")->loopback());
}

}  // namespace
}  // namespace slipway::net
