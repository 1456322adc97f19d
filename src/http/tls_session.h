// TLS over one non-blocking socket, from the server's side. Internal to this folder.
//
// OpenSSL reads and writes the socket itself. Asio's own stream would put two buffers and a pair of copies between
// them, and its synchronous write loses bytes when the socket takes only a part of them, which is just how answers
// leave here (Connection::write_now).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "http/socket.h"
#include "http/tls_context.h"

struct ssl_st;

namespace slipway::http {

class TlsSession {
  public:
    // `socket` must be non-blocking and outlive it; once it is closed everything here fails.
    TlsSession(std::shared_ptr<const TlsContext> context, Socket& socket);

    // Each does what it can at once. would_block: when the socket has waited for wanted(), call it again. eof: the
    // client has closed. Anything else is final, and failure() says why.
    boost::system::error_code handshake();
    std::size_t read_some(std::span<char> into, boost::system::error_code& error);
    // Until all is sent or the socket takes no more: then both a count and would_block. What was not counted must
    // come again, at the beginning of the next call.
    std::size_t write_some(std::string_view bytes, boost::system::error_code& error);
    // Tells the client that nothing more comes. Call it after all has been sent.
    void close();

    [[nodiscard]] Socket::wait_type wanted() const { return wanted_; }
    [[nodiscard]] const std::string& failure() const { return failure_; }

  private:
    struct Free {
        void operator()(ssl_st* session) const;
    };
    boost::system::error_code outcome(int result);

    std::shared_ptr<const TlsContext> context_;
    std::unique_ptr<ssl_st, Free> session_;
    Socket::wait_type wanted_ = Socket::wait_read;
    std::string failure_;
    bool established_ = false;
};

}  // namespace slipway::http
