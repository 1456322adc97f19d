// TLS of database servers on this machine: who is let in, who is believed, and how a certificate is renewed.
#include <sys/stat.h>
#include <unistd.h>

#include "http/certificate_test_support.h"
#include "local_fixture.h"
#include "providers/sql/mysql_session.h"
#include "providers/sql/postgres_session.h"

namespace slipway::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using http::test::IssuedPair;
using http::test::TestAuthority;
using sql::TlsMode;

sql::ServerTls tls_of(const IssuedPair& pair, TlsMode mode) {
    auto made = sql::make_server_tls(mode, pair.certificate, pair.key);
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::move(*made) : sql::ServerTls();
}

// How a client comes: without TLS, with it, or with it and only to who shows this certificate.
enum class As : std::uint8_t { plain, encrypted, pinned };

class DatabaseTls : public LocalEngineTest, public ::testing::WithParamInterface<std::string> {
  protected:
    DatabaseTls() : LocalEngineTest(GetParam()) {}
    static bool is_postgres() { return GetParam() == "postgres"; }

    void use(const IssuedPair& pair, TlsMode mode) {
        source_ = std::make_shared<sql::TlsSource>(tls_of(pair, mode));
        subject_.use(source_);
    }
    Task<sql::Answer<sql::PostgresSession>> postgres(As as, std::string user, std::string_view password) {
        sql::PostgresLogin login{"127.0.0.1", port(), std::move(user), Secret(std::string(password)), "postgres"};
        if (as == As::encrypted) login.tls = "require";
        if (as == As::pinned) login.pin = pin_;
        return sql::PostgresSession::open(std::move(login), Deadline(10s));
    }
    Task<sql::Answer<sql::MysqlSession>> mariadb(As as, std::string user, std::string_view password) {
        sql::MysqlLogin login{"127.0.0.1", port(), std::move(user), Secret(std::string(password)), ""};
        login.tls = as == As::encrypted;
        if (as == As::pinned) login.pin = pin_;
        return sql::MysqlSession::open(std::move(login), Deadline(10s));
    }
    // The protocol that the session speaks ("" for none), or "error CODE".
    std::string spoken(As as, std::string user = "admin", std::string_view password = kTenantCanary) {
        const auto talk = [&]() -> Task<sql::Answer<sql::Rows>> {
            if (is_postgres()) {
                auto session = co_await postgres(as, user, password);
                if (!session) co_return std::unexpected(session.error());
                co_return co_await session->query(
                    "SELECT coalesce(version, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()", {},
                    Deadline(10s));
            }
            auto session = co_await mariadb(as, user, password);
            if (!session) co_return std::unexpected(session.error());
            co_return co_await session->query(
                "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_version'",
                {}, Deadline(10s));
        };
        const auto rows = subject_.run(talk());
        if (!rows) return "error " + rows.error().code;
        return rows->empty() ? "" : sql::text_of(rows->front(), 0);
    }
    std::string said_by_manager(const std::string& text) {
        const auto talk = [&]() -> Task<sql::Answer<sql::Rows>> {
            if (is_postgres()) {
                auto session = co_await postgres(As::encrypted, "slipway", kManagementCanary);
                if (!session) co_return std::unexpected(session.error());
                co_return co_await session->query(text, {}, Deadline(10s));
            }
            auto session = co_await mariadb(As::encrypted, "slipway", kManagementCanary);
            if (!session) co_return std::unexpected(session.error());
            co_return co_await session->query(text, {}, Deadline(10s));
        };
        const auto rows = subject_.run(talk());
        if (!rows) return "error " + rows.error().message;
        return rows->empty() ? "" : sql::text_of(rows->front(), 0);
    }
    std::string identity() { return subject_.identity("oct-1"); }

    const TestAuthority authority_;
    const IssuedPair first_ = authority_.issue();
    const IssuedPair second_ = authority_.issue();
    std::shared_ptr<sql::TlsSource> source_;
    sql::Pin pin_ = tls_of(first_, TlsMode::allow).pin;
};

TEST_P(DatabaseTls, WithoutItNobodyEncrypts) {
    ASSERT_TRUE(is(create(), Presence::running));
    EXPECT_EQ(spoken(As::plain), "");
    EXPECT_TRUE(spoken(As::encrypted).starts_with("error"));
    EXPECT_EQ(spoken(As::pinned), "error certificate");
}

