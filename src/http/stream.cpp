// Answers whose body is produced piece by piece: the streaming part of Connection.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "http/connection.h"
#include "http/response_head.h"

namespace slipway::http {

namespace asio = boost::asio;

class Connection::StreamWriter final : public Writer {
  public:
    StreamWriter(Connection& connection, bool chunked) : connection_(connection), chunked_(chunked) {}

    Task<Status> write(std::string_view bytes) override {
        if (connection_.broken_) co_return gone();
        if (bytes.empty()) co_return Status();
        total_ += bytes.size();
        std::string& out = connection_.out_;
        if (chunked_) out += fmt::format("{:x}\r\n", bytes.size());
        out += bytes;
        if (chunked_) out += "\r\n";
        if (!(co_await connection_.flush())) co_return gone();
        co_return Status();
    }

    Task<bool> pause(Duration delay) override {
        if (stopping() || connection_.broken_) co_return false;
        asio::steady_timer timer(connection_.thread_.context(), delay);
        connection_.pause_ = &timer;
        boost::system::error_code error;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
        connection_.pause_ = nullptr;
        co_return !stopping() && !connection_.broken_;
    }

    [[nodiscard]] bool stopping() const override {
        return connection_.core_.stopping.load(std::memory_order_relaxed);
    }

    [[nodiscard]] std::size_t total() const { return total_; }

  private:
    static std::unexpected<Error> gone() { return fail(ErrorCode::cancelled, "the client is gone"); }

    Connection& connection_;
    bool chunked_;
    std::size_t total_ = 0;
};

Task<bool> Connection::stream(const Response& response, const StreamBody& body) {
    const bool chunked = parser_.version_1_1();
    if (!chunked) close_ = true;  // HTTP/1.0 knows the end of such a body by the end of the connection
    const bool bare = has_no_body(response.status);
    append_head(out_, response,
                {.date = thread_.date(),
                 .request_id = request_.request_id,
                 .framing = bare      ? BodyFraming::none
                            : chunked ? BodyFraming::chunked
                                      : BodyFraming::until_close,
                 .length = 0,
                 .close = close_,
                 .announce_keep_alive = false});
    StreamWriter writer(*this, chunked);
    bool whole = true;
    if (!bare && parser_.method() != Method::head) whole = co_await flush() && co_await produce(body, writer);
    account(response.status, writer.total());
    co_return whole && !close_;
}

Task<bool> Connection::produce(const StreamBody& body, StreamWriter& writer) {
    std::string what;
    try {
        const Status status = co_await body(writer);
        if (status && !broken_) {
            if (parser_.version_1_1()) out_ += "0\r\n\r\n";
            co_return true;
        }
        if (!status && status.error().code != ErrorCode::cancelled) what = status.error().message;
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "unknown exception";
    }
    if (!what.empty()) {
        log::error("http", "a streamed answer failed", {{"request", request_.request_id}, {"what", what}});
    }
    broken_ = true;  // no last chunk, and a reset: a client must not take half a body for a whole one
    co_return false;
}

}  // namespace slipway::http
