// One connection to an engine, from connecting to the last answer within one deadline.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/task.h"
#include "providers/deadline.h"

namespace slipway::local {

enum class NoReply : std::uint8_t {
    refused,  // nobody listens
    silent,   // it accepted but did not answer in time, or closed
};

// Used from one executor only. The deadline is the connection's end, whatever is under way then.
class Dialog {
  public:
    static Task<std::expected<Dialog, NoReply>> open(std::string address, std::uint16_t port, Deadline deadline);
    Dialog(const Dialog&) = delete;
    Dialog& operator=(const Dialog&) = delete;
    Dialog(Dialog&& other) noexcept = default;
    Dialog& operator=(Dialog&& other) = delete;
    ~Dialog();

    // False where not everything could be sent. `bytes` must live until then.
    Task<bool> send(std::string_view bytes);
    // Adds what comes next to `received`; false where nothing more will come.
    Task<bool> receive(std::string& received);

  private:
    using Socket = boost::asio::ip::tcp::socket;
    Dialog(std::shared_ptr<Socket> socket, std::unique_ptr<boost::asio::steady_timer> limit)
        : socket_(std::move(socket)), limit_(std::move(limit)) {}

    std::shared_ptr<Socket> socket_;
    std::unique_ptr<boost::asio::steady_timer> limit_;
};

}  // namespace slipway::local
