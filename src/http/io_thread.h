// One thread with its event loop, the connections that live on it, and the watchdog over their deadlines.
// Internal to this folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/core.h"

namespace slipway::http {

class Connection;

class IoThread {
  public:
    // `id_prefix` sets this thread's request ids apart from all others.
    IoThread(Core& core, std::string id_prefix);
    ~IoThread();
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;

    void start();
    void stop_and_join();
    boost::asio::io_context& context() { return context_; }
    std::atomic<std::uint64_t> accepted = 0;

    // On this thread only, all below.
    void add(Connection& connection) { connections_.insert(&connection); }
    void remove(Connection& connection) { connections_.erase(&connection); }
    void begin_stop();  // tells every connection
    void cut();         // closes every connection
    std::string_view date();
    std::string next_request_id();

  private:
    void run();
    void arm_watchdog();

    Core& core_;
    const std::chrono::milliseconds period_;
    std::unordered_set<Connection*> connections_;
    std::string date_;
    TimePoint date_second_{};
    std::string id_prefix_;
    std::uint64_t ids_ = 0;
    // Destroyed before what is above: coroutines that die with it still use that.
    boost::asio::io_context context_{1};
    boost::asio::steady_timer watchdog_{context_};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::thread thread_;
};

}  // namespace slipway::http
