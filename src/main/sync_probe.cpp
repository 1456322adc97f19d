#include "main/sync_probe.h"

#include <system_error>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/machine.h"

namespace slipway {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(2);

}  // namespace

SyncProbe::~SyncProbe() {
    if (thread_.joinable()) thread_.join();
}

std::shared_ptr<SyncProbe::Look> SyncProbe::look(const std::string& directory) {
    const std::scoped_lock lock(mutex_);
    if (look_ && !look_->ended) return look_;
    if (thread_.joinable()) thread_.join();
    look_ = std::make_shared<Look>();
    try {
        thread_ = std::thread([look = look_, directory] {
            look->time = sync_time(directory);
            look->ended = true;
        });
    } catch (const std::system_error& error) {
        look_->time = fail(ErrorCode::unavailable, error.what());
        look_->ended = true;
    }
    return look_;
}

// The thread wakes nobody, because whoever waits may be gone before a bad disk answers.
Task<std::optional<Result<Duration>>> SyncProbe::measure(std::string directory, Duration limit) {
    const std::shared_ptr<Look> look = this->look(directory);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!look->ended) {
        if (std::chrono::steady_clock::now() >= until) co_return std::nullopt;
        boost::system::error_code ignored;
        timer.expires_after(kBetweenLooks);
        co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        // A server that ends cancels the waits of its requests.
        if (ignored) co_return std::nullopt;
    }
    co_return look->time;
}

}  // namespace slipway
