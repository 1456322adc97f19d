// Waits for a socket that a library owns, without ever taking it away from the library.
#pragma once

#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/task.h"
#include "providers/deadline.h"

namespace slipway::sql {

struct Ready {
    bool read = false;
    bool write = false;
    [[nodiscard]] bool any() const { return read || write; }
};

// Used from one executor only.
class Readiness {
  public:
    explicit Readiness(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    // Until the socket is ready for something that is wanted; nothing is ready where the deadline came first.
    Task<Ready> wait(int socket, Ready wanted, Deadline deadline);
    // Before the library closes its socket or opens another.
    void forget();

  private:
    boost::asio::any_io_executor executor_;
    int socket_ = -1;  // the library's; descriptor_ is a duplicate
    std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
};

}  // namespace slipway::sql
