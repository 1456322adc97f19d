#include "load/line_client.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace slipway::bench {
namespace {

std::unexpected<Error> unavailable(std::string_view what) {
    return fail(ErrorCode::unavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

void pause_for(std::chrono::nanoseconds time) {
    const timespec limit{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
    ::ppoll(nullptr, 0, &limit, nullptr);
}

Result<LineClient> LineClient::connect(std::uint16_t port, std::chrono::nanoseconds limit) {
    constexpr auto kBetween = std::chrono::microseconds(50);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (socket.get() < 0) return unavailable("socket");
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            const int on = 1;
            ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const timeval longest{10, 0};
            ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
            return LineClient(std::move(socket));
        }
        if (std::chrono::steady_clock::now() > until) return unavailable(fmt::format("port {}", port));
        pause_for(kBetween);
    }
}

Status LineClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return unavailable("sending");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Status LineClient::receive() {
    std::array<char, 16UL * 1024> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) return fail(ErrorCode::unavailable, "the server hung up");
    if (got < 0) return unavailable("receiving");
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    return {};
}

Result<std::string> LineClient::line() {
    for (;;) {
        if (const std::size_t end = received_.find("\r\n"); end != std::string::npos) {
            std::string text = received_.substr(0, end);
            received_.erase(0, end + 2);
            return text;
        }
        if (Status got = receive(); !got) return fail(got.error());
    }
}

Result<LineClient::Reply> LineClient::http(std::string_view method, std::string_view path, std::string_view key,
                                           std::string_view body) {
    std::string request =
        fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n", method, path, body.size());
    if (!key.empty()) request += fmt::format("Authorization: Bearer {}\r\n", key);
    request.append("\r\n").append(body);
    if (Status sent = send(request); !sent) return fail(sent.error());
    for (;;) {
        auto answer = read_answer(received_, false);
        if (!answer) return fail(answer.error());
        if (*answer) {
            Reply reply{(*answer)->status, received_.substr((*answer)->head, (*answer)->body)};
            received_.erase(0, (*answer)->head + (*answer)->body);
            return reply;
        }
        if (Status got = receive(); !got) return fail(got.error());
    }
}

}  // namespace slipway::bench
