// TLS of the database servers that are ours: what they are given, and how our own sessions know them by it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace slipway::sql {

enum class TlsMode : std::uint8_t {
    off,
    allow,    // to those who want it
    require,  // nobody comes in without it
};
std::string_view to_string(TlsMode mode);
std::optional<TlsMode> parse_tls_mode(std::string_view text);

// The certificate that a server has to show: the digests of its DER, in hexadecimal digits.
struct Pin {
    std::string sha1;
    std::string sha256;
    friend bool operator==(const Pin&, const Pin&) = default;
};

struct ServerTls {
    TlsMode mode = TlsMode::off;
    std::string certificate = {};  // PEM: the server's own first, then those that lead to the root
    Secret key = {};               // PEM
    Pin pin = {};                  // of the certificate

    [[nodiscard]] bool on() const { return mode != TlsMode::off; }
    // What our sessions have to see; none: they speak without TLS.
    [[nodiscard]] std::optional<Pin> expected() const { return on() ? std::optional(pin) : std::nullopt; }
};

// Errors: invalid_argument: no PEM, a key of another certificate, or a certificate that PostgreSQL's logins cannot
// be bound to (its signature names no digest, as with Ed25519). Nothing of the key is in them.
Result<ServerTls> make_server_tls(TlsMode mode, std::string certificate, Secret key);

// What those who start servers and those who log in to them share, and what a renewed certificate is put into. Used
// on one executor.
class TlsSource {
  public:
    explicit TlsSource(ServerTls now = {}) : now_(std::move(now)) {}
    [[nodiscard]] const ServerTls& now() const { return now_; }
    void renew(ServerTls now) { now_ = std::move(now); }

  private:
    ServerTls now_;
};
using SharedTls = std::shared_ptr<const TlsSource>;

// An SqlError's code where who answers does not show the certificate that it should, or speaks no TLS at all.
inline constexpr std::string_view kOtherCertificate = "certificate";

}  // namespace slipway::sql
