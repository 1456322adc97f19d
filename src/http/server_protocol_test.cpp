// What HTTP asks of a server, over real sockets: methods, keep-alive, order, versions, ids.
#include <gtest/gtest.h>

#include "http/test_client.h"

namespace slipway::http::test {
namespace {

TEST(ServerProtocol, EveryAnswerCarriesTheCommonFields) {
    TestServer server;
    RawClient client(server.port());
    for (const Answer& answer : {client.get("/hello"), client.get("/nothing")}) {
        EXPECT_EQ(answer.header("server"), "slipway");
        EXPECT_TRUE(answer.header("date").ends_with(" GMT")) << answer.header("date");
        EXPECT_FALSE(answer.header("x-request-id").empty());
        EXPECT_EQ(answer.header("content-length"), std::to_string(answer.body.size()));
        EXPECT_EQ(answer.header("connection"), "");
    }
    EXPECT_EQ(client.get("/nothing").header("content-type"), "application/json; charset=UTF-8");
    EXPECT_EQ(client.get("/nothing").body, R"({"error":"no such path"})");
}

TEST(ServerProtocol, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
    TestServer server;
    RawClient client(server.port());
    std::string burst;
    for (int i = 0; i < 500; ++i) {
        burst += "GET /items/" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
        burst += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok";
    }
    ASSERT_TRUE(client.send(burst));
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(client.read().body, std::to_string(i));
        ASSERT_EQ(client.read().body, "ok");
    }
    EXPECT_EQ(server.server->stats().connections, 1U);
}

TEST(ServerProtocol, AnEarlierPipelinedAnswerDoesNotWaitForALaterHandler) {
    auto gate = std::make_shared<Gate>();
    Router router = TestServer::routes();
    router.add(Method::get, "/wait", [gate](Request&) -> Task<Response> {
        co_await gate->pass();
        co_return Response::text(200, "waited");
    });
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read().body, "hello");
    EXPECT_FALSE(client.readable(std::chrono::milliseconds(5)));
    gate->open();
    EXPECT_EQ(client.read().body, "waited");
}

TEST(ServerProtocol, RequestsMayArriveByteByByte) {
    TestServer server;
    RawClient client(server.port());
    for (const char c : std::string_view("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")) {
        ASSERT_TRUE(client.send(std::string_view(&c, 1)));
    }
    EXPECT_EQ(client.read().body, "abc");
}

TEST(ServerProtocol, HeadHasTheHeadOfGetAndNoBody) {
    TestServer server;
    RawClient client(server.port());
    client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD /no HTTP/1.1\r\nHost: x\r\n\r\n");
    const Answer head = client.read(true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("content-length"), "5");
    EXPECT_EQ(client.read(true).status, 404);
    EXPECT_EQ(client.get("/hello").body, "hello") << "no stray body bytes";
}

TEST(ServerProtocol, OptionsAndWrongMethodsNameWhatIsAllowed) {
    TestServer server;
    RawClient client(server.port());
    client.send("OPTIONS /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    Answer answer = client.read();
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.header("allow"), "GET, HEAD, OPTIONS");
    EXPECT_FALSE(answer.headers.contains("content-length")) << "a 204 has none";
    client.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read().status, 204);
    client.send("DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    answer = client.read();
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.header("allow"), "POST, OPTIONS");
    client.send("OPTIONS /no HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read().status, 404);
    EXPECT_EQ(client.get("*").status, 400);
    EXPECT_EQ(client.get("/hello").status, 200) << "none of these costs the connection";
}

TEST(ServerProtocol, TrailingSlashMatchesEveryRoute) {
    TestServer server;
    RawClient client(server.port());
    EXPECT_EQ(client.get("/hello/").body, "hello");
    EXPECT_EQ(client.get("/items/a%20b/?x=1").body, "a b");
}

TEST(ServerProtocol, AbsoluteFormTargetsReachTheSameRoute) {
    TestServer server;
    RawClient client(server.port());
    EXPECT_EQ(client.get("http://elsewhere:80/hello").body, "hello");
}

TEST(ServerProtocol, RequestIdIsEchoedOnlyWhenItIsHarmless) {
    TestServer server;
    RawClient client(server.port());
    EXPECT_EQ(client.get("/hello", "X-Request-Id: Ab9._-z\r\n").header("x-request-id"), "Ab9._-z");
    EXPECT_EQ(client.get("/no", "x-request-id: " + std::string(64, 'a') + "\r\n").header("x-request-id"),
              std::string(64, 'a'));
    for (const std::string& bad :
         {std::string(65, 'a'), std::string("a b"), std::string("a\xc3\xa9"), std::string()}) {
        const Answer answer = client.get("/hello", "X-Request-Id: " + bad + "\r\n");
        EXPECT_NE(answer.header("x-request-id"), bad);
        EXPECT_FALSE(answer.header("x-request-id").empty());
    }
    EXPECT_NE(client.get("/hello").header("x-request-id"), client.get("/hello").header("x-request-id"));
}

