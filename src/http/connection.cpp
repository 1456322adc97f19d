#include "http/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "http/response_head.h"

namespace slipway::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

SteadyTime now() { return std::chrono::steady_clock::now(); }

std::string address_text(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

constexpr std::size_t kReadAtOnce = 4UL * 1024;
constexpr std::size_t kMaxLingerBytes = 16UL * 1024 * 1024;
// Not more than this long when the server stops: a client that keeps its end open must not hold up the stop.
constexpr auto kStopLinger = std::chrono::milliseconds(250);

}  // namespace

Connection::Connection(Core& core, IoThread& thread, const Listener& listener, Socket socket, bool refused)
    : core_(core), thread_(thread), listener_(listener), socket_(std::move(socket)), refused_(refused) {
    error_code ignored;
    const tcp::endpoint peer = socket_.remote_endpoint(ignored);
    request_.peer = address_text(peer);
    request_.listener = listener.index;
    request_.loopback_listener = listener.loopback;
    request_.listener_address = listener.address;
}

Connection::~Connection() {
    thread_.remove(*this);
    core_.connection_ended();
}

void Connection::start(std::shared_ptr<Connection> connection) {
    Connection& self = *connection;
    asio::co_spawn(
        self.thread_.context(), [&self] { return self.run(); },
        [connection = std::move(connection)](const std::exception_ptr& failure) {
            // Sockets report by error codes: what ends here is a bug or a full memory.
            if (failure) log::error("http", "a connection ended with an exception");
        });
}

