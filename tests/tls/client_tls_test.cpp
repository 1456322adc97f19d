// Whom the outgoing client believes: who shows a certificate of an authority that is trusted, valid now, and made
// out to the host that was asked for. Nobody else, and there is no switch for it.
#include <cstdlib>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/tls_test_support.h"
#include "net/http_client.h"

namespace slipway::net {
namespace {

using http::test::CertificateWish;
using http::test::eventually;
using http::test::PemFolder;
using http::test::TestAuthority;
using http::test::TestServer;
using http::test::TlsServer;
using std::chrono::hours;
using ::testing::AnyOf;
using ::testing::HasSubstr;

Origin origin_of(const TlsServer& server, const std::string& host = "localhost") {
    return Origin{host, server.port(), "", true};
}

std::shared_ptr<const Trust> trust_in(const TestAuthority& authority) {
    const PemFolder folder;
    auto trust = Trust::load(folder.write("ca.pem", authority.certificate()));
    EXPECT_TRUE(trust) << trust.error().message;
    return *trust;
}

Result<HttpAnswer> get(const Origin& origin, std::shared_ptr<const Trust> trust,
                       const std::string& target = "/hello") {
    HttpCall call;
    call.target = target;
    call.bearer = Secret("the-key");
    call.trust = std::move(trust);
    return http_call_blocking(origin, std::move(call));
}

TEST(ClientTls, TalksToAServerOfATrustedAuthorityByNameAndByAddress) {
    const TlsServer server;
    const auto trust = trust_in(server.authority);
    const auto by_name = get(origin_of(server), trust);
    ASSERT_TRUE(by_name) << by_name.error().message;
    EXPECT_EQ(by_name->body, "hello");
    const auto by_address = get(origin_of(server, "127.0.0.1"), trust);
    ASSERT_TRUE(by_address) << by_address.error().message;
    EXPECT_EQ(by_address->body, "hello");
}

TEST(ClientTls, LargeBodiesGoBothWays) {
    http::ServerOptions options = TestServer::quick();
    options.body_bytes = 16UL * 1024 * 1024;
    const TlsServer server(std::move(options));
    HttpCall call;
    call.method = "POST";
    call.target = "/echo";
    call.body = std::string(8UL * 1024 * 1024, 'x');
    call.trust = trust_in(server.authority);
    const auto answer = http_call_blocking(origin_of(server), std::move(call));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body.size(), 8UL * 1024 * 1024);
}

// Whatever is wrong with the certificate, not one byte of the request, and so no key, leaves.
class Doubtful : public ::testing::Test {
  protected:
    static std::string refusal(const CertificateWish& wish, const std::string& host = "localhost") {
        std::atomic<int> requests = 0;
        http::ServerOptions options = TestServer::quick();
        options.observer = [&](const http::RequestSummary&) { ++requests; };
        const TlsServer server(std::move(options), wish);
        const auto answer = get(origin_of(server, host), trust_in(server.authority));
        if (answer) return {};
        EXPECT_EQ(answer.error().code, ErrorCode::unauthenticated);
        EXPECT_THAT(answer.error().message, HasSubstr("could not show that it is the one asked for"));
        EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
        EXPECT_EQ(requests, 0);
        return answer.error().message;
    }
};

TEST_F(Doubtful, AnExpiredCertificateIsRefused) {
    EXPECT_THAT(refusal({.begins = hours(-48), .ends = hours(-1)}), HasSubstr("has expired"));
}

TEST_F(Doubtful, ACertificateOfTomorrowIsRefused) {
    EXPECT_THAT(refusal({.begins = hours(24), .ends = hours(48)}), HasSubstr("not yet valid"));
}

TEST_F(Doubtful, ACertificateOfAnotherHostIsRefused) {
    EXPECT_THAT(refusal({.names = "DNS:other.example"}), HasSubstr("ostname mismatch"));
    EXPECT_THAT(refusal({.names = "DNS:localhost"}, "127.0.0.1"), HasSubstr("IP address mismatch"));
    EXPECT_THAT(refusal({.names = "IP:127.0.0.1"}), HasSubstr("ostname mismatch"));
    EXPECT_THAT(refusal({.names = "DNS:l*.example,DNS:lo*"}), HasSubstr("ostname mismatch"));
    EXPECT_THAT(refusal({.names = "DNS:other.example", .common_name = "localhost"}), HasSubstr("ostname mismatch"))
        << "a common name is no name where there are others";
}

TEST_F(Doubtful, AStrangersCertificateIsRefused) {
    const TlsServer server;
    const TestAuthority other;
    for (const auto& trust : {trust_in(other), *Trust::load()}) {
        const auto answer = get(origin_of(server), trust);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::unauthenticated);
        EXPECT_THAT(answer.error().message, AnyOf(HasSubstr("signature failure"), HasSubstr("issuer certificate")));
    }
    const auto by_default = get(origin_of(server), nullptr);
    ASSERT_FALSE(by_default) << "webhooks name no authority: the machine's are asked";
    EXPECT_EQ(by_default.error().code, ErrorCode::unauthenticated);
}

