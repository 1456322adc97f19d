// One client connection: reads requests one after the other, answers in that order. Internal to this folder.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "base/task.h"
#include "http/core.h"
#include "http/head_scanner.h"
#include "http/input_buffer.h"
#include "http/io_thread.h"
#include "http/request_parser.h"
#include "http/socket.h"
#include "http/tls_context.h"
#include "http/tls_session.h"

namespace slipway::http {

// Made on the accepting thread; everything else happens on `thread`. Kept alive by its own coroutine.
class Connection final : public std::enable_shared_from_this<Connection> {
  public:
    // `refused`: answer 503 whatever comes; under TLS close, because a handshake is the dearest part of a request.
    // The caller has counted the connection in core.connections.
    Connection(Core& core, IoThread& thread, const Listener& listener, Socket socket, bool refused);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Starts the coroutine on the thread. `connection` lives until the coroutine ends.
    static void start(std::shared_ptr<Connection> connection);

    void watch(SteadyTime now);  // the watchdog: interrupts a wait whose deadline has passed
    void begin_stop();           // an idle connection closes, streams are told
    void cut();                  // closes at once

  private:
    enum class Phase : std::uint8_t { busy, handshake, idle, head, body, write, linger };
    enum class BodyEnd : std::uint8_t { complete, closed, timed_out, too_large, bad };
    class StreamWriter;

    Task<void> run();
    Task<void> serve();

    // Under TLS only.
    Task<bool> handshake();
    Task<bool> first_byte_is_tls();
    bool give_up_handshake(const boost::system::error_code& error);
    Task<bool> wait_for_socket(boost::system::error_code& error);  // false: interrupted or broken; `error` says so
    Task<std::size_t> read_tls(std::span<char> into, boost::system::error_code& error);
    Task<std::size_t> write_tls(std::string_view bytes, boost::system::error_code& error);
    [[nodiscard]] bool must_end_wait() const;

    Task<bool> next_bytes();  // for the head; false: there will be no further request
    Task<bool> fill(Phase phase, SteadyTime deadline, std::size_t least);
    void answer_refused();
    Task<void> finish();
    Task<void> linger();
    void close_hard();

    // Sends what is in out_. write_now: as far as the kernel takes it at once; true when all is gone.
    bool write_now();
    Task<bool> flush();
    void flush_when_handler_waits();
    SteadyTime write_deadline() const;

    // One request.
    Task<bool> exchange();
    std::optional<Refusal> begin_request();
    void reject(const Refusal& refusal);
    void reject_unread(const Refusal& refusal);  // what never became a whole head
    std::optional<Response> decide();
    std::optional<Response> decide_unmatched(std::string allow);
    Task<std::optional<Response>> filter();
    Task<std::optional<Response>> take_body();
    Task<void> drop_body();
    Task<BodyEnd> read_body(std::string* into);
    Task<Response> handle();
    [[nodiscard]] Response own_error(int status, ErrorCode code, std::string message) const;
    [[nodiscard]] std::size_t body_limit() const;
    [[nodiscard]] bool expects_continue() const;

    Task<bool> respond(Response response);
    std::size_t append(const Response& response, const std::string& body);  // bytes of the body sent
    Task<bool> stream(const Response& response, const StreamBody& body);
    Task<bool> produce(const StreamBody& body, StreamWriter& writer);
    void account(int status, std::size_t bytes);
    [[nodiscard]] bool must_close() const;

    Core& core_;
    IoThread& thread_;
    const Listener& listener_;
    Socket socket_;
    std::unique_ptr<TlsSession> tls_;  // null: plain
    const bool refused_;

    InputBuffer input_;
    std::string out_;
    HeadScanner scanner_;
    RequestParser parser_;
    Request request_;
    const Route* route_ = nullptr;
    SteadyTime started_;  // when the current request's head was complete

    Phase phase_ = Phase::busy;
    SteadyTime deadline_ = SteadyTime::max();
    std::optional<SteadyTime> head_deadline_;     // set by the first byte of a head
    boost::asio::steady_timer* pause_ = nullptr;  // of a stream that waits
    std::size_t served_ = 0;
    bool expired_ = false;  // the watchdog interrupted the last wait
    bool broken_ = false;   // nothing can be sent any more, or must not
    bool close_ = false;    // after the current answer
};

}  // namespace slipway::http
