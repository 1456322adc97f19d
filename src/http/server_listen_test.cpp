// Where a server listens, how it says what went wrong there, and how it shares connections out to its threads.
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "http/listen.h"
#include "http/test_client.h"

namespace slipway::http::test {
namespace {

TEST(ServerListen, ParsesNumbersOnly) {
    EXPECT_EQ(to_text(*parse_listen_address("127.0.0.1:80")), "127.0.0.1:80");
    EXPECT_EQ(to_text(*parse_listen_address("[::1]:0")), "[::1]:0");
    for (const char* wrong :
         {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
          "[127.0.0.1]:80", "localhost:80", "[::1]", "127.0.0.1:80 "}) {
        const auto parsed = parse_listen_address(wrong);
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    }
}

TEST(ServerListen, SeveralListenersServeAndAreTold) {
    ServerOptions options = TestServer::quick();
    options.listen = {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"};
    Router router;
    router.add(Method::get, "/where", [](Request& request) -> Task<Response> {
        co_return Response::text(200, std::to_string(request.listener) + (request.loopback_listener ? "l" : "-") +
                                          std::string(request.listener_address));
    });
    TestServer server(std::move(options), std::move(router));
    const auto& listeners = server.server->listeners();
    ASSERT_EQ(listeners.size(), 3U);
    EXPECT_EQ(RawClient(server.port(0)).get("/where").body, "0l" + listeners[0].address);
    EXPECT_EQ(RawClient(server.port(1), true).get("/where").body, "1l" + listeners[1].address);
    EXPECT_EQ(RawClient(server.port(2)).get("/where").body, "2-" + listeners[2].address);
    EXPECT_EQ(listeners[1].address, "[::1]:" + std::to_string(server.port(1)));
}

TEST(ServerListen, APortInUseIsNamedAndNothingStaysBound) {
    TestServer first;
    const std::string taken = first.server->listeners().front().address;
    SystemClock clock;
    SystemRandom random;
    Server second({.listen = {"127.0.0.1:0", taken}}, TestServer::routes(), clock, random);
    const Status started = second.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::conflict);
    EXPECT_EQ(started.error().message,
              "cannot listen on " + taken + ": Address already in use (another program listens there)");
    EXPECT_TRUE(second.listeners().empty());
}

TEST(ServerListen, AnAddressThatIsNotOursIsUnavailable) {
    SystemClock clock;
    SystemRandom random;
    Server server({.listen = {"192.0.2.1:0"}}, TestServer::routes(), clock, random);
    const Status started = server.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::unavailable);
    EXPECT_NE(started.error().message.find("192.0.2.1:0"), std::string::npos);
}

TEST(ServerListen, MistakesInTheRouterStopTheStart) {
    Router router;
    router.add(Method::get, "no-slash", answer_text(""));
    SystemClock clock;
    SystemRandom random;
    Server server({.listen = {"127.0.0.1:0"}}, std::move(router), clock, random);
    EXPECT_FALSE(server.start());
}

TEST(ServerListen, ThePortIsFreeAgainAfterAStop) {
    TestServer first;
    EXPECT_EQ(RawClient(first.port()).get("/hello").status, 200);
    const std::string address = first.server->listeners().front().address;
    first.server->stop(std::chrono::seconds(1));
    ServerOptions options = TestServer::quick();
    options.listen = {address};
    TestServer second(std::move(options));
    EXPECT_EQ(RawClient(second.port()).get("/hello").status, 200);
}

TEST(ServerListen, ConnectionsAreSharedOutEvenly) {
    ServerOptions options = TestServer::quick();
    options.threads = 3;
    TestServer server(std::move(options));
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 9; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.port()));
        EXPECT_EQ(clients.back()->get("/hello").status, 200);
    }
    EXPECT_EQ(server.server->stats().accepted, (std::vector<std::uint64_t>{3, 3, 3}));
    EXPECT_EQ(server.server->stats().connections, 9U);
}

TEST(ServerListen, TooManyConnectionsGetA503) {
    ServerOptions options = TestServer::quick();
    options.max_connections = 2;
    TestServer server(std::move(options));
    RawClient first(server.port());
    RawClient second(server.port());
    EXPECT_EQ(first.get("/hello").status, 200);
    EXPECT_EQ(second.get("/hello").status, 200);
    {
        RawClient third(server.port());
        const Answer answer = third.get("/hello");
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.header("retry-after"), "1");
        EXPECT_EQ(answer.header("connection"), "close");
        EXPECT_TRUE(third.at_end());
    }
    EXPECT_EQ(server.server->stats().refused, 1U);
    first.close();
    EXPECT_TRUE(eventually([&] { return RawClient(server.port()).get("/hello").status == 200; }));
}

TEST(ServerListen, TooManyHandlersGetA503AndKeepTheirConnection) {
    auto gate = std::make_shared<Gate>();
    Router router = TestServer::routes();
    router.add(Method::get, "/wait", [gate](Request&) -> Task<Response> {
        co_await gate->pass();
        co_return Response::empty(200);
    });
    ServerOptions options = TestServer::quick();
    options.max_handlers = 1;
    TestServer server(std::move(options), std::move(router));
    RawClient busy(server.port());
    busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return server.server->stats().handlers == 1; }));
    RawClient other(server.port());
    const Answer answer = other.get("/hello");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("retry-after"), "1");
    gate->open();
    EXPECT_EQ(busy.read().status, 200);
    EXPECT_EQ(other.get("/hello").status, 200);
}

// Many clients on many threads at once; run under the thread sanitizer it looks for shared state.
TEST(ServerListen, ClientsInParallelGetTheirOwnAnswers) {
    ServerOptions options = TestServer::quick();
    options.threads = 3;
    std::atomic<int> observed = 0;
    options.observer = [&](const RequestSummary&) { ++observed; };
    TestServer server(std::move(options));
    std::atomic<int> right = 0;
    std::vector<std::thread> clients;
    for (int c = 0; c < 8; ++c) {
        clients.emplace_back([&, c] {
            RawClient client(server.port());
            for (int i = 0; i < 100; ++i) {
                const std::string name = std::to_string(c * 1000 + i);
                if (client.get("/items/" + name).body == name) ++right;
                if (client.post("/echo", name).body == name) ++right;
                if (i % 25 == 0) RawClient(server.port()).get("/hello", "Connection: close\r\n");
            }
        });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(right, 1600);
    EXPECT_TRUE(eventually([&] { return observed == 1600 + 32; }));
    server.server->stop(std::chrono::seconds(1));
}

}  // namespace
}  // namespace slipway::http::test
