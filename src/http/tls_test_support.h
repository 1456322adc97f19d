// For tests: a TLS client of raw bytes, and a server with a certificate to point it at.
#pragma once

#include <csignal>
#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/certificate_test_support.h"
#include "http/test_client.h"

namespace slipway::http::test {

struct TlsWish {
    int min_version = 0;
    int max_version = 0;
    std::string protocols = {};  // ALPN, as on the wire: "\x08http/1.1"
    std::string ciphers = {};    // of TLS 1.2
    SSL_SESSION* session = nullptr;
};

class TlsClient final : public RawClient {
  public:
    // Trusts `authority` alone. Without a handshake: shake() makes it.
    TlsClient(std::uint16_t port, const std::string& authority, const TlsWish& wish = {})
        : RawClient(port), context_(SSL_CTX_new(TLS_client_method())) {
        const std::unique_ptr<BIO, FreedBy<BIO_free>> bio(
            BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size())));
        const TestX509 root(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), root.get());
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        // Otherwise the library would not even offer what the server is to refuse.
        SSL_CTX_set_security_level(context_.get(), 0);
        SSL_CTX_set_min_proto_version(context_.get(), wish.min_version);
        SSL_CTX_set_max_proto_version(context_.get(), wish.max_version);
        if (!wish.ciphers.empty()) SSL_CTX_set_cipher_list(context_.get(), wish.ciphers.c_str());
        session_.reset(SSL_new(context_.get()));
        SSL_set_tlsext_host_name(session_.get(), "localhost");
        SSL_set1_host(session_.get(), "localhost");
        if (!wish.protocols.empty()) {
            SSL_set_alpn_protos(session_.get(), reinterpret_cast<const unsigned char*>(wish.protocols.data()),
                                static_cast<unsigned>(wish.protocols.size()));
        }
        if (wish.session != nullptr) SSL_set_session(session_.get(), wish.session);
        SSL_set_fd(session_.get(), descriptor());
        // OpenSSL's own socket calls know no MSG_NOSIGNAL.
        std::signal(SIGPIPE, SIG_IGN);
    }

    // "" or why it failed.
    std::string shake() {
        ERR_clear_error();
        if (SSL_connect(session_.get()) == 1) return {};
        const char* reason = ERR_reason_error_string(ERR_peek_error());
        return reason == nullptr ? "closed" : reason;
    }
    [[nodiscard]] ssl_st* session() const { return session_.get(); }
    // The certificate that the server showed.
    [[nodiscard]] std::string shown() const {
        const TestX509 peer(SSL_get1_peer_certificate(session_.get()));
        const std::unique_ptr<BIO, FreedBy<BIO_free>> bio(BIO_new(BIO_s_mem()));
        if (!peer || PEM_write_bio_X509(bio.get(), peer.get()) != 1) return {};
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }
    void close_notify() const { SSL_shutdown(session_.get()); }
    // The server has said that nothing more comes, which an attacker who cuts the connection cannot say.
    [[nodiscard]] bool told_of_the_end() const {
        return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }

  private:
    ssize_t send_some(std::string_view bytes) const override {
        return SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
    }
    ssize_t receive_some(std::span<char> into) const override {
        return SSL_read(session_.get(), into.data(), static_cast<int>(into.size()));
    }

    std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>> context_;
    std::unique_ptr<SSL, FreedBy<SSL_free>> session_;
};

// A TestServer that speaks TLS with a certificate of its own authority.
class TlsServer {
  public:
    explicit TlsServer(ServerOptions options = TestServer::quick(), const CertificateWish& wish = {})
        : TlsServer(std::move(options), TestServer::routes(), wish) {}
    TlsServer(ServerOptions options, Router router, const CertificateWish& wish = {}) {
        pair = authority.issue(wish);
        folder.write(pair);
        options.tls = TlsFiles{folder.certificate(), folder.key()};
        plain.emplace(std::move(options), std::move(router));
    }

    [[nodiscard]] std::uint16_t port() const { return plain->port(); }
    [[nodiscard]] Server& server() const { return *plain->server; }
    [[nodiscard]] std::unique_ptr<TlsClient> client(const TlsWish& wish = {}) const {
        return std::make_unique<TlsClient>(port(), authority.certificate(), wish);
    }
    // One that has shaken hands.
    [[nodiscard]] std::unique_ptr<TlsClient> connected() const {
        auto made = client();
        EXPECT_EQ(made->shake(), "");
        return made;
    }

    TestAuthority authority;
    IssuedPair pair;
    PemFolder folder;
    std::optional<TestServer> plain;
};

}  // namespace slipway::http::test
