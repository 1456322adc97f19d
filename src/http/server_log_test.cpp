// What the access log and the observer are told, and above all what they are not.
#include <gtest/gtest.h>

#include "http/test_client.h"

namespace slipway::http::test {
namespace {

Router secret_routes() {
    Router router;
    router.add(Method::get, "/v1/redis/url/:name", answer_text("found"), {.redacted = {"name"}});
    router.add(Method::get, "/plain/:name", answer_text("found"));
    router.add(Method::get, "/throws", [](Request&) -> Task<Response> {
        throw std::runtime_error("private cause");
        co_return Response::empty(200);
    });
    router.add(Method::get, "/splits", [](Request&) -> Task<Response> {
        co_return Response::empty(200).with("X-A", "b\r\nSet-Cookie: stolen");
    });
    return router;
}

// The log lines of what `use` does to a server.
template <class Use>
std::string logged(Use use) {
    testing::internal::CaptureStderr();
    {
        ServerOptions options = TestServer::quick();
        options.access_log = true;
        TestServer server(std::move(options), secret_routes());
        use(server);
    }
    return testing::internal::GetCapturedStderr();
}

TEST(ServerLog, OneLineForEachRequest) {
    const std::string log = logged([](TestServer& server) {
        RawClient client(server.port());
        client.get("/plain/a%20b?q=1", "X-Request-Id: the-id\r\n");
    });
    EXPECT_NE(log.find(" http request method=GET path=\"/plain/a b\" status=200 bytes=5 ms="), std::string::npos)
        << log;
    EXPECT_NE(log.find(" request=the-id peer=127.0.0.1:"), std::string::npos) << log;
    EXPECT_EQ(std::ranges::count(log, '\n'), 1);
}

TEST(ServerLog, NoSecretOfAPathAQueryOrAHeaderIsEverPrinted) {
    const std::string log = logged([](TestServer& server) {
        const auto visit = [&](std::string_view request) {
            RawClient client(server.port());
            client.send(request);
            client.shutdown_write();
            EXPECT_FALSE(client.read_to_end().empty()) << request;
        };
        const std::string host = " HTTP/1.1\r\nHost: x\r\n\r\n";
        visit("GET /v1/redis/url/default:SECRET@oct-f592509d" + host);
        visit("GET /v1/redis/url/default:SECRET@oct-f592509d/" + host);
        visit("PUT /v1/redis/url/default:SECRET@oct-f592509d" + host);
        visit("HEAD /v1/redis/url/default:SECRET@oct-f592509d" + host);
        visit("OPTIONS /v1/redis/url/default:SECRET@oct-f592509d" + host);
        visit("GET /v1/redis/url/default:SECRET@oct-f592509d/more" + host);
        visit("GET /v1/redis/url/default:SECRET%2F@oct-f592509d" + host);
        visit("GET /elsewhere/SECRET?key=SECRET" + host);
        visit("GET /plain/x?key=SECRET" + host);
        visit("GET http://SECRET@host/plain/x" + host);
        visit("SECRET /plain/x" + host);
        visit("GET /plain/x HTTP/1.1\r\nHost: SECRET@x\r\nX: y\r\n\r\n");
        visit("GET /plain/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\r\nSECRET\r\n\r\n");
        visit("GET /plain/x HTTP/1.1\r\nHost: x\r\nX-Request-Id: SECRET value\r\n\r\n");
        visit("GET /throws?SECRET HTTP/1.1\r\nHost: x\r\nAuthorization: SECRET\r\n\r\n");
    });
    EXPECT_EQ(log.find("SECRET"), std::string::npos) << log;
    EXPECT_NE(log.find("path=/v1/redis/url/[redacted] status=200"), std::string::npos) << log;
    EXPECT_NE(log.find("path=unmatched status=404"), std::string::npos) << log;
}

TEST(ServerLog, AThrowingHandlerIsA500WithoutItsCause) {
    Answer answer;
    const std::string log = logged([&](TestServer& server) {
        RawClient client(server.port());
        answer = client.get("/throws");
        EXPECT_EQ(client.get("/plain/x").status, 200) << "the connection survives";
    });
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, R"({"error":"internal error"})");
    EXPECT_NE(log.find("private cause"), std::string::npos) << log;
}

TEST(ServerLog, AHeaderThatWouldSplitTheAnswerIsA500) {
    Answer answer;
    const std::string log = logged([&](TestServer& server) {
        RawClient client(server.port());
        answer = client.get("/splits");
    });
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.header("set-cookie"), "");
    EXPECT_EQ(log.find("stolen"), std::string::npos) << log;
}

TEST(ServerLog, CanBeSwitchedOffWithoutTheObserver) {
    struct Seen {
        std::string label;
        int status = 0;
        std::size_t in = 0;
        std::size_t out = 0;
    };
    std::mutex mutex;
    std::vector<Seen> seen;
    testing::internal::CaptureStderr();
    {
        ServerOptions options = TestServer::quick();
        options.observer = [&](const RequestSummary& summary) {
            const std::lock_guard lock(mutex);
            seen.push_back({std::string(summary.label), summary.status, summary.bytes_in, summary.bytes_out});
        };
        TestServer server(std::move(options));
        RawClient client(server.port());
        client.get("/items/x");
        client.post("/echo", "abc");
        client.get("/no");
        client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        client.read(true);
        client.send("\x01");
        client.read();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_EQ(seen[0].label, "/items/:name");
    EXPECT_EQ(seen[1].in, 3U);
    EXPECT_EQ(seen[1].out, 3U);
    EXPECT_EQ(seen[2].label, "unmatched");
    EXPECT_EQ(seen[3].out, 0U);
    EXPECT_EQ(seen[4].status, 400);
}

}  // namespace
}  // namespace slipway::http::test
