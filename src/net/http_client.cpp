#include "net/http_client.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/none.hpp>
#include <fmt/format.h>

#include "base/address.h"

namespace slipway::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

using Failure = boost::system::error_code;

bool safe_value(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool safe_target(std::string_view text) {
    return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::unexpected<Error> failed(const Origin& origin, std::string_view doing, const Failure& why) {
    if (why == beast::error::timeout || why == asio::error::timed_out) {
        return fail(ErrorCode::timeout, fmt::format("{} took too long at {}", doing, origin.url()));
    }
    if (why == bhttp::error::body_limit) {
        return fail(ErrorCode::too_large, fmt::format("the answer of {} is too large", origin.url()));
    }
    const bool no_http = why.category() == make_error_code(bhttp::error::bad_version).category();
    if (no_http && why != bhttp::error::end_of_stream && why != bhttp::error::partial_message) {
        return fail(ErrorCode::malformed, fmt::format("what answers at {} is not HTTP", origin.url()),
                    why.message());
    }
    return fail(ErrorCode::unavailable, fmt::format("{} failed at {}: {}", doing, origin.url(), why.message()));
}

using Message = bhttp::request<bhttp::string_body>;

Result<Message> message_of(const Origin& origin, HttpCall& call) {
    const std::string target = origin.base + call.target;
    bool safe = safe_target(target) && safe_value(call.bearer.reveal()) && safe_value(call.method);
    for (const auto& [name, value] : call.headers) safe = safe && safe_value(name) && safe_value(value);
    if (!safe)
        return fail(ErrorCode::invalid_argument, "the request has a target or a field that HTTP cannot carry");
    Message message;
    message.version(11);
    message.method_string(call.method);
    message.target(target);
    const bool ipv6 = origin.host.find(':') != std::string::npos;
    message.set(bhttp::field::host, ipv6 ? fmt::format("[{}]:{}", origin.host, origin.port)
                                         : fmt::format("{}:{}", origin.host, origin.port));
    message.set(bhttp::field::connection, "close");
    if (!call.bearer.empty()) message.set(bhttp::field::authorization, "Bearer " + call.bearer.reveal());
    if (!call.body.empty()) message.set(bhttp::field::content_type, call.body_type);
    for (const auto& [name, value] : call.headers) message.set(name, value);
    message.body() = std::move(call.body);
    message.prepare_payload();
    return message;
}

// Beast's stream bounds connecting, but a name server may be slow as well.
Task<Result<asio::ip::tcp::resolver::results_type>> resolve(const Origin& origin, Duration limit) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::resolver resolver(executor);
    asio::steady_timer timer(executor, limit);
    bool over = false;
    timer.async_wait([&](const Failure& cancelled) {
        if (cancelled) return;
        over = true;
        resolver.cancel();
    });
    Failure why;
    auto found = co_await resolver.async_resolve(origin.host, fmt::format("{}", origin.port),
                                                 asio::redirect_error(asio::use_awaitable, why));
    // The handler above refers to this frame: it has to have run before the frame goes.
    timer.cancel();
    co_await asio::post(executor, asio::use_awaitable);
    if (over) why = asio::error::timed_out;
    if (why) co_return failed(origin, "looking up the name", why);
    co_return found;
}

using Parser = bhttp::response_parser<bhttp::string_body>;

// Piece by piece into the sink; each piece has the whole limit.
template <class Stream>
Task<Failure> pass_on(Stream& stream, beast::flat_buffer& buffer, Parser& parser, const HttpCall& call) {
    Failure why;
    std::string& body = parser.get().body();
    for (;;) {
        if (!body.empty() && !call.sink(body)) co_return Failure();
        body.clear();
        if (parser.is_done()) co_return Failure();
        beast::get_lowest_layer(stream).expires_after(call.answer_limit);
        co_await bhttp::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, why));
        if (why) co_return why;
    }
}

