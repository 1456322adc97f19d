// Graceful stop: what is in flight is finished, what idles is closed, what does not end is cut.
#include <future>

#include <gtest/gtest.h>

#include "http/test_client.h"

namespace slipway::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Waiting {
    std::shared_ptr<Gate> begun = std::make_shared<Gate>();
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    Router router() const {
        Router out = TestServer::routes();
        out.add(Method::get, "/wait", [begun = begun, gate = gate](Request&) -> Task<Response> {
            begun->open();
            co_await gate->pass();
            co_return Response::text(200, "waited");
        });
        return out;
    }
};

TEST(ServerStop, FinishesWhatIsInFlightAndSaysClose) {
    const Waiting waiting;
    TestServer server(TestServer::quick(), waiting.router());
    RawClient busy(server.port());
    RawClient idle(server.port());
    EXPECT_EQ(idle.get("/hello").status, 200);
    busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(waiting.begun->wait());
    auto stopped = std::async(std::launch::async, [&] { server.server->stop(seconds(10)); });
    EXPECT_TRUE(idle.at_end()) << "idle connections go first";
    EXPECT_EQ(stopped.wait_for(milliseconds(5)), std::future_status::timeout);
    waiting.gate->open();
    const Answer answer = busy.read();
    EXPECT_EQ(answer.body, "waited");
    EXPECT_EQ(answer.header("connection"), "close");
    busy.close();
    stopped.get();
    RawClient late(server.port());
    EXPECT_FALSE(late.connected());
}

TEST(ServerStop, FinishesARequestThatIsStillArriving) {
    TestServer server;
    RawClient client(server.port());
    EXPECT_EQ(client.get("/hello").status, 200);
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    ASSERT_EQ(client.read().status, 100) << "now it is half in";
    auto stopped = std::async(std::launch::async, [&] { server.server->stop(seconds(10)); });
    EXPECT_TRUE(eventually([&] { return !RawClient(server.port()).connected(); }));
    client.send("abc");
    const Answer answer = client.read();
    EXPECT_EQ(answer.body, "abc");
    EXPECT_EQ(answer.header("connection"), "close");
    client.close();
    stopped.get();
}

TEST(ServerStop, CutsWhatIsLeftAfterTheGrace) {
    const Waiting waiting;
    TestServer server(TestServer::quick(), waiting.router());
    RawClient stuck(server.port());
    RawClient half(server.port());
    stuck.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    half.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    ASSERT_EQ(half.read().status, 100);
    ASSERT_TRUE(waiting.begun->wait());
    server.server->stop(milliseconds(20));
    EXPECT_EQ(stuck.read().status, 0);
    EXPECT_EQ(half.read().status, 0);
}

TEST(ServerStop, DrainLeavesOtherWorkRunning) {
    TestServer server;
    std::promise<void> ran;
    server.server->drain(seconds(1));
    boost::asio::post(server.server->executors().front(), [&] { ran.set_value(); });
    EXPECT_EQ(ran.get_future().wait_for(seconds(10)), std::future_status::ready);
    server.server->stop(seconds(1));
}

TEST(ServerStop, IsSafeTwiceAndBeforeStart) {
    TestServer server;
    server.server->stop(seconds(1));
    server.server->stop(seconds(1));
    SystemClock clock;
    SystemRandom random;
    Server never({.listen = {"127.0.0.1:0"}}, TestServer::routes(), clock, random);
    never.stop(seconds(1));
}

TEST(ServerStop, OtherWorkThatWaitsIsDestroyedWithTheServer) {
    auto token = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = token;
    {
        TestServer server;
        auto never = std::make_shared<Gate>();
        boost::asio::co_spawn(
            server.server->executors().front(),
            [](std::shared_ptr<int>, std::shared_ptr<Gate> gate) -> Task<void> { co_await gate->pass(); }(
                                                                     std::move(token), never),
            [](const std::exception_ptr&) {});
    }
    EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace slipway::http::test
