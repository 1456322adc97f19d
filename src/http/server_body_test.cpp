// Request bodies: limits, chunked coding, expectations, and what happens to a body nobody wants.
#include <gtest/gtest.h>

#include "http/test_client.h"

namespace slipway::http::test {
namespace {

ServerOptions with_limit(std::size_t bytes) {
    ServerOptions options = TestServer::quick();
    options.body_bytes = bytes;
    return options;
}

TEST(ServerBody, TakesUpToTheLimitAndNotOneByteMore) {
    TestServer server(with_limit(1000));
    RawClient client(server.port());
    EXPECT_EQ(client.post("/echo", std::string(1000, 'x')).body.size(), 1000U);
    const Answer answer = client.post("/echo", std::string(1001, 'x'));
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.body, R"({"error":"the body is larger than 1000 bytes"})");
    EXPECT_EQ(client.get("/hello").status, 200) << "a small unwanted body does not cost the connection";
}

TEST(ServerBody, LargeBodiesArriveWhole) {
    TestServer server;
    RawClient client(server.port());
    std::string body(1000 * 1000, 'x');
    for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
    EXPECT_TRUE(client.post("/echo", body).body == body);
    EXPECT_EQ(client.get("/hello").body, "hello");
}

TEST(ServerBody, RoutesMayHaveTheirOwnLimit) {
    Router router;
    const Handler size = [](Request& request) -> Task<Response> {
        co_return Response::text(200, std::to_string(request.body.size()));
    };
    router.add(Method::post, "/small", size, {.max_body = 10});
    router.add(Method::post, "/large", size, {.max_body = 5000});
    TestServer server(with_limit(1000), std::move(router));
    RawClient client(server.port());
    EXPECT_EQ(client.post("/small", std::string(11, 'x')).status, 413);
    EXPECT_EQ(client.post("/large", std::string(5000, 'x')).body, "5000");
}

TEST(ServerBody, ARefusedUploadIsReadOnUntilTheClientHasSeenTheAnswer) {
    TestServer server(with_limit(1000));
    RawClient client(server.port());
    // Far more than the socket buffers hold: were the connection closed under the client, it would get a reset
    // before the answer.
    const std::string body(8UL * 1024 * 1024, 'x');
    EXPECT_EQ(client.post("/echo", body).status, 413);
    client.shutdown_write();
    EXPECT_TRUE(client.at_end());
}

TEST(ServerBody, ChunkedBodiesWorkAndAreLimited) {
    TestServer server(with_limit(10));
    RawClient client(server.port());
    const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n";
    client.send(head + "3\r\nabc\r\n4;ext=\"1\"\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n" + head + "0\r\n\r\n");
    EXPECT_EQ(client.read().body, "abcdefg");
    EXPECT_EQ(client.read().body, "");
    client.send(head + "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n");
    EXPECT_EQ(client.read().status, 413);
    EXPECT_TRUE(client.at_end());
}

TEST(ServerBody, ChunkedBodiesMayArriveByteByByte) {
    TestServer server;
    RawClient client(server.port());
    for (const char c : std::string_view("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")) {
        ASSERT_TRUE(client.send(std::string_view(&c, 1)));
    }
    EXPECT_EQ(client.read().body, "abcd");
    EXPECT_EQ(client.get("/hello").body, "hello");
}

TEST(ServerBody, ContinueIsSentOnlyWhenTheBodyIsWanted) {
    TestServer server(with_limit(1000));
    RawClient client(server.port());
    const auto ask = [&](std::string_view target, std::string_view expect, std::size_t length) {
        client.send("POST " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nExpect: " + std::string(expect) +
                    "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n");
    };
    ask("/echo", "100-Continue", 3);
    EXPECT_EQ(client.read().status, 100);
    client.send("abc");
    EXPECT_EQ(client.read().body, "abc");
    ask("/echo", "100-continue", 0);
    EXPECT_EQ(client.read().status, 200) << "nothing to wait for";
    ask("/echo", "100-continue", 1001);
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.header("connection"), "close") << "nobody knows whether the body will come";
}

TEST(ServerBody, ExpectationsThatCannotBeMetGetFinalAnswersAtOnce) {
    TestServer server;
    RawClient unknown_path(server.port());
    unknown_path.send("POST /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(unknown_path.read().status, 404);
    RawClient unknown_expectation(server.port());
    unknown_expectation.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(unknown_expectation.read().status, 417);
    RawClient old(server.port());
    old.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(old.read().body, "abc") << "HTTP/1.0 knows no 100";
}

TEST(ServerBody, ABodyOnARouteThatIsNotThereIsDropped) {
    TestServer server;
    RawClient client(server.port());
    EXPECT_EQ(client.post("/no", "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
    EXPECT_EQ(client.post("/hello", "{}").status, 405);
    EXPECT_EQ(client.get("/hello").body, "hello");
    const Answer answer = client.post("/no", std::string(70000, 'x'));
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.header("connection"), "close");
}

TEST(ServerBody, GetMayHaveABody) {
    TestServer server;
    RawClient client(server.port());
    EXPECT_EQ(client.get("/hello", "Content-Length: 0\r\n").body, "hello");
    client.send(
        "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read().body, "hello");
    EXPECT_EQ(client.read().body, "hello");
}

TEST(ServerBody, HalfABodyNeverReachesAHandler) {
    std::atomic<int> calls = 0;
    Router router;
    router.add(Method::post, "/count", [&](Request&) -> Task<Response> {
        ++calls;
        co_return Response::empty(204);
    });
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    client.shutdown_write();
    EXPECT_EQ(client.read().status, 400);
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(calls, 0);
}

TEST(ServerBody, AFilterAnswersBeforeTheBodyIsRead) {
    Router router = TestServer::routes();
    router.group("/echo", {.filter = [](Request& request) -> Task<std::optional<Response>> {
                     if (request.headers.get("authorization")) co_return std::nullopt;
                     co_return Response::text(401, "who are you");
                 }});
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    EXPECT_EQ(client.post("/echo", "x", "Authorization: k\r\n").body, "x");
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, 401) << "without a byte of the body";
    EXPECT_EQ(answer.header("connection"), "close");
}

}  // namespace
}  // namespace slipway::http::test
