// The one thread on which the engine, the background work and the providers run.
#pragma once

#include <functional>
#include <future>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "base/task.h"

namespace slipway {

// start, stop and the destructor belong to one thread, which is not this one.
class OpsThread {
  public:
    OpsThread() = default;
    ~OpsThread();
    OpsThread(const OpsThread&) = delete;
    OpsThread& operator=(const OpsThread&) = delete;

    void start();
    // Work that waits does not run again; its coroutines stay where they are.
    void stop();
    // After stop: destroys every coroutine that waits, while all that they refer to is still alive.
    void destroy_work() { context_.destroy_work(); }

    boost::asio::io_context::executor_type executor() { return context_.get_executor(); }

    // Runs it here and waits on the calling thread, which is another one. Whatever it throws comes out.
    template <class T>
    T run(std::function<Task<T>()> make) {
        return boost::asio::co_spawn(context_, std::move(make), boost::asio::use_future).get();
    }

  private:
    // An io_context destroys its coroutines in its destructor only; here objects that need it while they die
    // (timers, sockets) are referred to by those coroutines, so that the two have to be taken apart.
    class Context : public boost::asio::io_context {
      public:
        Context() : io_context(1) {}
        void destroy_work() { shutdown(); }
    };
    void work();

    Context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context_.get_executor()};
    std::thread thread_;
};

}  // namespace slipway
