#include "http/tls_session.h"

#include <algorithm>
#include <limits>

#include <boost/asio/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace slipway::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

int size_for_openssl(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* session) const { SSL_free(session); }

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, Socket& socket)
    : context_(std::move(context)), session_(SSL_new(context_->native())) {
    BIO* bio = session_ ? BIO_new(context_->socket_method()) : nullptr;
    if (bio == nullptr) {
        session_.reset();
        failure_ = "out of memory";
        return;
    }
    // The socket, not its number: a number could be another connection's after a close.
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(session_.get(), bio, bio);
    SSL_set_accept_state(session_.get());
}

// What a call that did not succeed means. Reads the thread's error queue, which the caller has emptied before.
error_code TlsSession::outcome(int result) {
    switch (SSL_get_error(session_.get(), result)) {
        case SSL_ERROR_WANT_READ: wanted_ = Socket::wait_read; return asio::error::would_block;
        case SSL_ERROR_WANT_WRITE: wanted_ = Socket::wait_write; return asio::error::would_block;
        case SSL_ERROR_ZERO_RETURN:
        case SSL_ERROR_SYSCALL: failure_ = "the client closed the connection"; return asio::error::eof;
        default: break;
    }
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    failure_ = reason == nullptr ? "unknown" : reason;
    return asio::error::connection_aborted;
}

error_code TlsSession::handshake() {
    if (!session_) return asio::error::no_memory;
    ERR_clear_error();
    const int result = SSL_do_handshake(session_.get());
    if (result != 1) return outcome(result);
    established_ = true;
    return {};
}

std::size_t TlsSession::read_some(std::span<char> into, error_code& error) {
    ERR_clear_error();
    const int count = SSL_read(session_.get(), into.data(), size_for_openssl(into.size()));
    error = count > 0 ? error_code() : outcome(count);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t TlsSession::write_some(std::string_view bytes, error_code& error) {
    std::size_t sent = 0;
    error = {};
    while (!error && sent < bytes.size()) {
        ERR_clear_error();
        const int count = SSL_write(session_.get(), bytes.data() + sent, size_for_openssl(bytes.size() - sent));
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
        } else {
            error = outcome(count);
        }
    }
    return sent;
}

void TlsSession::close() {
    if (!established_ || !failure_.empty()) return;
    ERR_clear_error();
    SSL_shutdown(session_.get());
}

}  // namespace slipway::http
