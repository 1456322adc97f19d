// Clients that are slow on purpose or dead: each has its limit, and none holds a connection for ever.
#include <gtest/gtest.h>

#include "http/test_client.h"

namespace slipway::http::test {
namespace {

using std::chrono::milliseconds;

ServerOptions impatient() {
    ServerOptions options = TestServer::quick();
    options.header_timeout = milliseconds(60);
    options.body_timeout = milliseconds(60);
    options.write_timeout = milliseconds(60);
    options.idle_timeout = milliseconds(60);
    options.linger_timeout = milliseconds(60);
    options.min_rate = 1'000'000;
    return options;
}

TEST(ServerTimeout, AHeadThatDripsIsCutWithA408) {
    TestServer server(impatient());
    RawClient client(server.port());
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Drip: ");
    int drops = 0;
    // Each byte comes long before the limit: it is the whole head that has one.
    while (!client.readable(milliseconds(5)) && drops < 2000 && client.send("x")) ++drops;
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_GT(drops, 2) << "it was the time, not the first byte";
}

TEST(ServerTimeout, ABodyBelowTheMinimumRateIsCutWithA408) {
    TestServer server(impatient());
    RawClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    int drops = 0;
    while (!client.readable(milliseconds(5)) && drops < 2000 && client.send("x")) ++drops;
    EXPECT_EQ(client.read().status, 408);
    EXPECT_GT(drops, 2);
}

TEST(ServerTimeout, ABodyAboveTheMinimumRateMayTakeLongerThanTheTimeout) {
    ServerOptions options = impatient();
    options.min_rate = 10;  // 100 bytes buy 10 s
    TestServer server(std::move(options));
    RawClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + std::string(100, 'x'));
    EXPECT_FALSE(client.readable(milliseconds(150)));
    client.send("x");
    EXPECT_EQ(client.read().body.size(), 101U);
}

TEST(ServerTimeout, AChunkedBodyThatStallsIsCut) {
    TestServer server(impatient());
    RawClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    EXPECT_EQ(client.read().status, 408);
}

TEST(ServerTimeout, IdleConnectionsCloseWithoutAWord) {
    TestServer server(impatient());
    RawClient silent(server.port());
    RawClient used(server.port());
    EXPECT_EQ(used.get("/hello").status, 200);
    EXPECT_TRUE(silent.at_end());
    EXPECT_TRUE(used.at_end());
    EXPECT_TRUE(eventually([&] { return server.server->stats().connections == 0; }));
}

TEST(ServerTimeout, AHandlerHasNoTimeoutOfTheConnection) {
    auto gate = std::make_shared<Gate>();
    Router router;
    router.add(Method::get, "/wait", [gate](Request&) -> Task<Response> {
        co_await gate->pass();
        co_return Response::text(200, "waited");
    });
    TestServer server(impatient(), std::move(router));
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_FALSE(client.readable(milliseconds(150)));
    gate->open();
    EXPECT_EQ(client.read().body, "waited");
}

TEST(ServerTimeout, AClientThatDoesNotReadIsCut) {
    Router router;
    router.add(Method::get, "/huge", [](Request&) -> Task<Response> {
        co_return Response::text(200, std::string(32UL * 1024 * 1024, 'x'));
    });
    ServerOptions options = impatient();
    options.min_rate = 1'000'000'000;
    TestServer server(std::move(options), std::move(router));
    RawClient client(server.port());
    client.small_receive_buffer();
    client.send("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(client.receive()) << "the answer has begun";
    EXPECT_TRUE(eventually([&] { return server.server->stats().connections == 0; }));
    EXPECT_LT(client.read_to_end().size(), 32UL * 1024 * 1024);
}

TEST(ServerTimeout, LingeringEndsWithAClientThatKeepsSending) {
    TestServer server(impatient());
    RawClient client(server.port());
    client.send("\x01");
    EXPECT_EQ(client.read().status, 400);
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(eventually([&] {
        client.send("x");
        return server.server->stats().connections == 0;
    }));
}

}  // namespace
}  // namespace slipway::http::test
