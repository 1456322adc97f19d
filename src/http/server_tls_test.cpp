// HTTP under TLS: everything that works in plain works here, and nothing that is weak is spoken.
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "http/tls_test_support.h"

namespace slipway::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

TEST(ServerTls, AnswersRequestsOnOneConnectionOneAfterTheOther) {
    const TlsServer server;
    const auto client = server.connected();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client->get("/hello").body, "hello");
    EXPECT_EQ(client->post("/echo", "body").body, "body");
    EXPECT_EQ(client->get("/hello", "Connection: close\r\n").header("connection"), "close");
    EXPECT_EQ(client->read_to_end(), "");
    EXPECT_TRUE(client->told_of_the_end());
    EXPECT_EQ(server.server().stats().failed_handshakes, 0U);
}

TEST(ServerTls, PipelinedRequestsAreAnsweredInOrder) {
    const TlsServer server;
    const auto client = server.connected();
    std::string requests;
    for (int i = 0; i < 200; ++i) requests += fmt::format("GET /items/{} HTTP/1.1\r\nHost: x\r\n\r\n", i);
    ASSERT_TRUE(client->send(requests));
    for (int i = 0; i < 200; ++i) ASSERT_EQ(client->read().body, std::to_string(i));
}

// A head that comes byte by byte is one record each: records and requests have nothing to do with each other.
TEST(ServerTls, ARequestMayComeInAnyPieces) {
    const TlsServer server;
    const auto client = server.connected();
    for (const char c : std::string("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")) {
        ASSERT_TRUE(client->send({&c, 1}));
    }
    EXPECT_EQ(client->read().body, "abc");
}

// Larger than the sockets' buffers in both directions, so that reading and writing have to wait.
TEST(ServerTls, LargeBodiesComeAndGoWhole) {
    ServerOptions options = TestServer::quick();
    options.body_bytes = 16UL * 1024 * 1024;
    const TlsServer server(std::move(options));
    const auto client = server.connected();
    const std::string body = repeated("0123456789abcdef", 512 * 1024);
    // The server answers only when it has read all.
    EXPECT_TRUE(client->post("/echo", body).body == body);
    EXPECT_TRUE(client->post("/echo", body).body == body) << "and again on the same connection";
}

TEST(ServerTls, ChunkedBodiesAndStreamsWork) {
    Router router = TestServer::routes();
    router.add(Method::get, "/stream", [](Request&) -> Task<Response> {
        co_return Response::stream("text/plain", [](Writer& writer) -> Task<Status> {
            for (int i = 0; i < 100; ++i) {
                const std::string part(10'000, static_cast<char>('a' + i % 26));
                if (Status sent = co_await writer.write(part); !sent) co_return sent;
            }
            co_return Status();
        });
    });
    const TlsServer server(TestServer::quick(), std::move(router));
    const auto client = server.connected();
    EXPECT_EQ(client->get("/stream").body.size(), 1'000'000U);
    ASSERT_TRUE(
        client->send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    EXPECT_EQ(client->read().body, "abcde");
}

TEST(ServerTls, RefusesWhatIsOlderThanTls12) {
    const TlsServer server;
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        const auto client = server.client({.min_version = version, .max_version = version});
        EXPECT_NE(client->shake(), "");
    }
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto client = server.client({.min_version = version, .max_version = version});
        ASSERT_EQ(client->shake(), "");
        EXPECT_EQ(SSL_version(client->session()), version);
        EXPECT_EQ(client->get("/hello").body, "hello");
    }
    EXPECT_EQ(server.server().stats().failed_handshakes, 2U);
}

TEST(ServerTls, RefusesCiphersWithoutForwardSecrecyOrAuthentication) {
    const TlsServer server;
    for (const char* weak : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "aNULL"}) {
        const auto client = server.client({.max_version = TLS1_2_VERSION, .ciphers = weak});
        EXPECT_NE(client->shake(), "") << weak;
    }
    const auto good = server.client({.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"});
    EXPECT_EQ(good->shake(), "");
    EXPECT_EQ(SSL_get_current_compression(good->session()), nullptr);
}

TEST(ServerTls, RenegotiationIsRefused) {
    const TlsServer server;
    const auto client = server.client({.max_version = TLS1_2_VERSION});
    ASSERT_EQ(client->shake(), "");
    ASSERT_EQ(SSL_renegotiate(client->session()), 1);
    EXPECT_NE(SSL_do_handshake(client->session()), 1);
}

TEST(ServerTls, NegotiatesHttp11AndNothingElse) {
    const TlsServer server;
    const auto both = server.client({.protocols = std::string("\x02h2\x08http/1.1")});
    ASSERT_EQ(both->shake(), "");
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(both->session(), &chosen, &size);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), size), "http/1.1");
    EXPECT_EQ(both->get("/hello").body, "hello");
    const auto other = server.client({.protocols = std::string("\x02h2")});
    EXPECT_NE(other->shake(), "");
}

