#include "providers/sql/server_tls.h"

#include <array>
#include <memory>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/freed_by.h"

namespace slipway::sql {
namespace {

using Bio = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreedBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;

constexpr std::array<std::pair<TlsMode, std::string_view>, 3> kModes{
    {{TlsMode::off, "off"}, {TlsMode::allow, "allow"}, {TlsMode::require, "require"}}};

// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*unused*/) { return -1; }

Bio bio_over(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string digest_of(X509* certificate, const EVP_MD* digest) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (X509_digest(certificate, digest, bytes.data(), &size) != 1) return {};
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
    return hex;
}

// As PostgreSQL does it for tls-server-end-point.
bool names_a_digest(X509* certificate) {
    int digest = NID_undef;
    return OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, nullptr) == 1 && digest != NID_undef;
}

std::unexpected<Error> wrong(std::string message) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, std::move(message));
}

}  // namespace

std::string_view to_string(TlsMode mode) {
    for (const auto& [each, word] : kModes) {
        if (each == mode) return word;
    }
    return "off";
}

std::optional<TlsMode> parse_tls_mode(std::string_view text) {
    for (const auto& [each, word] : kModes) {
        if (word == text) return each;
    }
    return std::nullopt;
}

Result<ServerTls> make_server_tls(TlsMode mode, std::string certificate, Secret key) {
    const X509Ptr own(PEM_read_bio_X509(bio_over(certificate).get(), nullptr, no_passphrase, nullptr));
    if (!own) return wrong("it holds no certificate in PEM");
    const KeyPtr private_key(
        PEM_read_bio_PrivateKey(bio_over(key.reveal()).get(), nullptr, no_passphrase, nullptr));
    if (!private_key) return wrong("the key is no private key in PEM without a passphrase");
    if (X509_check_private_key(own.get(), private_key.get()) != 1) {
        return wrong("the key is not that of the first certificate");
    }
    if (!names_a_digest(own.get())) {
        return wrong(
            fmt::format("it is signed with {}, which names no digest: logins of PostgreSQL cannot be bound "
                        "to it; have one issued that is signed with RSA or ECDSA and SHA-256 or more",
                        OBJ_nid2ln(X509_get_signature_nid(own.get()))));
    }
    ServerTls made{mode, std::move(certificate), std::move(key), {}};
    made.pin = {digest_of(own.get(), EVP_sha1()), digest_of(own.get(), EVP_sha256())};
    return made;
}

}  // namespace slipway::sql
