#include "http/tls_context.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/freed_by.h"
#include "base/secret.h"
#include "http/socket.h"

namespace slipway::http {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 1024UL * 1024;
// Forward secrecy and authenticated encryption only, for TLS 1.2; all of TLS 1.3 is so.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr std::array<unsigned char, 9> kProtocol{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

using Bio = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreedBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;

std::unexpected<Error> wrong(const fs::path& file, std::string_view what,
                             ErrorCode code = ErrorCode::invalid_argument) {
    return fail(code, fmt::format("{}: {}", file.string(), what));
}

std::string last_reason() {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason == nullptr ? "unknown reason" : reason;
}

// ---- Files

class Descriptor {
  public:
    explicit Descriptor(const fs::path& file) : number_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int number() const { return number_; }

  private:
    int number_;
};

// Symbolic links are followed: what renews certificates often points by them.
Result<Secret> read_file(const fs::path& file, Status (*check)(const fs::path&, const struct stat&)) {
    const Descriptor opened(file);
    if (opened.number() < 0) return wrong(file, fmt::format("cannot be opened: {}", std::strerror(errno)));
    struct stat facts{};
    if (::fstat(opened.number(), &facts) != 0 || !S_ISREG(facts.st_mode)) return wrong(file, "is no file");
    if (check != nullptr) {
        if (Status good = check(file, facts); !good) return fail(std::move(good.error()));
    }
    std::string text(kMaxFile + 1, '\0');
    std::size_t size = 0;
    for (;;) {
        const ssize_t count = ::read(opened.number(), text.data() + size, text.size() - size);
        if (count < 0) return wrong(file, fmt::format("cannot be read: {}", std::strerror(errno)));
        size += static_cast<std::size_t>(count);
        if (count == 0 || size == text.size()) break;
    }
    if (size > kMaxFile) return wrong(file, fmt::format("is larger than {} bytes", kMaxFile));
    text.resize(size);
    return Secret(std::move(text));
}

// The owner's alone; or root's, and then the server's group may read it.
Status check_key_file(const fs::path& file, const struct stat& facts) {
    const unsigned mode = facts.st_mode & 07777U;
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
        return wrong(file,
                     fmt::format("belongs to uid {}: it must belong to root or to the server's user (uid {})",
                                 facts.st_uid, ::geteuid()),
                     ErrorCode::forbidden);
    }
    const unsigned allowed = facts.st_uid == 0 ? 0740U : 0700U;
    if ((mode & 0777U & ~allowed) == 0) return {};
    return wrong(file,
                 fmt::format("has mode {:04o}, so that others may read or change the key: make it 0600 (or 0640, "
                             "where it belongs to root and to a group of the server's), and replace the key if "
                             "others may have read it",
                             mode),
                 ErrorCode::forbidden);
}

// ---- PEM

// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
    if (asked != nullptr) *static_cast<bool*>(asked) = true;
    return -1;
}

Bio bio_over(const Secret& text) {
    return Bio(BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.reveal().size())));
}

Result<std::vector<X509Ptr>> read_chain(const fs::path& file) {
    const Result<Secret> text = read_file(file, nullptr);
    if (!text) return fail(text.error());
    const Bio bio = bio_over(*text);
    std::vector<X509Ptr> chain;
    ERR_clear_error();
    while (X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
        chain.push_back(std::move(next));
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const std::string reason = last_reason();
    ERR_clear_error();
    if (!at_end) return wrong(file, fmt::format("holds a certificate that cannot be read: {}", reason));
    if (!chain.empty()) return chain;
    if (text->reveal().contains("PRIVATE KEY-----")) {
        return wrong(file, "holds a private key and no certificate: were the two files swapped?");
    }
    return wrong(file, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
}

Result<KeyPtr> read_key(const fs::path& file) {
    const Result<Secret> text = read_file(file, check_key_file);
    if (!text) return fail(text.error());
    const Bio bio = bio_over(*text);
    bool encrypted = false;
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted));
    ERR_clear_error();
    if (key) return key;
    if (encrypted) {
        return wrong(file,
                     "has a passphrase, which a server cannot be asked for: write the key without one "
                     "(openssl pkey -in KEY -out NEW_KEY)");
    }
    if (text->reveal().contains("-----BEGIN CERTIFICATE-----")) {
        return wrong(file, "holds a certificate and no private key: were the two files swapped?");
    }
    return wrong(file, "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)");
}

// ---- Facts

TimePoint time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::seconds(::timegm(&parts))));
}

