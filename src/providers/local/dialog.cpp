#include "providers/local/dialog.h"

#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace slipway::local {

namespace asio = boost::asio;

namespace {
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
}  // namespace

Task<std::expected<Dialog, NoReply>> Dialog::open(std::string address, std::uint16_t port, Deadline deadline) {
    const auto executor = co_await asio::this_coro::executor;
    boost::system::error_code bad;
    const asio::ip::address parsed = asio::ip::make_address(address, bad);
    if (bad) co_return std::unexpected(NoReply::refused);
    const auto socket = std::make_shared<Socket>(executor);
    auto limit = std::make_unique<asio::steady_timer>(executor, deadline.at());
    limit->async_wait([socket](auto error) {
        boost::system::error_code ignored;
        if (!error) socket->close(ignored);
    });
    Dialog dialog(socket, std::move(limit));
    const auto connected = co_await socket->async_connect({parsed, port}, kAwait);
    if (std::get<0>(connected)) {
        const bool refused = std::get<0>(connected) == asio::error::connection_refused;
        co_return std::unexpected(refused ? NoReply::refused : NoReply::silent);
    }
    co_return std::move(dialog);
}

// The timer's handler may be on its way already: it keeps the socket, and closes it a second time.
Dialog::~Dialog() {
    if (limit_) limit_->cancel();
    boost::system::error_code ignored;
    if (socket_) socket_->close(ignored);
}

Task<bool> Dialog::send(std::string_view bytes) {
    const auto sent = co_await asio::async_write(*socket_, asio::buffer(bytes), kAwait);
    co_return !std::get<0>(sent);
}

Task<bool> Dialog::receive(std::string& received) {
    std::array<char, 4096> chunk{};
    const auto got = co_await socket_->async_read_some(asio::buffer(chunk), kAwait);
    received.append(chunk.data(), std::get<1>(got));
    co_return !std::get<0>(got);
}

}  // namespace slipway::local
