// For tests: a client of raw bytes over a real loopback socket, and a server to point it at.
#pragma once

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "http/message.h"
#include "http/server.h"

namespace slipway::http::test {

struct Answer {
    int status = 0;                              // 0: the connection ended or nothing came in time
    std::map<std::string, std::string> headers;  // lower-case names
    std::string body;
    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

// Every wait ends after 10 s at the latest, so that a hanging server fails a test instead of stopping it.
class RawClient {
  public:
    explicit RawClient(std::uint16_t port, bool ipv6 = false)
        : fd_(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_addr = in6addr_loopback;
        connected_ = (ipv6 ? ::connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof v6)
                           : ::connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof v4)) == 0;
    }
    virtual ~RawClient() { close(); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    // Closes with a reset.
    void abort() {
        const linger hard{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close();
    }
    void shutdown_write() const { ::shutdown(fd_, SHUT_WR); }
    void small_receive_buffer() const {
        const int bytes = 4096;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }

    // False once the server has closed its end for good.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = send_some(bytes);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // Something can be read (bytes or the end) within the limit.
    [[nodiscard]] bool readable(std::chrono::milliseconds limit) const {
        if (!received_.empty()) return true;
        pollfd entry{fd_, POLLIN, 0};
        return ::poll(&entry, 1, static_cast<int>(limit.count())) > 0;
    }

    Answer get(std::string_view target, std::string_view fields = "") {
        send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n");
        return read();
    }
    Answer post(std::string_view target, std::string_view body, std::string_view fields = "") {
        send("POST " + std::string(target) + " HTTP/1.1\r\nHost: test\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n" + std::string(fields) + "\r\n" + std::string(body));
        return read();
    }

    // The next answer. `head_only`: of a HEAD request.
    Answer read(bool head_only = false) {
        Answer out;
        std::size_t end = 0;
        while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
            if (!receive()) return out;
        }
        const std::string head = received_.substr(0, end + 2);
        received_.erase(0, end + 4);
        parse_head(head, out);
        if (head_only || out.status < 200 || out.status == 204) return out;
        if (out.header("transfer-encoding") == "chunked") {
            if (!read_chunks(out.body)) out.status = 0;
        } else if (out.headers.contains("content-length")) {
            const std::size_t length = std::stoul(out.header("content-length"));
            while (received_.size() < length) {
                if (!receive()) return Answer();
            }
            out.body = received_.substr(0, length);
            received_.erase(0, length);
        } else {
            while (receive()) {
            }
            out.body = std::exchange(received_, {});
        }
        return out;
    }

    // Everything until the server closes.
    std::string read_to_end() {
        while (receive()) {
        }
        return std::exchange(received_, {});
    }
    // The server has closed, in order and with nothing more to say.
    bool at_end() { return received_.empty() && !receive() && last_ == 0; }

    bool receive() {
        std::array<char, 16384> bytes{};
        last_ = receive_some(bytes);
        if (last_ > 0) received_.append(bytes.data(), static_cast<std::size_t>(last_));
        return last_ > 0;
    }
    [[nodiscard]] const std::string& received() const { return received_; }

  protected:
    [[nodiscard]] int descriptor() const { return fd_; }

  private:
    virtual ssize_t send_some(std::string_view bytes) const {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    virtual ssize_t receive_some(std::span<char> into) const { return ::recv(fd_, into.data(), into.size(), 0); }

    static void parse_head(const std::string& head, Answer& out) {
        out.status = std::stoi(head.substr(head.find(' ') + 1, 3));
        std::size_t at = head.find("\r\n") + 2;
        while (at < head.size()) {
            const std::size_t end = head.find("\r\n", at);
            const std::string line = head.substr(at, end - at);
            const std::size_t colon = line.find(": ");
            std::string name = line.substr(0, colon);
            for (char& c : name) c = static_cast<char>(std::tolower(c));
            out.headers[name] = line.substr(colon + 2);
            at = end + 2;
        }
    }
    bool read_chunks(std::string& body) {
        for (;;) {
            std::size_t end = 0;
            while ((end = received_.find("\r\n")) == std::string::npos) {
                if (!receive()) return false;
            }
            const std::size_t size = std::stoul(received_.substr(0, end), nullptr, 16);
            while (received_.size() < end + 2 + size + 2) {
                if (!receive()) return false;
            }
            body += received_.substr(end + 2, size);
            received_.erase(0, end + 2 + size + 2);
            if (size == 0) return true;
        }
    }

    int fd_ = -1;
    bool connected_ = false;
    ssize_t last_ = 1;
    std::string received_;
};

// Opened once, waited for with a limit. For handlers that must be caught in the act.
class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return open_; });
    }
    [[nodiscard]] bool is_open() {
        const std::lock_guard lock(mutex_);
        return open_;
    }
    // For handlers: suspends without blocking the server's thread.
    Task<void> pass() {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (!is_open()) {
            timer.expires_after(std::chrono::milliseconds(1));
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

// Waits until `condition` holds, with a limit.
template <class Condition>
bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        ::poll(nullptr, 0, 1);
    }
    return true;
}

inline Handler answer_text(std::string text) {
    return [text = std::move(text)](Request&) -> Task<Response> { co_return Response::text(200, text); };
}

// A server on a port of the kernel's choice, quiet and with small timeouts unless told otherwise.
class TestServer {
  public:
    static ServerOptions quick() {
        ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.threads = 1;
        options.linger_timeout = std::chrono::milliseconds(500);
        options.access_log = false;
        return options;
    }

    explicit TestServer(ServerOptions options = quick()) : TestServer(std::move(options), routes()) {}
    TestServer(ServerOptions options, Router router)
        : server(std::make_unique<Server>(std::move(options), std::move(router), clock, random)) {
        const Status started = server->start();
        EXPECT_TRUE(started) << (started ? "" : started.error().message);
    }
    [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const {
        return server->listeners().at(listener).port;
    }

    // GET /hello; POST /echo answers the body; GET /items/:name the name.
    static Router routes() {
        Router router;
        router.add(Method::get, "/hello", answer_text("hello"));
        router.add(Method::post, "/echo",
                   [](Request& request) -> Task<Response> { co_return Response::text(200, request.body); });
        router.add(Method::get, "/items/:name", [](Request& request) -> Task<Response> {
            co_return Response::text(200, std::string(request.param("name")));
        });
        return router;
    }

    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<Server> server;
};

}  // namespace slipway::http::test