std::string name_of(const GENERAL_NAME* name) {
    if (name->type == GEN_DNS) {
        const ASN1_IA5STRING* text = name->d.dNSName;
        return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                static_cast<std::size_t>(ASN1_STRING_length(text))};
    }
    if (name->type != GEN_IPADD) return {};
    const ASN1_OCTET_STRING* bytes = name->d.iPAddress;
    const unsigned char* data = ASN1_STRING_get0_data(bytes);
    if (ASN1_STRING_length(bytes) == 4) {
        return boost::asio::ip::address_v4({data[0], data[1], data[2], data[3]}).to_string();
    }
    if (ASN1_STRING_length(bytes) != 16) return {};
    boost::asio::ip::address_v6::bytes_type v6{};
    std::copy_n(data, v6.size(), v6.begin());
    return boost::asio::ip::address_v6(v6).to_string();
}

Certificate facts_of(X509* certificate) {
    Certificate facts;
    facts.not_before = time_of(X509_get0_notBefore(certificate));
    facts.not_after = time_of(X509_get0_notAfter(certificate));
    const std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
        std::string name = name_of(sk_GENERAL_NAME_value(names.get(), i));
        if (!name.empty()) facts.names.push_back(std::move(name));
    }
    return facts;
}

// ---- The socket under OpenSSL

int write_socket(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    auto* socket = static_cast<Socket*>(BIO_get_data(bio));
    const ssize_t sent =
        ::send(socket->native_handle(), data, static_cast<std::size_t>(std::max(size, 0)), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int read_socket(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    auto* socket = static_cast<Socket*>(BIO_get_data(bio));
    const ssize_t count = ::recv(socket->native_handle(), into, static_cast<std::size_t>(std::max(size, 0)), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return static_cast<int>(count);
}

long control_socket(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bio_method_st* make_socket_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket of a connection");
    if (method == nullptr) return nullptr;
    BIO_meth_set_write(method, write_socket);
    BIO_meth_set_read(method, read_socket);
    BIO_meth_set_ctrl(method, control_socket);
    return method;
}

// ---- Settings

// A client that names protocols and not ours expects something else here.
int choose_protocol(SSL* /*session*/, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* /*unused*/) {
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, size, kProtocol.data(), kProtocol.size(), offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool configure(SSL_CTX* context) {
    std::string groups(kGroups);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // One call to the kernel for a record instead of two: one for its length, one for the rest.
    SSL_CTX_set_read_ahead(context, 1);
    // Sessions live in tickets at the clients; nothing is kept here.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, kCiphers) == 1 && SSL_CTX_set1_groups_list(context, groups.data()) == 1;
}

Status use_pair(SSL_CTX* context, const TlsFiles& files, std::vector<X509Ptr>& chain, EVP_PKEY* key) {
    ERR_clear_error();
    X509* own = chain.front().get();
    if (X509_check_private_key(own, key) != 1) {
        return wrong(files.key,
                     fmt::format("is not the key of the first certificate in {}: name a pair that belongs together "
                                 "(in the chain, the server's own certificate comes first)",
                                 files.certificate.string()));
    }
    if (SSL_CTX_use_certificate(context, own) != 1) {
        return wrong(files.certificate, fmt::format("cannot be used: {}", last_reason()));
    }
    if (SSL_CTX_use_PrivateKey(context, key) != 1) {
        return wrong(files.key, fmt::format("cannot be used: {}", last_reason()));
    }
    for (std::size_t i = 1; i < chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
            return wrong(files.certificate,
                         fmt::format("certificate {} of the chain cannot be used: {}", i + 1, last_reason()));
        }
    }
    return {};
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsContext::Free::operator()(bio_method_st* method) const { BIO_meth_free(method); }

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
    auto chain = read_chain(files.certificate);
    if (!chain) return fail(std::move(chain.error()));
    const auto key = read_key(files.key);
    if (!key) return fail(key.error());
    std::shared_ptr<TlsContext> made(new TlsContext());
    made->context_.reset(SSL_CTX_new(TLS_server_method()));
    made->socket_method_.reset(make_socket_method());
    if (!made->context_ || !made->socket_method_ || !configure(made->context_.get())) {
        return fail(ErrorCode::internal, "TLS cannot be set up", last_reason());
    }
    if (Status used = use_pair(made->context_.get(), files, *chain, key->get()); !used) {
        ERR_clear_error();
        return fail(std::move(used.error()));
    }
    made->certificate_ = facts_of(chain->front().get());
    return made;
}

Status check_tls(const TlsFiles& files) {
    const auto loaded = TlsContext::load(files);
    return loaded ? Status() : Status(fail(loaded.error()));
}

Result<Certificate> read_certificate(const fs::path& file) {
    const auto chain = read_chain(file);
    if (!chain) return fail(chain.error());
    return facts_of(chain->front().get());
}

}  // namespace slipway::http
