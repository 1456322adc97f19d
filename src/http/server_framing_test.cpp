// Requests that two programs on the way could cut apart in different places (request smuggling), and other input
// that is no HTTP: a clean answer, then the end of the connection.
#include <gtest/gtest.h>

#include "http/test_client.h"

namespace slipway::http::test {
namespace {

struct Shape {
    const char* name;
    std::string request;
    int status;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class BadFraming : public testing::TestWithParam<Shape> {};

TEST_P(BadFraming, IsAnsweredOnceAndCloses) {
    TestServer server;
    RawClient client(server.port());
    // What follows must never be taken for a request of its own.
    client.send(GetParam().request + "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, GetParam().status) << answer.body;
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_FALSE(answer.header("x-request-id").empty());
    EXPECT_TRUE(client.at_end()) << client.received();
}

std::string post(std::string fields, std::string body = "") {
    return "POST /echo HTTP/1.1\r\nHost: x\r\n" + std::move(fields) + "\r\n" + std::move(body);
}

std::string get(std::string target, std::string fields = "Host: x\r\n") {
    return "GET " + std::move(target) + " HTTP/1.1\r\n" + std::move(fields) + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, BadFraming,
    testing::Values(
        Shape{"cl_te", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Shape{"te_cl", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), 400},
        Shape{"cl_twice_same", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
        Shape{"cl_twice_other", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
        Shape{"cl_list", post("Content-Length: 3, 3\r\n", "abc"), 400},
        Shape{"cl_sign", post("Content-Length: +3\r\n", "abc"), 400},
        Shape{"cl_negative", post("Content-Length: -1\r\n"), 400},
        Shape{"cl_hex", post("Content-Length: 0x3\r\n", "abc"), 400},
        Shape{"cl_empty", post("Content-Length: \r\n"), 400},
        Shape{"cl_overflow", post("Content-Length: 99999999999999999999999\r\n"), 400},
        Shape{"te_unknown", post("Transfer-Encoding: gzip\r\n"), 501},
        Shape{"te_unknown_cl", post("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"), 400},
        Shape{"te_list", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
        Shape{"te_not_last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 501},
        Shape{"te_disguised", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
        Shape{"te_quoted", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 501},
        Shape{"te_twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Shape{"te_twice_one_unknown",
              post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400},
        Shape{"te_http10",
              "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n", 400},
        Shape{"folded", post("X: a\r\n b\r\n"), 400},
        Shape{"folded_te", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
        Shape{"space_before_colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
        Shape{"tab_before_colon", post("Content-Length\t: 3\r\n", "abc"), 400},
        Shape{"space_before_first_field", "GET /hello HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        Shape{"no_colon", post("NoColonHere\r\n"), 400}, Shape{"empty_name", post(": value\r\n"), 400},
        Shape{"bare_lf_field", "GET /hello HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400},
        Shape{"bare_lf_all", "GET /hello HTTP/1.1\nHost: x\n\n", 400},
        Shape{"bare_cr", "GET /hello HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400},
        Shape{"nul_in_field", post(std::string("X: a\0b\r\n", 8)), 400},
        Shape{"control_in_field",
              post("X: a\x01"
                   "b\r\n"),
              400},
        Shape{"no_host", get("/hello", ""), 400}, Shape{"two_hosts", get("/hello", "Host: a\r\nHost: b\r\n"), 400},
        Shape{"two_same_hosts", get("/hello", "Host: a\r\nHost: a\r\n"), 400},
        Shape{"host_list", get("/hello", "Host: a, b\r\n"), 400},
        Shape{"host_with_user", get("/hello", "Host: a@b\r\n"), 400},
        Shape{"method_unknown", "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        Shape{"method_lower", "get /hello HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        Shape{"method_connect", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        Shape{"method_wrong_character", "G@T /hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Shape{"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        Shape{"http12", "GET /hello HTTP/1.2\r\nHost: x\r\n\r\n", 505}, Shape{"http09", "GET /hello\r\n\r\n", 400},
        Shape{"other_protocol", "GET /hello FTP/1.1\r\nHost: x\r\n\r\n", 400},
        Shape{"two_spaces", "GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Shape{"trailing_space", "GET /hello HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
        Shape{"tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
        Shape{"dot_dot", get("/a/../hello"), 400}, Shape{"dot_dot_encoded", get("/a/%2e%2E/hello"), 400},
        Shape{"slash_encoded", get("/items/a%2Fb"), 400}, Shape{"nul_encoded", get("/items/a%00b"), 400},
        Shape{"percent_wrong", get("/items/%zz"), 400}, Shape{"percent_cut", get("/items/%4"), 400},
        Shape{"fragment", get("/hello#x"), 400}, Shape{"not_utf8", get("/items/%ff"), 400},
        Shape{"raw_bytes", get("/items/\xff\xfe"), 400}, Shape{"no_slash", get("hello"), 400},
        Shape{"query_wrong", get("/hello?a=%"), 400},
        Shape{"chunk_size_wrong", post("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n"), 400},
        Shape{"chunk_too_long", post("Transfer-Encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n"), 400},
        Shape{"chunk_size_overflow", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabc"), 400},
        Shape{"chunk_bare_lf", post("Transfer-Encoding: chunked\r\n", "3\nabc\n0\n\n"), 400},
        Shape{"chunk_extension_with_control",
              post("Transfer-Encoding: chunked\r\n", "3;a=\"\x06\"\r\nabc\r\n0\r\n\r\n"), 400},
        Shape{"chunk_extension_endless", post("Transfer-Encoding: chunked\r\n", "3;" + std::string(60000, 'x')),
              400},
        Shape{"trailer_endless", post("Transfer-Encoding: chunked\r\n", "0\r\nX: " + std::string(60000, 'x')),
              400}),
    [](const auto& shape) { return std::string(shape.param.name); });

TEST(ServerFraming, ErrorsOfTheServerItselfUseTheRenderer) {
    Router router = TestServer::routes();
    router.set_error_renderer([](int status, const Error& error) {
        return Response::json(status, json::object{{"message", error.message}});
    });
    router.group("/v1", {.renderer = [](int status, const Error&) { return Response::text(status, "v1 style"); }});
    TestServer server(TestServer::quick(), std::move(router));
    RawClient client(server.port());
    EXPECT_EQ(client.get("/v1/none").body, "v1 style");
    EXPECT_EQ(client.get("/none").body, R"({"message":"no such path"})");
    EXPECT_EQ(client.get("/hello", "Host: y\r\n").body, R"({"message":"bad request: wrong Host"})");
}

TEST(ServerFraming, AnEmptyLineBeforeARequestIsForgiven) {
    TestServer server;
    RawClient client(server.port());
    // Old clients send CR LF after a body that Content-Length does not count.
    client.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read().body, "a");
    EXPECT_EQ(client.read().body, "hello");
}

TEST(ServerFraming, OversizedHeadsAre414And431) {
    TestServer server;
    RawClient line(server.port());
    EXPECT_EQ(line.get("/" + std::string(9000, 'a')).status, 414);
    EXPECT_TRUE(line.at_end());
    RawClient unfinished(server.port());
    unfinished.send("GET /" + std::string(9000, 'a'));
    EXPECT_EQ(unfinished.read().status, 414) << "without waiting for the end of the line";
    RawClient fields(server.port());
    EXPECT_EQ(fields.get("/hello", "X: " + std::string(17000, 'a') + "\r\n").status, 431);
    RawClient many(server.port());
    std::string lines;
    for (int i = 0; i < 101; ++i) lines += "A: b\r\n";
    EXPECT_EQ(many.get("/hello", lines).status, 431);
    RawClient fine(server.port());
    EXPECT_EQ(fine.get("/items/x", "X: " + std::string(15000, 'a') + "\r\n").status, 200);
}

}  // namespace
}  // namespace slipway::http::test
