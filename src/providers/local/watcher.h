// Tells when an engine's process dies by itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "agent/process.h"

namespace slipway::local {

// Used from one executor only; the listener runs there.
class Watcher {
  public:
    explicit Watcher(boost::asio::any_io_executor executor);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher();

    void on_death(std::function<void(std::string name)> listener);
    // Watches this process instead of any that was watched under the name before. Dead already: says so soon.
    void watch(const std::string& name, const agent::Process& process);
    // Before ending it on purpose.
    void forget(const std::string& name);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace slipway::local