template <class Stream>
Task<Failure> read_answer(Stream& stream, Parser& parser, const HttpCall& call) {
    Failure why;
    beast::flat_buffer buffer;
    parser.body_limit(call.max_answer);
    if (call.method == "HEAD") parser.skip(true);
    co_await bhttp::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, why));
    if (why) co_return why;
    if (call.sink && parser.get().result_int() / 100 == 2) {
        parser.body_limit(boost::none);
        co_return co_await pass_on(stream, buffer, parser, call);
    }
    if (parser.is_done()) co_return Failure();
    co_await bhttp::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, why));
    co_return why;
}

template <class Stream>
Task<Result<HttpAnswer>> converse(Stream& stream, const Origin& origin, const Message& message,
                                  const HttpCall& call) {
    Failure why;
    beast::get_lowest_layer(stream).expires_after(call.answer_limit);
    co_await bhttp::async_write(stream, message, asio::redirect_error(asio::use_awaitable, why));
    if (why) co_return failed(origin, "sending the request", why);
    Parser parser;
    why = co_await read_answer(stream, parser, call);
    if (why) co_return failed(origin, "reading the answer", why);
    HttpAnswer answer;
    answer.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) {
        answer.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    answer.body = std::move(parser.get().body());
    co_return answer;
}

// The certificate is checked in here, before a byte of the request is sent.
Task<Status> shake_hands(asio::ssl::stream<beast::tcp_stream&>& stream, const Origin& origin,
                         const HttpCall& call) {
    if (!Trust::demand(stream.native_handle(), origin.host)) {
        co_return fail(ErrorCode::invalid_argument, fmt::format("{} has no host that TLS can check", origin.url()));
    }
    Failure why;
    stream.next_layer().expires_after(call.connect_limit);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, why));
    if (!why) co_return Status();
    if (const std::string complaint = Trust::complaint(stream.native_handle()); !complaint.empty()) {
        co_return fail(ErrorCode::unauthenticated,
                       fmt::format("the server at {} could not show that it is the one asked for: {}", origin.url(),
                                   complaint));
    }
    if (why.category() == asio::error::get_ssl_category()) {
        co_return fail(ErrorCode::malformed,
                       fmt::format("what answers at {} speaks no TLS that this client takes", origin.url()),
                       why.message());
    }
    co_return failed(origin, "the TLS handshake", why);
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
    for (const auto& [field, value] : headers) {
        if (beast::iequals(field, beast::string_view(name.data(), name.size()))) return value;
    }
    return {};
}

Task<Result<HttpAnswer>> http_call(Origin origin, HttpCall call) {
    auto message = message_of(origin, call);
    if (!message) co_return fail(std::move(message.error()));
    const auto places = co_await resolve(origin, call.connect_limit);
    if (!places) co_return fail(places.error());
    // What is connected to is what was checked: the name is not looked up again.
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto& place : *places) {
        if (!call.public_only || is_public(place.endpoint().address())) endpoints.push_back(place.endpoint());
    }
    if (endpoints.empty()) {
        co_return fail(ErrorCode::forbidden,
                       fmt::format("{} is not an address of the public Internet", origin.host));
    }
    beast::tcp_stream stream(co_await asio::this_coro::executor);
    Failure why;
    stream.expires_after(call.connect_limit);
    co_await stream.async_connect(endpoints, asio::redirect_error(asio::use_awaitable, why));
    if (why) co_return failed(origin, "connecting", why);
    if (!origin.https) co_return co_await converse(stream, origin, *message, call);
    auto trust = call.trust ? Result<std::shared_ptr<const Trust>>(call.trust) : Trust::load();
    if (!trust) co_return fail(std::move(trust.error()));
    asio::ssl::stream<beast::tcp_stream&> secured(stream, (*trust)->context());
    if (const Status met = co_await shake_hands(secured, origin, call); !met) co_return fail(met.error());
    co_return co_await converse(secured, origin, *message, call);
}

Result<HttpAnswer> http_call_blocking(const Origin& origin, HttpCall call) {
    asio::io_context context(1);
    Result<HttpAnswer> answer = fail(ErrorCode::internal, "the request did not end");
    asio::co_spawn(context, http_call(origin, std::move(call)),
                   [&](const std::exception_ptr& thrown, Result<HttpAnswer> result) {
                       if (!thrown) answer = std::move(result);
                   });
    context.run();
    return answer;
}

}  // namespace slipway::net
