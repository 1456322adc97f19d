#include "net/trust.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace slipway::net {

namespace ssl = boost::asio::ssl;

Trust::Trust() : context_(std::make_unique<ssl::context>(ssl::context::tls_client)) {}
Trust::~Trust() = default;

Result<std::shared_ptr<const Trust>> Trust::load(const std::filesystem::path& ca_file) {
    std::shared_ptr<Trust> made(new Trust());
    boost::system::error_code why;
    if (SSL_CTX_set_min_proto_version(made->context_->native_handle(), TLS1_2_VERSION) != 1) {
        return fail(ErrorCode::internal, "TLS cannot be set up");
    }
    if (ca_file.empty()) {
        made->context_->set_default_verify_paths(why);
        if (why)
            return fail(ErrorCode::unavailable,
                        "the machine's certificate authorities cannot be read: " + why.message());
        return made;
    }
    std::error_code missing;
    if (!std::filesystem::is_regular_file(ca_file, missing)) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{}: {}", ca_file.string(), missing ? missing.message() : "is no file"));
    }
    made->context_->load_verify_file(ca_file.string(), why);
    if (!why) return made;
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: holds no certificate in PEM (-----BEGIN CERTIFICATE-----) that can be read: {}",
                            ca_file.string(), why.message()));
}

bool Trust::demand(ssl_st* session, const std::string& host) {
    SSL_set_verify(session, SSL_VERIFY_PEER, nullptr);
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
    std::string name = host;  // the macro wants it writable
    return SSL_set_tlsext_host_name(session, name.data()) == 1 && SSL_set1_host(session, host.c_str()) == 1;
}

std::string Trust::complaint(const ssl_st* session) {
    const long result = SSL_get_verify_result(session);
    return result == X509_V_OK ? std::string() : std::string(X509_verify_cert_error_string(result));
}

}  // namespace slipway::net
