#include "providers/sql/readiness.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>

namespace slipway::sql {

namespace asio = boost::asio;

namespace {
struct Waiting {
    explicit Waiting(asio::steady_timer limit) : timer(std::move(limit)) {}
    asio::steady_timer timer;
    Ready ready;
};
}  // namespace

Task<Ready> Readiness::wait(int socket, Ready wanted, Deadline deadline) {
    if (!descriptor_ || socket != socket_) {
        forget();
        const int copy = socket < 0 ? -1 : ::fcntl(socket, F_DUPFD_CLOEXEC, 3);
        if (copy < 0) co_return Ready{};
        descriptor_ = std::make_unique<asio::posix::stream_descriptor>(executor_, copy);
        socket_ = socket;
    }
    const auto waiting = std::make_shared<Waiting>(asio::steady_timer(executor_, deadline.at()));
    const auto watch = [&](asio::posix::stream_descriptor::wait_type what, bool Ready::* which) {
        descriptor_->async_wait(what, [waiting, which](boost::system::error_code error) {
            if (error) return;
            waiting->ready.*which = true;
            waiting->timer.cancel();
        });
    };
    if (wanted.read) watch(asio::posix::stream_descriptor::wait_read, &Ready::read);
    if (wanted.write) watch(asio::posix::stream_descriptor::wait_write, &Ready::write);
    co_await waiting->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    boost::system::error_code ignored;
    if (descriptor_) descriptor_->cancel(ignored);
    co_return waiting->ready;
}

void Readiness::forget() {
    descriptor_.reset();
    socket_ = -1;
}

}  // namespace slipway::sql