TEST(ServerTls, SessionsAreTakenUpAgainFromTickets) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const TlsServer server;
        const auto first = server.client({.min_version = version, .max_version = version});
        ASSERT_EQ(first->shake(), "");
        EXPECT_EQ(first->get("/hello").body, "hello");  // tickets of TLS 1.3 come with the first bytes
        const std::unique_ptr<SSL_SESSION, FreedBy<SSL_SESSION_free>> ticket(SSL_get1_session(first->session()));
        const auto second =
            server.client({.min_version = version, .max_version = version, .session = ticket.get()});
        ASSERT_EQ(second->shake(), "");
        EXPECT_EQ(SSL_session_reused(second->session()), 1);
        EXPECT_EQ(second->get("/hello").body, "hello");
    }
}

TEST(ServerTls, PlainHttpIsToldThatThisPortSpeaksHttps) {
    const TlsServer server;
    for (const char* method : {"GET", "POST", "DELETE", "PATCH", "OPTIONS"}) {
        RawClient client(server.port());
        client.send(fmt::format("{} /hello HTTP/1.1\r\nHost: x\r\n\r\n", method));
        const Answer answer = client.read();
        EXPECT_EQ(answer.status, 400) << method;
        EXPECT_NE(answer.body.find("this port speaks https"), std::string::npos) << answer.body;
        EXPECT_EQ(answer.header("connection"), "close");
        EXPECT_TRUE(client.at_end());
    }
    EXPECT_EQ(server.connected()->get("/hello").status, 200);
}

TEST(ServerTls, WhatIsNeitherTlsNorHttpIsClosedWithoutAWord) {
    const TlsServer server;
    for (const std::string& bytes : {std::string("\x80\x2e\x01\x03\x02"), std::string("*1\r\n$4\r\nPING\r\n"),
                                     std::string(1, '\0'), std::string("\n")}) {
        RawClient client(server.port());
        client.send(bytes);
        EXPECT_EQ(client.read_to_end(), "");
    }
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
}

TEST(ServerTls, BytesThatOnlyBeginLikeTlsAreAnsweredByAnAlert) {
    const TlsServer server;
    RawClient client(server.port());
    client.send(std::string("\x16\x03\x01\x00\x05hello", 10));
    const std::string answer = client.read_to_end();
    ASSERT_GE(answer.size(), 1U);
    EXPECT_EQ(answer.front(), '\x15') << "an alert record";
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
}

// The first bytes of a real handshake, taken from a client that talks to nobody.
std::string client_hello() {
    const std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
    const std::unique_ptr<SSL, FreedBy<SSL_free>> session(SSL_new(context.get()));
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), out);
    SSL_connect(session.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    return {data, static_cast<std::size_t>(size)};
}

TEST(ServerTls, AHandshakeThatStopsHalfWayHoldsNothingAfterTheHeaderTimeout) {
    ServerOptions options = TestServer::quick();
    options.header_timeout = milliseconds(60);
    const TlsServer server(std::move(options));
    const std::string hello = client_hello();
    RawClient silent(server.port());
    RawClient half(server.port());
    RawClient whole(server.port());
    half.send(hello.substr(0, hello.size() / 2));
    whole.send(hello);
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_EQ(half.read_to_end(), "");
    EXPECT_NE(whole.read_to_end(), "") << "the server's half of the handshake";
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
    EXPECT_EQ(server.server().stats().failed_handshakes, 3U);
}

TEST(ServerTls, AHandshakeThatDripsIsCutAllTheSame) {
    ServerOptions options = TestServer::quick();
    options.header_timeout = milliseconds(60);
    const TlsServer server(std::move(options));
    RawClient client(server.port());
    const std::string hello = client_hello();
    std::size_t sent = 0;
    while (sent + 1 < hello.size() && !client.readable(milliseconds(5)) && client.send({&hello[sent], 1})) ++sent;
    EXPECT_LT(sent + 1, hello.size()) << "it was the time, not the bytes";
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
}