void Connection::watch(SteadyTime time) {
    if (time < deadline_) return;
    deadline_ = SteadyTime::max();
    expired_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

void Connection::begin_stop() {
    error_code ignored;
    if (phase_ == Phase::idle || phase_ == Phase::handshake) socket_.cancel(ignored);
    if (phase_ == Phase::linger) deadline_ = std::min(deadline_, now() + kStopLinger);
    if (pause_ != nullptr) pause_->cancel();
}

void Connection::cut() {
    broken_ = true;
    close_hard();
    if (pause_ != nullptr) pause_->cancel();
}

Task<void> Connection::run() {
    thread_.add(*this);
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    const std::shared_ptr<const TlsContext> tls = core_.current_tls();
    if (refused_ && tls == nullptr) answer_refused();
    if (!refused_ && tls != nullptr) tls_ = std::make_unique<TlsSession>(tls, socket_);
    if (!refused_ && (tls == nullptr || co_await handshake())) co_await serve();
    co_await finish();
}

Task<void> Connection::serve() {
    for (;;) {
        const HeadScanner::State state = scanner_.scan(input_.view(), core_.head_limits);
        switch (state) {
            case HeadScanner::State::incomplete:
                if (!(co_await next_bytes())) co_return;
                break;
            case HeadScanner::State::complete:
                if (!(co_await exchange())) co_return;
                break;
            case HeadScanner::State::bad:
                co_return reject_unread({400, "bad request: " + std::string(scanner_.why())});
            case HeadScanner::State::line_too_long: co_return reject_unread({414, "the request line is too long"});
            case HeadScanner::State::too_large: co_return reject_unread({431, "the request header is too large"});
        }
    }
}

Task<bool> Connection::next_bytes() {
    const bool nothing = input_.empty();
    if (!nothing && !head_deadline_) head_deadline_ = now() + core_.options.header_timeout;
    // Who connects and says nothing is no keep-alive client: he has the time of a header.
    const Duration idle = served_ == 0 ? core_.options.header_timeout : core_.options.idle_timeout;
    const SteadyTime deadline = nothing ? now() + idle : *head_deadline_;
    if (nothing) input_.shrink();
    if (co_await fill(nothing ? Phase::idle : Phase::head, deadline, kReadAtOnce)) co_return true;
    if (expired_ && !nothing && !broken_) reject_unread({408, "the request header did not arrive in time"});
    co_return false;
}

Task<bool> Connection::fill(Phase phase, SteadyTime deadline, std::size_t least) {
    if (!write_now() && !(co_await flush())) co_return false;
    const std::span<char> room = input_.prepare(least);
    const asio::mutable_buffer buffer(room.data(), room.size());
    expired_ = false;
    error_code error = asio::error::operation_aborted;
    std::size_t count = 0;
    if (phase != Phase::idle || !core_.stopping.load(std::memory_order_relaxed)) {
        phase_ = phase;
        deadline_ = deadline;
        if (tls_) {
            count = co_await read_tls(room, error);
        } else {
            count = co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
        }
        phase_ = Phase::busy;
        deadline_ = SteadyTime::max();
    }
    // Stopping: a request that has already reached the kernel is still answered.
    if (error == asio::error::operation_aborted && phase == Phase::idle && !expired_ && !broken_) {
        count = tls_ ? tls_->read_some(room, error) : socket_.read_some(buffer, error);
    }
    if (error) co_return false;
    input_.commit(count);
    co_return true;
}

SteadyTime Connection::write_deadline() const {
    const auto extra = std::chrono::seconds(out_.size() / std::max<std::size_t>(core_.options.min_rate, 1));
    return now() + core_.options.write_timeout + extra;
}

bool Connection::write_now() {
    if (out_.empty()) return true;
    if (broken_) return false;
    error_code error;
    const std::size_t count = tls_ ? tls_->write_some(out_, error) : socket_.write_some(asio::buffer(out_), error);
    if (error && error != asio::error::would_block) broken_ = true;
    if (count < out_.size()) {
        out_.erase(0, count);
        return false;
    }
    constexpr std::size_t kKeep = 64UL * 1024;
    out_.clear();
    if (out_.capacity() > kKeep) std::string().swap(out_);
    return true;
}

Task<bool> Connection::flush() {
    if (write_now()) co_return !broken_;
    expired_ = false;
    deadline_ = write_deadline();
    phase_ = Phase::write;
    std::size_t sent = 0;
    while (!broken_ && sent < out_.size()) {
        error_code error;
        if (tls_) {
            sent += co_await write_tls(std::string_view(out_).substr(sent), error);
        } else {
            sent += co_await socket_.async_write_some(asio::buffer(out_.data() + sent, out_.size() - sent),
                                                      asio::redirect_error(asio::use_awaitable, error));
        }
        if (error) broken_ = true;
    }
    phase_ = Phase::busy;
    deadline_ = SteadyTime::max();
    out_.clear();
    co_return !broken_;
}

// Answers to pipelined requests leave together, in one call to the kernel. But an earlier answer must not wait for
// a later request's handler: what is posted here runs as soon as that handler suspends.
void Connection::flush_when_handler_waits() {
    if (out_.empty()) return;
    asio::post(thread_.context(), [self = shared_from_this(), request = served_] {
        if (self->served_ == request && self->phase_ == Phase::busy) self->write_now();
    });
}

void Connection::answer_refused() {
    close_ = true;
    request_.request_id = thread_.next_request_id();
    const Error error{ErrorCode::unavailable, "too many connections", {}, {}};
    append(core_.router.render_error({}, 503, error).with("Retry-After", "1"), {});
}

Task<void> Connection::finish() {
    error_code ignored;
    if (co_await flush()) {
        if (tls_) tls_->close();
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        if (close_) co_await linger();
    }
    if (broken_) co_return close_hard();
    socket_.close(ignored);
}

// With a reset, so that the kernel does not hold on to megabytes for a client that does not take them, and so that
// nobody takes half an answer for a whole one.
void Connection::close_hard() {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

// Closing while bytes of the client are unread makes the kernel send a reset, which can take our answer away from
// under the client's eyes. So they are read and dropped for a while.
Task<void> Connection::linger() {
    const bool stopping = core_.stopping.load(std::memory_order_relaxed);
    const Duration longest = core_.options.linger_timeout;
    const SteadyTime end = now() + (stopping ? std::min<Duration>(longest, kStopLinger) : longest);
    std::size_t total = 0;
    std::array<char, 4096> dropped{};
    while (total < kMaxLingerBytes && now() < end && !broken_) {
        error_code error;
        phase_ = Phase::linger;
        deadline_ = end;
        total += co_await socket_.async_read_some(asio::buffer(dropped),
                                                  asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
    }
    deadline_ = SteadyTime::max();
}

}  // namespace slipway::http
