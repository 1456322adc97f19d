// One request and its answer: the part of Connection above the bytes.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "http/connection.h"
#include "http/request_access.h"
#include "http/response_head.h"

namespace slipway::http {
namespace {

namespace asio = boost::asio;

// An unread body up to this size is read and dropped, so that the connection can be kept; a larger one costs the
// client its connection.
constexpr std::size_t kDropBytes = 64UL * 1024;
constexpr std::size_t kReadAtOnce = 16UL * 1024;
constexpr std::size_t kReserve = 64UL * 1024;
// What Beast's parser may leave unused of a chunked body: one chunk header with extensions, or the trailer.
constexpr std::size_t kMaxChunkHeader = 8UL * 1024;
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

bool usable_request_id(std::string_view id) {
    return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

// Counts a running handler for as long as it lives.
class HandlerSlot {
  public:
    explicit HandlerSlot(std::atomic<std::size_t>& count) : count_(count), number_(count.fetch_add(1) + 1) {}
    ~HandlerSlot() { count_.fetch_sub(1); }
    HandlerSlot(const HandlerSlot&) = delete;
    HandlerSlot& operator=(const HandlerSlot&) = delete;
    [[nodiscard]] std::size_t number() const { return number_; }

  private:
    std::atomic<std::size_t>& count_;
    std::size_t number_;
};

}  // namespace

Task<bool> Connection::exchange() {
    if (const auto refusal = begin_request()) {
        reject(*refusal);
        co_return false;
    }
    std::optional<Response> answer = decide();
    if (!answer) answer = co_await filter();
    if (answer) {
        co_await drop_body();
    } else {
        if (parser_.has_body()) answer = co_await take_body();
        if (!answer) answer = co_await handle();
    }
    co_return co_await respond(std::move(*answer));
}

std::optional<Refusal> Connection::begin_request() {
    RequestAccess::reset(request_);
    route_ = nullptr;
    started_ = std::chrono::steady_clock::now();
    head_deadline_.reset();
    ++served_;
    const std::size_t skipped = scanner_.skipped();
    const std::size_t size = scanner_.size();
    auto refusal = parser_.parse_head(input_.view().substr(skipped, size), request_);
    input_.consume(skipped + size);
    scanner_.reset();
    const auto given = request_.headers.get("x-request-id");
    if (given && usable_request_id(*given)) {
        request_.request_id = *given;
    } else {
        request_.request_id = thread_.next_request_id();
    }
    return refusal;
}

// An answer to what cannot be understood: where the next request would begin is unknown, so it is the last one.
void Connection::reject(const Refusal& refusal) {
    close_ = true;
    const Error error{refusal.status == 408 ? ErrorCode::timeout : ErrorCode::malformed, refusal.reason, {}, {}};
    const Response response = core_.router.render_error({}, refusal.status, error);
    const auto* body = std::get_if<std::string>(&response.body);
    const std::string text = body != nullptr ? *body : std::string();
    account(refusal.status, append(response, text));
}

void Connection::reject_unread(const Refusal& refusal) {
    RequestAccess::reset(request_);
    parser_.forget();
    route_ = nullptr;
    started_ = std::chrono::steady_clock::now();
    request_.request_id = thread_.next_request_id();
    reject(refusal);
}

Response Connection::own_error(int status, ErrorCode code, std::string message) const {
    return core_.router.render_error(request_.path(), status, Error{code, std::move(message), {}, {}});
}

std::size_t Connection::body_limit() const {
    return route_ != nullptr ? route_->options.max_body.value_or(core_.options.body_bytes) : 0;
}

bool Connection::expects_continue() const {
    return parser_.version_1_1() && request_.headers.get("expect").has_value();
}

// What can be answered from the head alone. nullopt: there is a route, and its handler may run.
std::optional<Response> Connection::decide() {
    const Target& target = RequestAccess::target(request_);
    if (target.asterisk()) {
        if (request_.method != Method::options) {
            return own_error(400, ErrorCode::malformed, "bad request: \"*\" is for OPTIONS only");
        }
        return Response::empty(204).with("Allow", std::string(kAllMethods));
    }
    Router::Match match = core_.router.match(request_.method, target);
    if (match.route == nullptr) return decide_unmatched(std::move(match.allow));
    route_ = match.route;
    RequestAccess::bind(request_, *route_);
    if (expects_continue() && !equal_ignoring_case(*request_.headers.get("expect"), "100-continue")) {
        return own_error(417, ErrorCode::invalid_argument, "the only expectation supported is 100-continue");
    }
    if (parser_.has_body() && parser_.content_length().value_or(0) > body_limit()) {
        return own_error(413, ErrorCode::too_large, fmt::format("the body is larger than {} bytes", body_limit()));
    }
    return std::nullopt;
}

std::optional<Response> Connection::decide_unmatched(std::string allow) {
    if (allow.empty()) return own_error(404, ErrorCode::not_found, "no such path");
    if (request_.method == Method::options) return Response::empty(204).with("Allow", std::move(allow));
    return own_error(405, ErrorCode::invalid_argument, "this path does not take that method")
        .with("Allow", std::move(allow));
}

Task<std::optional<Response>> Connection::filter() {
    const Filter* filter = core_.router.filter_for(request_.path());
    if (filter == nullptr) co_return std::nullopt;
    flush_when_handler_waits();
    std::string what;
    try {
        co_return co_await (*filter)(request_);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "unknown exception";
    }
    log::error("http", "a filter threw",
               {{"route", route_->options.label}, {"request", request_.request_id}, {"what", what}});
    co_return own_error(500, ErrorCode::internal, "internal error");
}

Task<Response> Connection::handle() {
    const HandlerSlot slot(core_.handlers);
    if (slot.number() > core_.options.max_handlers) {
        co_return own_error(503, ErrorCode::unavailable, "too many requests at once").with("Retry-After", "1");
    }
    flush_when_handler_waits();
    std::string what;
    try {
        co_return co_await route_->handler(request_);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "unknown exception";
    }
    log::error("http", "a handler threw",
               {{"route", route_->options.label}, {"request", request_.request_id}, {"what", what}});
    co_return own_error(500, ErrorCode::internal, "internal error");
}

// Reads the whole body. An answer where that failed.
Task<std::optional<Response>> Connection::take_body() {
    if (expects_continue() && input_.empty()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    parser_.limit_body(body_limit());
    // What is only announced costs no memory yet.
    request_.body.reserve(std::min<std::size_t>(parser_.content_length().value_or(0), kReserve));
    const BodyEnd end = co_await read_body(&request_.body);
    if (end == BodyEnd::complete) co_return std::nullopt;
    close_ = true;
    switch (end) {
        case BodyEnd::complete: break;
        case BodyEnd::timed_out:
            co_return own_error(408, ErrorCode::timeout, "the request body did not arrive in time");
        case BodyEnd::too_large:
            co_return own_error(413, ErrorCode::too_large,
                                fmt::format("the body is larger than {} bytes", body_limit()));
        case BodyEnd::closed:
        case BodyEnd::bad: break;
    }
    co_return own_error(400, ErrorCode::malformed,
                        "bad request: the body is not whole or not encoded as announced");
}

// After an answer that did not need the body.
Task<void> Connection::drop_body() {
    if (!parser_.has_body()) co_return;
    // With an expectation the client may send the body or not, and nobody knows which.
    const bool unknown = expects_continue();
    if (unknown || parser_.content_length().value_or(0) > kDropBytes) {
        close_ = true;
        co_return;
    }
    parser_.limit_body(kDropBytes);
    if (co_await read_body(nullptr) != BodyEnd::complete) close_ = true;
}

Task<Connection::BodyEnd> Connection::read_body(std::string* into) {
    const SteadyTime start = std::chrono::steady_clock::now();
    const std::size_t rate = std::max<std::size_t>(core_.options.min_rate, 1);
    std::size_t received = 0;
    for (;;) {
        const RequestParser::Fed fed = parser_.feed(input_.view(), into);
        input_.consume(fed.used);
        received += fed.used;
        switch (fed.state) {
            case RequestParser::BodyState::complete: co_return BodyEnd::complete;
            case RequestParser::BodyState::too_large: co_return BodyEnd::too_large;
            case RequestParser::BodyState::bad: co_return BodyEnd::bad;
            case RequestParser::BodyState::more: break;
        }
        if (input_.view().size() > kMaxChunkHeader) co_return BodyEnd::bad;
        const SteadyTime deadline =
            start + core_.options.body_timeout + std::chrono::milliseconds(received * 1000 / rate);
        if (!(co_await fill(Phase::body, deadline, kReadAtOnce))) {
            co_return expired_ && !broken_ ? BodyEnd::timed_out : BodyEnd::closed;
        }
    }
}

bool Connection::must_close() const {
    const std::size_t most = core_.options.max_requests_per_connection;
    return close_ || core_.stopping.load(std::memory_order_relaxed) || !parser_.keep_alive() ||
           (most > 0 && served_ >= most);
}

Task<bool> Connection::respond(Response response) {
    close_ = must_close();
    if (!sendable(response)) {
        log::error(
            "http", "a handler answered with what HTTP cannot carry",
            {{"route", route_ != nullptr ? route_->options.label : "unmatched"}, {"request", request_.request_id}});
        response = own_error(500, ErrorCode::internal, "internal error");
    }
    if (const auto* producer = std::get_if<StreamBody>(&response.body)) {
        co_return co_await stream(response, *producer);
    }
    account(response.status, append(response, std::get<std::string>(response.body)));
    constexpr std::size_t kFlushAt = 64UL * 1024;
    if (!close_ && out_.size() >= kFlushAt && !(co_await flush())) co_return false;
    co_return !close_;
}

std::size_t Connection::append(const Response& response, const std::string& body) {
    const bool bare = has_no_body(response.status);
    append_head(out_, response,
                {.date = thread_.date(),
                 .request_id = request_.request_id,
                 .framing = bare ? BodyFraming::none : BodyFraming::length,
                 .length = body.size(),
                 .close = close_,
                 .announce_keep_alive = !close_ && !parser_.version_1_1()});
    const bool head_only = parser_.method() == Method::head;
    if (bare || head_only) return 0;
    out_ += body;
    return body.size();
}

void Connection::account(int status, std::size_t bytes) {
    const auto spent = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - started_);
    const std::string_view label = route_ != nullptr ? std::string_view(route_->options.label) : "unmatched";
    const std::optional<Method> method = parser_.method();
    if (core_.options.observer) {
        core_.options.observer({.method = method,
                                .label = label,
                                .status = status,
                                .bytes_in = request_.body.size(),
                                .bytes_out = bytes,
                                .duration = spent,
                                .request_id = request_.request_id,
                                .peer = request_.peer,
                                .listener = request_.listener,
                                .tls = tls_ != nullptr});
    }
    if (!core_.options.access_log) return;
    // What did not match a route is not printed: a secret may stand anywhere in it.
    const std::string path = route_ != nullptr ? route_->logged_path(request_.path()) : "unmatched";
    log::info("http", "request",
              {{"method", std::string(method ? to_string(*method) : "unknown")},
               {"path", path},
               {"status", fmt::format("{}", status)},
               {"bytes", fmt::format("{}", bytes)},
               {"ms", fmt::format("{:.3f}", static_cast<double>(spent.count()) / 1000.0)},
               {"request", request_.request_id},
               {"peer", request_.peer},
               {"scheme", tls_ ? "https" : "http"}});
}

}  // namespace slipway::http