TEST_P(DatabaseTls, WhereItIsAllowedBothKindsOfClientsComeIn) {
    use(first_, TlsMode::allow);
    const ProviderAnswer made = create();
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(json::get_string(made->handle, "tls"), "allow");
    EXPECT_EQ(spoken(As::plain), "");
    EXPECT_EQ(spoken(As::encrypted), "TLSv1.3");
    EXPECT_EQ(spoken(As::pinned), "TLSv1.3");
    EXPECT_TRUE(is(observe(), Presence::running));
}

TEST_P(DatabaseTls, WhereItIsRequiredNobodyComesInWithoutIt) {
    use(first_, TlsMode::require);
    const ProviderAnswer made = create();
    ASSERT_TRUE(is(made, Presence::running));
    EXPECT_EQ(json::get_string(made->handle, "tls"), "require");
    EXPECT_TRUE(spoken(As::plain).starts_with("error"));
    EXPECT_TRUE(spoken(As::plain, "slipway", kManagementCanary).starts_with("error"));
    EXPECT_EQ(spoken(As::encrypted), "TLSv1.3");
    EXPECT_EQ(spoken(As::pinned, "slipway", kManagementCanary), "TLSv1.3");
    // What is asked for later works over it too: another password, an end and a new start.
    spec_.secrets["password"] = Secret("anotherCanary0123456789abcdefghijk");
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_TRUE(spoken(As::encrypted).starts_with("error"));
    EXPECT_EQ(spoken(As::encrypted, "admin", "anotherCanary0123456789abcdefghijk"), "TLSv1.3");
    subject_.make_stop("oct-1");
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_TRUE(spoken(As::plain).starts_with("error"));
    EXPECT_TRUE(is(observe(), Presence::running));
}

// Who has the port but not the certificate is told nothing, not even by who would let anybody in.
TEST_P(DatabaseTls, AnotherCertificateIsNotBelieved) {
    use(first_, TlsMode::allow);
    ASSERT_TRUE(is(create(), Presence::running));
    pin_ = tls_of(second_, TlsMode::allow).pin;
    EXPECT_EQ(spoken(As::pinned), "error certificate");
}

TEST_P(DatabaseTls, ARenewedCertificateReachesItWithoutARestart) {
    use(first_, TlsMode::require);
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = identity();
    source_->renew(tls_of(second_, TlsMode::require));
    const ProviderAnswer seen = observe();
    ASSERT_TRUE(is(seen, Presence::pending));
    EXPECT_TRUE(seen->detail.contains("certificate")) << seen->detail;
    EXPECT_EQ(spoken(As::pinned), "TLSv1.3") << "looking changes nothing";
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_TRUE(is(observe(), Presence::running));
    EXPECT_EQ(identity(), before);
    EXPECT_EQ(spoken(As::pinned), "error certificate");
    pin_ = tls_of(second_, TlsMode::require).pin;
    EXPECT_EQ(spoken(As::pinned), "TLSv1.3");
}

// A broker that was started with another certificate than its servers have.
TEST_P(DatabaseTls, ACertificateThatWasRenewedWhileNobodyLookedReachesIt) {
    use(first_, TlsMode::allow);
    ASSERT_TRUE(is(create(), Presence::running));
    const std::string before = identity();
    use(second_, TlsMode::allow);
    ASSERT_TRUE(is(observe(), Presence::pending));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(identity(), before);
    pin_ = tls_of(second_, TlsMode::allow).pin;
    EXPECT_EQ(spoken(As::pinned), "TLSv1.3");
}

TEST_P(DatabaseTls, WhoSwitchesItOnOrOffHasTheServerStartedAgainWithItsData) {
    ASSERT_TRUE(is(create(), Presence::running));
    use(first_, TlsMode::require);
    ASSERT_TRUE(is(observe(), Presence::pending));
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_TRUE(spoken(As::plain).starts_with("error"));
    ASSERT_EQ(said_by_manager("CREATE DATABASE shop"), "");
    for (const TlsMode mode : {TlsMode::allow, TlsMode::require, TlsMode::off}) {
        const std::string before = identity();
        use(first_, mode);
        EXPECT_TRUE(is(observe(), Presence::pending)) << to_string(mode);
        ASSERT_TRUE(is(update(), Presence::running)) << to_string(mode);
        EXPECT_NE(identity(), before);
        EXPECT_TRUE(is(observe(), Presence::running)) << to_string(mode);
        EXPECT_EQ(spoken(As::plain).starts_with("error"), mode == TlsMode::require);
        EXPECT_EQ(spoken(As::pinned).starts_with("error"), mode == TlsMode::off);
    }
    use(first_, TlsMode::allow);
    ASSERT_TRUE(is(update(), Presence::running));
    EXPECT_EQ(said_by_manager(is_postgres() ? "SELECT count(*) FROM pg_database WHERE datname = 'shop'"
                                            : "SELECT count(*) FROM information_schema.SCHEMATA "
                                              "WHERE SCHEMA_NAME = 'shop'"),
              "1");
}