TEST(ServerProtocol, Http10ClosesUnlessAsked) {
    TestServer server;
    RawClient kept(server.port());
    kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    Answer answer = kept.read();
    EXPECT_EQ(answer.body, "hello") << "HTTP/1.0 needs no Host";
    EXPECT_EQ(answer.header("connection"), "keep-alive");
    kept.send("GET /hello HTTP/1.0\r\n\r\n");
    answer = kept.read();
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_TRUE(kept.at_end());
}

TEST(ServerProtocol, ConnectionCloseIsHonoured) {
    TestServer server;
    RawClient client(server.port());
    const Answer answer = client.get("/hello", "Connection: close\r\n");
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST(ServerProtocol, RequestsPerConnectionAreBounded) {
    ServerOptions options = TestServer::quick();
    options.max_requests_per_connection = 3;
    TestServer server(std::move(options));
    RawClient client(server.port());
    EXPECT_EQ(client.get("/hello").header("connection"), "");
    EXPECT_EQ(client.get("/hello").header("connection"), "");
    EXPECT_EQ(client.get("/hello").header("connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST(ServerProtocol, AHalfClosedClientStillGetsItsAnswers) {
    auto gate = std::make_shared<Gate>();
    Router router = TestServer::routes();
    router.add(Method::get, "/wait", [gate](Request&) -> Task<Response> {
        co_await gate->pass();
        co_return Response::text(200, "waited");
    });
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    client.shutdown_write();
    gate->open();
    EXPECT_EQ(client.read().body, "waited");
    EXPECT_EQ(client.read().body, "hello");
    EXPECT_TRUE(client.at_end());
}

TEST(ServerProtocol, AClientThatLeavesDoesNotStopTheEffectOfItsRequest) {
    auto gate = std::make_shared<Gate>();
    auto done = std::make_shared<Gate>();
    auto begun = std::make_shared<Gate>();
    Router router;
    router.add(Method::post, "/effect", [=](Request&) -> Task<Response> {
        begun->open();
        co_await gate->pass();
        done->open();
        co_return Response::empty(201);
    });
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    client.send("POST /effect HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(begun->wait());
    client.abort();
    gate->open();
    EXPECT_TRUE(done->wait());
    EXPECT_TRUE(eventually([&] { return server.server->stats().connections == 0; }));
}

TEST(ServerProtocol, HandlersSeeTheRequest) {
    Router router;
    router.add(Method::put, "/a/:one/*rest", [](Request& request) -> Task<Response> {
        co_return Response::json(
            201, json::object{{"one", std::string(request.param("one"))},
                              {"rest", std::string(request.param("rest"))},
                              {"query", std::string(request.query("q").value_or("none"))},
                              {"header", std::string(request.headers.get("x-some").value_or("none"))},
                              {"body", request.body},
                              {"loopback", request.loopback_listener},
                              {"peer", request.peer.starts_with("127.0.0.1:")},
                              {"segments", request.path().size()}})
            .with("Location", "/a/1");
    });
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    client.send("PUT /a/x%25/y/z?q=1+2 HTTP/1.1\r\nHost: x\r\nX-Some: thing\r\nContent-Length: 2\r\n\r\n{}");
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.header("location"), "/a/1");
    EXPECT_EQ(answer.body,
              R"({"body":"{}","header":"thing","loopback":true,"one":"x%","peer":true,"query":"1 2","rest":"y/z",)"
              R"("segments":4})");
}

TEST(ServerProtocol, StateOfOneRequestDoesNotLeakIntoTheNext) {
    Router router;
    router.group("/in", {.filter = [](Request& request) -> Task<std::optional<Response>> {
                     request.attach(std::string("caller"));
                     co_return std::nullopt;
                 }});
    const Handler tell = [](Request& request) -> Task<Response> {
        const auto* caller = request.attached<std::string>();
        co_return Response::text(200, (caller != nullptr ? *caller : "nobody") + request.body +
                                          std::string(request.headers.get("x-a").value_or("")));
    };
    router.add(Method::post, "/in", tell);
    router.add(Method::get, "/out", tell);
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    EXPECT_EQ(client.post("/in", "+body", "X-A: +field\r\n").body, "caller+body+field");
    EXPECT_EQ(client.get("/out").body, "nobody");
}

}  // namespace
}  // namespace slipway::http::test