// SSL_CERT_FILE is how the machine's own authorities are replaced, by every program that uses OpenSSL.
TEST(ClientTls, TheMachinesAuthoritiesAreUsedWhereNoneAreNamed) {
    const TlsServer server;
    const PemFolder folder;
    const auto file = folder.write("ca.pem", server.authority.certificate());
    ::setenv("SSL_CERT_FILE", file.c_str(), 1);
    const auto answer = get(origin_of(server), nullptr);
    ::unsetenv("SSL_CERT_FILE");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "hello");
}

TEST(ClientTls, AServerThatSpeaksNoTlsIsRecognized) {
    const TestServer plain;
    const TestAuthority authority;
    const auto answer = get(Origin{"127.0.0.1", plain.port(), "", true}, trust_in(authority));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::malformed);
    EXPECT_THAT(answer.error().message, HasSubstr("speaks no TLS"));
}

TEST(ClientTls, APlainRequestToATlsPortReadsTheServersSentence) {
    const TlsServer server;
    const auto answer = get(Origin{"127.0.0.1", server.port(), "", false}, nullptr);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 400);
    EXPECT_THAT(answer->body, HasSubstr("this port speaks https"));
}

// A listener that takes the connection and says nothing.
TEST(ClientTls, AServerThatNeverShakesHandsIsATimeout) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor silent(context, {boost::asio::ip::address_v4::loopback(), 0});
    HttpCall call;
    call.connect_limit = std::chrono::milliseconds(100);
    call.trust = trust_in(TestAuthority());
    const auto answer =
        http_call_blocking(Origin{"127.0.0.1", silent.local_endpoint().port(), "", true}, std::move(call));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::timeout);
    EXPECT_THAT(answer.error().message, HasSubstr("the TLS handshake took too long"));
}

// Half an answer must not look like a whole one.
TEST(ClientTls, AnAnswerCutOffIsNoAnswer) {
    http::Router router;
    router.add(http::Method::get, "/cut", [](http::Request&) -> Task<http::Response> {
        co_return http::Response::stream("text/plain", [](http::Writer& writer) -> Task<Status> {
            if (Status sent = co_await writer.write("half"); !sent) co_return sent;
            co_return fail(ErrorCode::internal, "no more");
        });
    });
    const TlsServer server(TestServer::quick(), std::move(router));
    const auto answer = get(origin_of(server), trust_in(server.authority), "/cut");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST(Trust, FilesThatHoldNoCertificateAreRefusedByName) {
    const PemFolder folder;
    for (const auto& file : {folder.write("empty.pem", ""), folder.write("text.pem", "hello\n")}) {
        const auto trust = Trust::load(file);
        ASSERT_FALSE(trust);
        EXPECT_EQ(trust.error().code, ErrorCode::invalid_argument);
        EXPECT_THAT(trust.error().message, HasSubstr(file.string() + ": holds no certificate"));
    }
    const auto missing = Trust::load("/nonexistent/ca.pem");
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/ca.pem: No such file"));
}

}  // namespace
}  // namespace slipway::net