TEST(ServerTls, ClientsThatLeaveInTheMiddleAreForgotten) {
    const TlsServer server;
    const std::string hello = client_hello();
    {
        RawClient nothing(server.port());
        RawClient half(server.port());
        half.send(hello.substr(0, hello.size() / 2));
        RawClient reset(server.port());
        reset.send(hello);
        reset.abort();
        const auto rude = server.connected();
        rude->send("GET /hello HTTP/1.1\r\n");
        const auto polite = server.connected();
        polite->close_notify();
    }
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
    EXPECT_EQ(server.connected()->get("/hello").status, 200);
}

TEST(ServerTls, ADamagedRecordEndsTheConnectionOnly) {
    const TlsServer server;
    class Liar : public RawClient {
      public:
        explicit Liar(std::uint16_t port) : RawClient(port) {}
        using RawClient::descriptor;
    };
    const auto good = server.connected();
    Liar liar(server.port());
    const std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
    const std::unique_ptr<SSL, FreedBy<SSL_free>> session(SSL_new(context.get()));
    SSL_set_fd(session.get(), liar.descriptor());
    ASSERT_EQ(SSL_connect(session.get()), 1);
    liar.send(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 1; }));
    EXPECT_EQ(good->get("/hello").body, "hello");
}

TEST(ServerTls, TooManyConnectionsAreClosedBeforeTheyCostAHandshake) {
    ServerOptions options = TestServer::quick();
    options.max_connections = 2;
    const TlsServer server(std::move(options));
    auto first = server.connected();
    const auto second = server.connected();
    EXPECT_EQ(first->get("/hello").status, 200);
    const auto third = server.client();
    EXPECT_NE(third->shake(), "");
    EXPECT_EQ(server.server().stats().refused, 1U);
    first.reset();
    EXPECT_TRUE(eventually([&] { return server.client()->shake().empty(); }));
    EXPECT_EQ(second->get("/hello").status, 200);
}

TEST(ServerTls, SlowHeadsAndIdleConnectionsHaveTheSameLimits) {
    ServerOptions options = TestServer::quick();
    options.header_timeout = milliseconds(200);
    options.idle_timeout = milliseconds(60);
    const TlsServer server(std::move(options));
    const auto slow = server.connected();
    slow->send("GET /hello HTTP/1.1\r\n");
    EXPECT_EQ(slow->read().status, 408);
    const auto idle = server.connected();
    EXPECT_EQ(idle->get("/hello").status, 200);
    EXPECT_EQ(idle->read_to_end(), "");
    EXPECT_TRUE(idle->told_of_the_end());
}

TEST(ServerTls, AClientThatDoesNotReadIsCut) {
    Router router;
    router.add(Method::get, "/huge", [](Request&) -> Task<Response> {
        co_return Response::text(200, std::string(32UL * 1024 * 1024, 'x'));
    });
    ServerOptions options = TestServer::quick();
    options.write_timeout = milliseconds(60);
    options.min_rate = 1'000'000'000;
    const TlsServer server(std::move(options), std::move(router));
    const auto client = server.connected();
    client->small_receive_buffer();
    client->send("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(client->receive()) << "the answer has begun";
    EXPECT_TRUE(eventually([&] { return server.server().stats().connections == 0; }));
    EXPECT_LT(client->read_to_end().size(), 32UL * 1024 * 1024);
    EXPECT_FALSE(client->told_of_the_end()) << "half an answer must not look like a whole one";
}

TEST(ServerTls, AStopFinishesWhatIsInFlightAndEndsTheRest) {
    auto gate = std::make_shared<Gate>();
    Router router = TestServer::routes();
    router.add(Method::get, "/wait", [gate](Request&) -> Task<Response> {
        co_await gate->pass();
        co_return Response::text(200, "waited");
    });
    const TlsServer server(TestServer::quick(), std::move(router));
    const auto busy = server.connected();
    const auto idle = server.connected();
    RawClient shaking(server.port());
    shaking.send(client_hello().substr(0, 10));
    EXPECT_EQ(idle->get("/hello").status, 200);
    busy->send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return server.server().stats().handlers == 1; }));
    auto stopped = std::async(std::launch::async, [&] { server.server().drain(seconds(10)); });
    EXPECT_EQ(idle->read_to_end(), "");
    EXPECT_EQ(shaking.read_to_end(), "");
    gate->open();
    const Answer answer = busy->read();
    EXPECT_EQ(answer.body, "waited");
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_TRUE(busy->read_to_end().empty() && busy->told_of_the_end());
    busy->close();
    stopped.get();
    EXPECT_EQ(server.server().stats().connections, 0U);
}

