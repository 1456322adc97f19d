// What all TLS connections made from one certificate share. Internal to this folder.
#pragma once

#include <memory>

#include "base/result.h"
#include "http/tls.h"

struct ssl_ctx_st;
struct bio_method_st;

namespace slipway::http {

// Immutable once made, used by all threads. Connections keep theirs alive: a new certificate does not disturb them.
class TlsContext {
  public:
    // Reads and checks both files. Errors name the file and the way out; nothing of a key is ever in them.
    // invalid_argument: missing, not PEM, a key with a passphrase, a key of another certificate, too weak;
    // forbidden: others may read or change the key.
    static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);

    [[nodiscard]] const Certificate& certificate() const { return certificate_; }
    [[nodiscard]] ssl_ctx_st* native() const { return context_.get(); }
    [[nodiscard]] bio_method_st* socket_method() const { return socket_method_.get(); }

  private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
        void operator()(bio_method_st* method) const;
    };
    TlsContext() = default;

    std::unique_ptr<ssl_ctx_st, Free> context_;
    std::unique_ptr<bio_method_st, Free> socket_method_;
    Certificate certificate_;
};

}  // namespace slipway::http
