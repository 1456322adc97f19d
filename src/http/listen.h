// Listening sockets. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"

namespace slipway::http {

// "127.0.0.1:80", "[::1]:80". Only numbers: a name that resolves to something else tomorrow is no listen address.
Result<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);

std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

Result<Acceptor> listen_on(boost::asio::io_context& context, std::string_view address);

}  // namespace slipway::http
