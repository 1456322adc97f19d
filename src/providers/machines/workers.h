// Libraries that block, on threads of their own: a few, so that what hangs is bounded.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <signal.h>

#include "base/task.h"
#include "providers/deadline.h"

namespace slipway::machines {

// Used from one executor only.
class Workers {
  public:
    // They start with the first work: most servers have none for them.
    explicit Workers(std::size_t threads) : threads_(threads) {}
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    // Waits for what is under way.
    ~Workers() {
        if (pool_) pool_->join();
    }

    // Runs `work` there and answers what it does, on the caller's executor; empty where that took too long. Then
    // the work goes on and its answer is thrown away: whatever it refers to has to be its own.
    template <class T>
    Task<std::optional<T>> run(std::function<T()> work, Deadline deadline) {
        struct Shared {
            explicit Shared(const boost::asio::any_io_executor& executor) : timer(executor) {}
            boost::asio::steady_timer timer;
            std::optional<T> answer;  // on the caller's executor
        };
        const auto executor = co_await boost::asio::this_coro::executor;
        const auto shared = std::make_shared<Shared>(executor);
        shared->timer.expires_at(deadline.at());
        boost::asio::post(pool(), [shared, executor, work = std::move(work)] {
            ignore_broken_pipes();
            boost::asio::post(executor, [shared, answer = work()]() mutable {
                shared->answer = std::move(answer);
                shared->timer.cancel();
            });
        });
        co_await shared->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return std::move(shared->answer);
    }

    // The last reference to it is given up there: libraries talk also where something of theirs is closed.
    template <class T>
    void give_up(std::shared_ptr<T> last) {
        boost::asio::post(pool(), [last = std::move(last)]() mutable {
            ignore_broken_pipes();
            last.reset();
        });
    }

  private:
    // Of these threads: what they write to may have hung up, which is for whoever writes to notice.
    static void ignore_broken_pipes() {
        sigset_t pipes;
        ::sigemptyset(&pipes);
        ::sigaddset(&pipes, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipes, nullptr);
    }

    boost::asio::thread_pool& pool() {
        if (!pool_) pool_.emplace(threads_);
        return *pool_;
    }

    std::size_t threads_;
    std::optional<boost::asio::thread_pool> pool_;
};

}  // namespace slipway::machines
