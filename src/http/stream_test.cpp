// Answers whose body is produced piece by piece, and the text of server-sent events.
#include <future>

#include <gtest/gtest.h>

#include "http/sse.h"
#include "http/test_client.h"

namespace slipway::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Router streaming(StreamBody body) {
    Router router = TestServer::routes();
    router.add(Method::get, "/stream", [body = std::move(body)](Request&) -> Task<Response> {
        co_return Response::stream(std::string(kEventStream), body);
    });
    return router;
}

TEST(Stream, SendsChunksAndKeepsTheConnection) {
    TestServer server(TestServer::quick(), streaming([](Writer& writer) -> Task<Status> {
                          for (int i = 0; i < 3; ++i) {
                              const std::string event = sse_event("tick", std::to_string(i), "data");
                              if (const Status sent = co_await writer.write(event); !sent) co_return sent;
                          }
                          co_return co_await writer.write("");
                      }));
    RawClient client(server.port());
    const Answer answer = client.get("/stream");
    EXPECT_EQ(answer.header("transfer-encoding"), "chunked");
    EXPECT_EQ(answer.header("content-type"), "text/event-stream; charset=UTF-8");
    EXPECT_FALSE(answer.headers.contains("content-length"));
    EXPECT_EQ(answer.body,
              "event: tick\nid: 0\ndata: data\n\nevent: tick\nid: 1\ndata: data\n\n"
              "event: tick\nid: 2\ndata: data\n\n");
    EXPECT_EQ(client.get("/hello").body, "hello");
}

TEST(Stream, EachPieceLeavesAtOnce) {
    auto gate = std::make_shared<Gate>();
    TestServer server(TestServer::quick(), streaming([gate](Writer& writer) -> Task<Status> {
                          if (const Status sent = co_await writer.write("first"); !sent) co_return sent;
                          co_await gate->pass();
                          co_return co_await writer.write("second");
                      }));
    RawClient client(server.port());
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(eventually([&] { return client.receive() && client.received().ends_with("5\r\nfirst\r\n"); }));
    gate->open();
    EXPECT_EQ(client.read().body, "firstsecond");
}

TEST(Stream, Http10EndsWithTheConnectionAndHeadHasNoBody) {
    TestServer server(TestServer::quick(), streaming([](Writer& writer) -> Task<Status> {
                          co_return co_await writer.write("all of it");
                      }));
    RawClient old(server.port());
    old.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Answer answer = old.read();
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_EQ(answer.body, "all of it");
    RawClient head(server.port());
    head.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(head.read(true).status, 200);
    EXPECT_EQ(head.get("/hello").body, "hello");
}

TEST(Stream, AFailureIsNoWholeBody) {
    for (const bool throws : {false, true}) {
        TestServer server(TestServer::quick(), streaming([throws](Writer& writer) -> Task<Status> {
                              co_await writer.write("half");
                              if (throws) throw std::runtime_error("broken");
                              co_return fail(ErrorCode::cancelled, "source ended");
                          }));
        RawClient client(server.port());
        client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        const std::string all = client.read_to_end();
        EXPECT_FALSE(all.ends_with("0\r\n\r\n")) << all;
    }
}

TEST(Stream, EndsWhenTheClientIsGone) {
    auto ended = std::make_shared<Gate>();
    TestServer server(TestServer::quick(), streaming([ended](Writer& writer) -> Task<Status> {
                          Status sent;
                          while (sent) {
                              sent = co_await writer.write(kHeartbeat);
                              co_await writer.pause(milliseconds(1));
                          }
                          ended->open();
                          co_return sent;
                      }));
    {
        RawClient client(server.port());
        client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        ASSERT_TRUE(client.receive());
        client.abort();
    }
    EXPECT_TRUE(ended->wait());
    EXPECT_TRUE(eventually([&] { return server.server->stats().connections == 0; }));
}

TEST(Stream, AStopWakesAStreamThatPauses) {
    TestServer server(TestServer::quick(), streaming([](Writer& writer) -> Task<Status> {
                          Status sent = co_await writer.write("open");
                          while (sent && co_await writer.pause(seconds(60)))
                              sent = co_await writer.write(kHeartbeat);
                          if (!sent) co_return sent;
                          co_return co_await writer.write("bye");
                      }));
    RawClient client(server.port());
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return client.receive() && client.received().ends_with("open\r\n"); }));
    auto stopped = std::async(std::launch::async, [&] { server.server->stop(seconds(30)); });
    EXPECT_EQ(client.read().body, "openbye") << "the stream ends in order, long before its pause";
    client.close();
    stopped.get();
}

TEST(Stream, AClientThatDoesNotReadIsCut) {
    auto ended = std::make_shared<Gate>();
    ServerOptions options = TestServer::quick();
    options.write_timeout = milliseconds(50);
    options.min_rate = 1'000'000'000;
    TestServer server(std::move(options), streaming([ended](Writer& writer) -> Task<Status> {
                          const std::string piece(256UL * 1024, 'x');
                          Status sent;
                          while (sent) sent = co_await writer.write(piece);
                          ended->open();
                          co_return sent;
                      }));
    RawClient client(server.port());
    client.small_receive_buffer();
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(ended->wait());
}

TEST(Sse, LineBreaksInDataStayDataAndElsewhereVanish) {
    EXPECT_EQ(sse_event("", "", "a"), "data: a\n\n");
    EXPECT_EQ(sse_event("e\nx", "1\r2", "a\nb\r\nc\rd\n"),
              "event: ex\nid: 12\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
    EXPECT_EQ(sse_event("", "", ""), "data: \n\n");
}

}  // namespace
}  // namespace slipway::http::test
