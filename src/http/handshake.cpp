// The part of Connection that is there under TLS only.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

#include "base/log.h"
#include "http/connection.h"

namespace slipway::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr char kHandshakeRecord = 0x16;  // the first byte of everything that a TLS client may begin with

}  // namespace

// An interruption (the watchdog, a stop) may come between two waits, where there is nothing to cancel.
bool Connection::must_end_wait() const {
    const bool stops = phase_ == Phase::idle || phase_ == Phase::handshake;
    return expired_ || broken_ || (stops && core_.stopping.load(std::memory_order_relaxed));
}

Task<bool> Connection::wait_for_socket(error_code& error) {
    error = {};
    co_await socket_.async_wait(tls_->wanted(), asio::redirect_error(asio::use_awaitable, error));
    if (!error && must_end_wait()) error = asio::error::operation_aborted;
    co_return !error;
}

Task<std::size_t> Connection::read_tls(std::span<char> into, error_code& error) {
    for (;;) {
        const std::size_t count = tls_->read_some(into, error);
        if (error != asio::error::would_block || !(co_await wait_for_socket(error))) co_return count;
    }
}

Task<std::size_t> Connection::write_tls(std::string_view bytes, error_code& error) {
    for (;;) {
        const std::size_t count = tls_->write_some(bytes, error);
        if (error != asio::error::would_block) co_return count;
        if (count > 0) {
            error = {};
            co_return count;
        }
        if (!(co_await wait_for_socket(error))) co_return 0;
    }
}

// False: the connection is over, but for what stands in out_.
Task<bool> Connection::handshake() {
    phase_ = Phase::handshake;
    expired_ = false;
    deadline_ = std::chrono::steady_clock::now() + core_.options.header_timeout;
    error_code error = asio::error::operation_aborted;
    if (!must_end_wait() && co_await first_byte_is_tls()) {
        error = tls_->handshake();
        while (error == asio::error::would_block && co_await wait_for_socket(error)) error = tls_->handshake();
    }
    phase_ = Phase::busy;
    deadline_ = SteadyTime::max();
    co_return error ? give_up_handshake(error) : true;
}

// Looks at it without taking it away. A client that speaks plain HTTP is told so in plain HTTP.
Task<bool> Connection::first_byte_is_tls() {
    error_code error;
    if (!(co_await wait_for_socket(error))) co_return false;
    char first = 0;
    if (::recv(socket_.native_handle(), &first, 1, MSG_PEEK) != 1) co_return false;
    if (first == kHandshakeRecord) co_return true;
    if (first >= 'A' && first <= 'Z') {
        tls_.reset();
        reject_unread({400, "this port speaks https: use https:// in the URL"});
    }
    co_return false;
}

bool Connection::give_up_handshake(const error_code& error) {
    core_.failed_handshakes.fetch_add(1, std::memory_order_relaxed);
    const bool told = tls_ != nullptr && error != asio::error::eof && error != asio::error::operation_aborted;
    std::string_view why = "the client speaks no TLS or left";
    if (expired_) why = "it did not end in time";
    if (told) {
        why = tls_->failure();
        close_ = true;  // the client is given the time to read the alert
    }
    log::debug("http", "a TLS handshake failed", {{"peer", request_.peer}, {"why", std::string(why)}});
    return false;
}

}  // namespace slipway::http
