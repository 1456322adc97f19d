#include "http/in_process.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace slipway::http {
namespace {

Response ask(const Router& router, Method method, std::string_view target, std::string body = {}) {
    auto request = make_request(method, target, std::move(body));
    EXPECT_TRUE(request);
    boost::asio::io_context context;
    auto answer = boost::asio::co_spawn(context, answer_in_process(router, *request), boost::asio::use_future);
    context.run();
    return answer.get();
}

TEST(InProcess, AnswersLikeAServer) {
    Router router;
    router.group("/v1", {.renderer = [](int status, const Error&) { return Response::text(status, "styled"); },
                         .filter = [](Request& request) -> Task<std::optional<Response>> {
                             if (request.query("key") == "right") co_return std::nullopt;
                             co_return Response::empty(401);
                         }});
    router.add(Method::post, "/v1/:name/*rest", [](Request& request) -> Task<Response> {
        co_return Response::text(200, std::string(request.param("name")) + "|" +
                                          std::string(request.param("rest")) + "|" + request.body);
    });
    router.add(Method::get, "/v1/throws", [](Request&) -> Task<Response> {
        throw std::runtime_error("private");
        co_return Response::empty(200);
    });
    EXPECT_EQ(std::get<std::string>(ask(router, Method::post, "/v1/a/b/c/?key=right", "{}").body), "a|b/c|{}");
    EXPECT_EQ(ask(router, Method::post, "/v1/a/b").status, 401);
    const Response wrong = ask(router, Method::delete_, "/v1/a/b");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers.front().second, "POST, OPTIONS");
    EXPECT_EQ(ask(router, Method::options, "/v1/a/b").status, 204);
    EXPECT_EQ(std::get<std::string>(ask(router, Method::get, "/v1/none").body), "styled");
    EXPECT_EQ(ask(router, Method::get, "/v1/throws?key=right").status, 500);
}

}  // namespace
}  // namespace slipway::http
