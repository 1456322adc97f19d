#include "providers/local/waiting.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slipway::local {

namespace asio = boost::asio;

namespace {
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// The error of binding; none where it worked.
boost::system::error_code try_bind(const std::string& address, std::uint16_t port) {
    boost::system::error_code error;
    const asio::ip::address parsed = asio::ip::make_address(address, error);
    if (error) return error;
    asio::io_context unused;
    asio::ip::tcp::socket socket(unused);
    const asio::ip::tcp::endpoint endpoint(parsed, port);
    socket.open(endpoint.protocol(), error);
    if (error) return error;
    // As the engine does, so that connections of an earlier one that linger do not count.
    socket.set_option(asio::socket_base::reuse_address(true), error);
    if (parsed.is_v6()) socket.set_option(asio::ip::v6_only(true), error);
    socket.bind(endpoint, error);
    return error;
}
}  // namespace

Task<bool> wait_exit(agent::Process process, Deadline deadline) {
    UniqueFd pidfd = agent::open_pidfd(process);
    if (!pidfd) co_return !agent::is_alive(process);
    const auto executor = co_await asio::this_coro::executor;
    const auto descriptor = std::make_shared<asio::posix::stream_descriptor>(executor, pidfd.release());
    asio::steady_timer timer(executor, deadline.at());
    timer.async_wait([descriptor](auto error) {
        boost::system::error_code ignored;
        if (!error) descriptor->cancel(ignored);
    });
    const auto waited = co_await descriptor->async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    timer.cancel();
    co_return !std::get<0>(waited);
}

bool port_is_free(const std::vector<std::string>& addresses, std::uint16_t port) {
    return std::ranges::none_of(addresses, [port](const std::string& address) {
        return try_bind(address, port) == asio::error::address_in_use;
    });
}

bool has_address(const std::string& address) { return !try_bind(address, 0); }

}  // namespace slipway::local
