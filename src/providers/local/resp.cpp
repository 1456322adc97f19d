#include "providers/local/resp.h"

#include <charconv>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace slipway::local {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxReply = 64 * 1024;

Secret encode(const std::vector<Command>& commands) {
    std::string wire;
    std::size_t size = 0;
    for (const Command& each : commands) {
        for (const Secret& word : each) size += word.reveal().size() + 32;
    }
    // One allocation: growing would leave copies of secrets behind.
    wire.reserve(size + commands.size() * 16);
    for (const Command& each : commands) {
        wire += fmt::format("*{}\r\n", each.size());
        for (const Secret& word : each) {
            wire += fmt::format("${}\r\n", word.reveal().size());
            wire += word.reveal();
            wire += "\r\n";
        }
    }
    return Secret(std::move(wire));
}

// Takes replies out of what has come in so far.
class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}
    // Empty where the reply is not whole yet.
    std::optional<std::string> next(int depth = 0) {
        const std::size_t end = text_.find("\r\n", at_);
        if (end == std::string_view::npos || end == at_ || depth > 2) return std::nullopt;
        const std::string_view line = text_.substr(at_, end - at_);
        at_ = end + 2;
        if (line.front() != '$' && line.front() != '*') return std::string(line);
        std::int64_t count = 0;
        std::from_chars(line.data() + 1, line.data() + line.size(), count);
        if (count < 0) return std::string(1, line.front());
        return line.front() == '$' ? bulk(static_cast<std::size_t>(count)) : array(count, depth);
    }

  private:
    std::optional<std::string> bulk(std::size_t size) {
        if (size > kMaxReply || text_.size() < at_ + size + 2) return std::nullopt;
        std::string text = "$" + std::string(text_.substr(at_, size));
        at_ += size + 2;
        return text;
    }
    std::optional<std::string> array(std::int64_t count, int depth) {
        std::string text = "*";
        for (std::int64_t i = 0; i < count; ++i) {
            const std::optional<std::string> element = next(depth + 1);
            if (!element) return std::nullopt;
            text += "\n" + element->substr(element->front() == '$' ? 1 : 0);
        }
        return text;
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<std::string> replies_in(std::string_view text, std::size_t wanted) {
    std::vector<std::string> replies;
    Parser parser(text);
    while (replies.size() < wanted) {
        std::optional<std::string> reply = parser.next();
        if (!reply) break;
        replies.push_back(std::move(*reply));
    }
    return replies;
}

Command command(std::initializer_list<std::string_view> words) {
    Command made;
    for (const std::string_view word : words) made.emplace_back(std::string(word));
    return made;
}

Task<std::expected<std::vector<std::string>, NoReply>> exchange(std::string address, std::uint16_t port,
                                                                std::vector<Command> commands, Deadline deadline) {
    const auto executor = co_await asio::this_coro::executor;
    boost::system::error_code bad;
    const asio::ip::address parsed = asio::ip::make_address(address, bad);
    if (bad) co_return std::unexpected(NoReply::refused);
    const auto socket = std::make_shared<asio::ip::tcp::socket>(executor);
    asio::steady_timer timer(executor, deadline.at());
    timer.async_wait([socket](auto error) {
        boost::system::error_code ignored;
        if (!error) socket->close(ignored);
    });
    const auto connected = co_await socket->async_connect({parsed, port}, kAwait);
    if (std::get<0>(connected)) {
        timer.cancel();
        const bool refused = std::get<0>(connected) == asio::error::connection_refused;
        co_return std::unexpected(refused ? NoReply::refused : NoReply::silent);
    }
    const Secret wire = encode(commands);
    const auto sent = co_await asio::async_write(*socket, asio::buffer(wire.reveal()), kAwait);
    std::string received;
    std::vector<std::string> replies;
    bool open = !std::get<0>(sent);
    while (open && replies.size() < commands.size() && received.size() < kMaxReply * 2) {
        std::array<char, 4096> chunk{};
        const auto got = co_await socket->async_read_some(asio::buffer(chunk), kAwait);
        received.append(chunk.data(), std::get<1>(got));
        open = !std::get<0>(got);
        replies = replies_in(received, commands.size());
    }
    timer.cancel();
    boost::system::error_code ignored;
    socket->close(ignored);
    // An engine that is full says so in one line and closes: that line is an answer, too.
    if (replies.empty()) co_return std::unexpected(NoReply::silent);
    replies.resize(commands.size(), replies.back());
    co_return replies;
}

}  // namespace slipway::local
