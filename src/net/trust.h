// Whose certificates an outgoing connection believes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

struct ssl_st;
namespace boost::asio::ssl {
class context;
}

namespace slipway::net {

// Immutable once made; any thread, any number of connections. There is no way to believe everybody.
class Trust {
  public:
    // "": the authorities of this machine (SSL_CERT_FILE, SSL_CERT_DIR, /etc/ssl/certs). Otherwise those in the PEM
    // file and no others. ErrorCode::invalid_argument names the file and what is wrong with it.
    static Result<std::shared_ptr<const Trust>> load(const std::filesystem::path& ca_file = {});
    ~Trust();
    Trust(const Trust&) = delete;
    Trust& operator=(const Trust&) = delete;

    // For the folder's own use: TLS 1.2 at least; and a connection that ends in the handshake unless the other side
    // shows a certificate that is believed, valid now, and made out to `host` (a name or an address).
    [[nodiscard]] boost::asio::ssl::context& context() const { return *context_; }
    static bool demand(ssl_st* session, const std::string& host);
    // Why the other side's certificate was not taken; "" where it was.
    static std::string complaint(const ssl_st* session);

  private:
    Trust();
    std::unique_ptr<boost::asio::ssl::context> context_;
};

}  // namespace slipway::net