TEST_P(DatabaseTls, ItsKeyIsReadByTheServersUidAloneAndIsInNoLogOrArgument) {
    use(first_, TlsMode::allow);
    ASSERT_TRUE(is(create(), Presence::running));
    source_->renew(tls_of(second_, TlsMode::allow));
    ASSERT_TRUE(is(update(), Presence::running));
    const std::string place = subject_.directory("oct-1") + "/" + std::string(local::kCertificateKeyFile);
    struct stat seen{};
    ASSERT_EQ(::stat(place.c_str(), &seen), 0);
    if (::geteuid() == 0) {
        EXPECT_EQ(seen.st_uid, 0U);
        EXPECT_EQ(seen.st_gid, spec_.allocations.at("uid"));
        EXPECT_EQ(seen.st_mode & 07777, 0640U);
    } else {
        EXPECT_EQ(seen.st_mode & 07777, 0600U);
    }
    // The second line of the key: what it is, without the words around it.
    const std::string pem = second_.key.reveal();
    const std::size_t line = pem.find('\n') + 1;
    const std::string canary = pem.substr(line, 48);
    ASSERT_TRUE(file_text(place).contains(canary));
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(subject_.path())) {
        if (!entry.is_regular_file() || entry.path() == place) continue;
        EXPECT_FALSE(file_text(entry.path()).contains(canary)) << entry.path();
    }
    for (const agent::Process& each : processes_below(subject_.directory("oct-1"))) {
        EXPECT_FALSE(file_text(fmt::format("/proc/{}/cmdline", each.pid)).contains(canary));
        EXPECT_FALSE(file_text(fmt::format("/proc/{}/environ", each.pid)).contains(canary));
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, DatabaseTls, ::testing::Values("postgres", "mysql"),
                         [](const auto& info) { return info.param; });

TEST(ServerTls, IsAPairThatLoginsCanBeBoundTo) {
    const TestAuthority authority;
    const IssuedPair one = authority.issue();
    const IssuedPair other = authority.issue();
    const sql::ServerTls made = tls_of(one, TlsMode::require);
    EXPECT_EQ(made.pin.sha1.size(), 40U);
    EXPECT_EQ(made.pin.sha256.size(), 64U);
    EXPECT_EQ(made.expected(), made.pin);
    EXPECT_NE(tls_of(other, TlsMode::require).pin, made.pin);
    EXPECT_FALSE(sql::ServerTls().expected());
    const auto problem = [](const std::string& certificate, const Secret& key) {
        const auto refused = sql::make_server_tls(TlsMode::allow, certificate, key);
        EXPECT_FALSE(refused);
        return refused ? "" : refused.error().message;
    };
    EXPECT_EQ(problem(one.certificate, other.key), "the key is not that of the first certificate");
    EXPECT_EQ(problem("nothing", one.key), "it holds no certificate in PEM");
    EXPECT_EQ(problem(one.certificate, Secret("nothing")), "the key is no private key in PEM without a passphrase");
    for (const TlsMode mode : {TlsMode::off, TlsMode::allow, TlsMode::require}) {
        EXPECT_EQ(sql::parse_tls_mode(to_string(mode)), mode);
    }
    EXPECT_FALSE(sql::parse_tls_mode("on"));
}

TEST(ServerTls, ACertificateWhoseSignatureNamesNoDigestIsRefused) {
    const http::test::TestKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    const http::test::TestX509 made(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    ASSERT_GT(X509_sign(made.get(), key.get(), nullptr), 0);
    const std::unique_ptr<BIO, FreedBy<BIO_free>> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), made.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    const auto refused = sql::make_server_tls(TlsMode::allow, std::string(data, static_cast<std::size_t>(size)),
                                              TestAuthority::key_pem(key.get()));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.contains("ED25519")) << refused.error().message;
    EXPECT_TRUE(refused.error().message.contains("SHA-256")) << refused.error().message;
}

}  // namespace
}  // namespace slipway::testing
