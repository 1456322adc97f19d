// For tests: certificates made on the spot, of an authority that nobody else trusts.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/freed_by.h"
#include "base/secret.h"
#include "base/temporary_directory_test_support.h"

namespace slipway::http::test {

using TestKey = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using TestX509 = std::unique_ptr<X509, FreedBy<X509_free>>;

struct CertificateWish {
    std::string names = "DNS:localhost,IP:127.0.0.1";
    std::chrono::seconds begins = std::chrono::hours(-1);  // from now
    std::chrono::seconds ends = std::chrono::days(90);
    std::string common_name = "server";
};

// A certificate and its key, as PEM.
struct IssuedPair {
    std::string certificate;
    Secret key;
};

// Signs certificates. Each has keys of its own.
class TestAuthority {
  public:
    TestAuthority() : key_(make_key()) {
        certificate_ = make({.names = "", .common_name = "authority"}, key_.get());
        extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
        extend(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
        sign(certificate_.get());
    }

    [[nodiscard]] std::string certificate() const { return pem(certificate_.get()); }

    [[nodiscard]] IssuedPair issue(const CertificateWish& wish = {}) const {
        const TestKey key = make_key();
        const TestX509 made = make(wish, key.get());
        if (!wish.names.empty()) extend(made.get(), NID_subject_alt_name, wish.names.c_str());
        sign(made.get());
        return {pem(made.get()), key_pem(key.get())};
    }

    static TestKey make_key() { return TestKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")); }

    static Secret key_pem(EVP_PKEY* key, const char* passphrase = nullptr) {
        const std::unique_ptr<BIO, FreedBy<BIO_free>> bio(BIO_new(BIO_s_mem()));
        const EVP_CIPHER* cipher = passphrase == nullptr ? nullptr : EVP_aes_256_cbc();
        const int length = passphrase == nullptr ? 0 : static_cast<int>(std::string_view(passphrase).size());
        must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, passphrase, length, nullptr, nullptr));
        return Secret(text_of(bio.get()));
    }

  private:
    static void must(int done) {
        if (done <= 0) throw std::runtime_error("OpenSSL could not do what a test asked for");
    }
    static std::string text_of(BIO* bio) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio, &data);
        return {data, static_cast<std::size_t>(size)};
    }
    static std::string pem(X509* certificate) {
        const std::unique_ptr<BIO, FreedBy<BIO_free>> bio(BIO_new(BIO_s_mem()));
        must(PEM_write_bio_X509(bio.get(), certificate));
        return text_of(bio.get());
    }

    [[nodiscard]] TestX509 make(const CertificateWish& wish, EVP_PKEY* key) const {
        TestX509 made(X509_new());
        must(X509_set_version(made.get(), X509_VERSION_3));
        static std::atomic<long> serial = 1;
        must(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++));
        X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.begins.count());
        X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.ends.count());
        must(X509_set_pubkey(made.get(), key));
        X509_NAME* name = X509_get_subject_name(made.get());
        const auto* text = reinterpret_cast<const unsigned char*>(wish.common_name.c_str());
        must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0));
        must(X509_set_issuer_name(made.get(), certificate_ ? X509_get_subject_name(certificate_.get()) : name));
        return made;
    }
    void extend(X509* certificate, int what, const char* value) const {
        X509V3_CTX context{};
        X509V3_set_ctx(&context, certificate_ ? certificate_.get() : certificate, certificate, nullptr, nullptr, 0);
        const std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>> extension(
            X509V3_EXT_conf_nid(nullptr, &context, what, value));
        must(X509_add_ext(certificate, extension.get(), -1));
    }
    void sign(X509* certificate) const { must(X509_sign(certificate, key_.get(), EVP_sha256())); }

    TestKey key_;
    TestX509 certificate_;
};

// A directory of its own for PEM files; gone with it.
class PemFolder {
  public:
    std::filesystem::path write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        const std::filesystem::path file = path_ / name;
        std::ofstream(file, std::ios::trunc) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }
    // As cert.pem and key.pem.
    void write(const IssuedPair& pair) const {
        write("cert.pem", pair.certificate, 0644);
        write("key.pem", pair.key.reveal());
    }
    [[nodiscard]] std::filesystem::path certificate() const { return path_ / "cert.pem"; }
    [[nodiscard]] std::filesystem::path key() const { return path_ / "key.pem"; }

  private:
    TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path();
};

}  // namespace slipway::http::test
