#include "http/listen.h"

#include <charconv>

#include <boost/asio/ip/v6_only.hpp>
#include <fmt/format.h>

namespace slipway::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

std::unexpected<Error> failed(std::string_view address, const error_code& error) {
    ErrorCode code = ErrorCode::unavailable;
    std::string_view why;
    if (error == boost::asio::error::address_in_use) {
        code = ErrorCode::conflict;
        why = " (another program listens there)";
    } else if (error == boost::asio::error::access_denied) {
        code = ErrorCode::forbidden;
        why = " (ports below 1024 need CAP_NET_BIND_SERVICE)";
    }
    return fail(code, fmt::format("cannot listen on {}: {}{}", address, error.message(), why));
}

}  // namespace

Result<tcp::endpoint> parse_listen_address(std::string_view text) {
    const auto wrong = [text] {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("listen address \"{}\" must be ADDR:PORT or [IPV6]:PORT", text));
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return wrong();
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (brackets) host = host.substr(1, host.size() - 2);
    error_code error;
    const auto address = boost::asio::ip::make_address(std::string(host), error);
    if (error || address.is_v6() != brackets) return wrong();
    return tcp::endpoint(address, port);
}

std::string to_text(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

Result<Acceptor> listen_on(boost::asio::io_context& context, std::string_view address) {
    const auto endpoint = parse_listen_address(address);
    if (!endpoint) return fail(endpoint.error());
    Acceptor acceptor(context);
    error_code error;
    acceptor.open(endpoint->protocol(), error);
    if (error) return failed(address, error);
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint->address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(*endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) return failed(address, error);
    return acceptor;
}

}  // namespace slipway::http
