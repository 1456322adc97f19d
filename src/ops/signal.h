// A wake-up for one coroutine that waits, on one executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/task.h"

namespace slipway {

// Used on its executor only. A notify() before the wait is remembered.
class Signal {
  public:
    explicit Signal(const boost::asio::any_io_executor& executor)
        : timer_(executor, boost::asio::steady_timer::time_point::max()) {}

    Task<void> wait() {
        if (!raised_) {
            boost::system::error_code cancelled;
            co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
        }
        raised_ = false;
    }
    void notify() {
        raised_ = true;
        timer_.cancel();
    }

  private:
    boost::asio::steady_timer timer_;
    bool raised_ = false;
};

}  // namespace slipway
