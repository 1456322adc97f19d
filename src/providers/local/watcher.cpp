#include "providers/local/watcher.h"

#include <unordered_map>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

namespace slipway::local {

namespace asio = boost::asio;

struct Watcher::State : std::enable_shared_from_this<State> {
    struct Watch {
        agent::Process process;
        std::shared_ptr<asio::posix::stream_descriptor> pidfd;
    };
    asio::any_io_executor executor;
    std::unordered_map<std::string, Watch> watches;
    std::function<void(std::string)> listener;

    void died(const std::string& name, const agent::Process& process) {
        const auto found = watches.find(name);
        if (found == watches.end() || found->second.process != process) return;
        watches.erase(found);
        if (listener) listener(name);
    }
};

Watcher::Watcher(asio::any_io_executor executor) : state_(std::make_shared<State>()) {
    state_->executor = std::move(executor);
}

Watcher::~Watcher() {
    state_->listener = nullptr;
    state_->watches.clear();
}

void Watcher::on_death(std::function<void(std::string name)> listener) { state_->listener = std::move(listener); }

void Watcher::forget(const std::string& name) { state_->watches.erase(name); }

void Watcher::watch(const std::string& name, const agent::Process& process) {
    const auto found = state_->watches.find(name);
    if (found != state_->watches.end() && found->second.process == process) return;
    UniqueFd pidfd = agent::open_pidfd(process);
    if (!pidfd) {
        state_->watches[name] = {process, nullptr};
        asio::post(state_->executor, [state = state_, name, process] { state->died(name, process); });
        return;
    }
    const auto descriptor = std::make_shared<asio::posix::stream_descriptor>(state_->executor, pidfd.release());
    state_->watches[name] = {process, descriptor};
    descriptor->async_wait(asio::posix::stream_descriptor::wait_read,
                           [weak = state_->weak_from_this(), name, process](auto error) {
                               const std::shared_ptr<State> state = weak.lock();
                               if (!error && state) state->died(name, process);
                           });
}

}  // namespace slipway::local