TEST(ServerTls, AReloadChangesTheCertificateOfNewConnectionsOnly) {
    TlsServer server;
    const auto old = server.connected();
    EXPECT_EQ(old->shown(), server.pair.certificate);
    const IssuedPair next = server.authority.issue({.names = "DNS:localhost,DNS:next"});
    server.folder.write(next);
    ASSERT_TRUE(server.server().reload_tls());
    EXPECT_EQ(server.connected()->shown(), next.certificate);
    EXPECT_EQ(server.server().certificate()->names, (std::vector<std::string>{"localhost", "next"}));
    EXPECT_EQ(old->get("/hello").body, "hello") << "who was there before is not disturbed";
}

TEST(ServerTls, ABadNewPairIsRefusedAndTheFormerKept) {
    TlsServer server;
    const auto still_old = [&] {
        const auto client = server.connected();
        return client->shown() == server.pair.certificate && client->get("/hello").status == 200;
    };
    server.folder.write("key.pem", server.authority.issue().key.reveal());
    EXPECT_FALSE(server.server().reload_tls());
    EXPECT_TRUE(still_old());
    server.folder.write(
        server.authority.issue({.begins = std::chrono::hours(-48), .ends = std::chrono::hours(-1)}));
    const Status expired = server.server().reload_tls();
    ASSERT_FALSE(expired);
    EXPECT_NE(expired.error().message.find("renew it"), std::string::npos);
    EXPECT_TRUE(still_old());
    std::filesystem::remove(server.folder.certificate());
    EXPECT_FALSE(server.server().reload_tls());
    EXPECT_TRUE(still_old());
}

TEST(ServerTls, ReloadsWhileManyClientsConnectDisturbNobody) {
    ServerOptions options = TestServer::quick();
    options.threads = 2;
    TlsServer server(std::move(options));
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
        clients.emplace_back([&] {
            for (int i = 0; i < 20; ++i) {
                const auto client = server.client();
                if (client->shake().empty() && client->get("/hello").status == 200) ++answered;
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        server.folder.write(server.authority.issue());
        EXPECT_TRUE(server.server().reload_tls());
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(answered, 80);
}

TEST(ServerTls, AServerWithoutTlsHasNothingToReload) {
    const TestServer server;
    EXPECT_FALSE(server.server->reload_tls());
    EXPECT_FALSE(server.server->certificate());
}

TEST(ServerTls, AWrongPairStopsTheStartBeforeAnythingIsBound) {
    const TestAuthority authority;
    const PemFolder folder;
    folder.write(authority.issue());
    folder.write("key.pem", authority.issue().key.reveal());
    SystemClock clock;
    SystemRandom random;
    ServerOptions options = TestServer::quick();
    options.tls = TlsFiles{folder.certificate(), folder.key()};
    Server server(std::move(options), TestServer::routes(), clock, random);
    const Status started = server.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(started.error().message.find(folder.key().string()), std::string::npos);
    EXPECT_TRUE(server.listeners().empty());
}

TEST(ServerTls, LogAndObserverSayWhatWasSpoken) {
    std::vector<bool> seen;
    std::mutex mutex;
    ServerOptions options = TestServer::quick();
    options.access_log = true;
    options.observer = [&](const RequestSummary& summary) {
        const std::lock_guard lock(mutex);
        seen.push_back(summary.tls);
    };
    ::testing::internal::CaptureStderr();
    std::string key;
    {
        const TlsServer server(std::move(options));
        key = server.pair.key.reveal();
        EXPECT_EQ(server.connected()->get("/hello").status, 200);
        EXPECT_EQ(RawClient(server.port()).get("/hello").status, 400);
    }
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(seen, (std::vector<bool>{true, false}));
    EXPECT_NE(log.find("status=200 bytes=5"), std::string::npos) << log;
    EXPECT_NE(log.find(" scheme=https"), std::string::npos) << log;
    EXPECT_NE(log.find(" scheme=http\n"), std::string::npos) << log;
    EXPECT_EQ(log.find(key.substr(key.size() / 2, 20)), std::string::npos);
}

}  // namespace
}  // namespace slipway::http::test
