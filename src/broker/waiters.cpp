#include "broker/waiters.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slipway {

namespace asio = boost::asio;
using Handler = std::move_only_function<void(bool)>;

struct Waiters::Ticket::Entry {
    OperationId operation;
    std::mutex mutex;
    bool changed = false;
    TimePoint deadline = TimePoint::max();
    asio::any_io_executor executor;  // of the coroutine that waits
    Handler handler;

    // Takes the handler out under the lock, and resumes it on its own executor.
    void wake(bool by_change) {
        Handler taken;
        {
            const std::lock_guard lock(mutex);
            if (by_change) changed = true;
            if (!handler) return;
            taken = std::move(handler);
            if (by_change) changed = false;
        }
        asio::post(executor, [resume = std::move(taken), by_change]() mutable { resume(by_change); });
    }
};

Waiters::Waiters() = default;
Waiters::~Waiters() = default;

Waiters::Ticket::Ticket(Waiters& owner, std::shared_ptr<Entry> entry) : owner_(owner), entry_(std::move(entry)) {}
Waiters::Ticket::~Ticket() { owner_.leave(entry_); }

Task<bool> Waiters::Ticket::changed(TimePoint deadline) {
    entry_->executor = co_await asio::this_coro::executor;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(bool)>(
        [entry = entry_, deadline](auto completion) {
            Handler handler = [completion = std::move(completion)](bool changed) mutable {
                std::move(completion)(changed);
            };
            {
                const std::lock_guard lock(entry->mutex);
                if (!entry->changed) {
                    entry->deadline = deadline;
                    entry->handler = std::move(handler);
                    return;
                }
                entry->changed = false;
            }
            asio::post(entry->executor, [resume = std::move(handler)]() mutable { resume(true); });
        },
        asio::use_awaitable);
}

std::unique_ptr<Waiters::Ticket> Waiters::enter(const OperationId& operation) {
    auto entry = std::make_shared<Ticket::Entry>();
    entry->operation = operation;
    const std::lock_guard lock(mutex_);
    entries_.emplace(operation, entry);
    return std::unique_ptr<Ticket>(new Ticket(*this, std::move(entry)));
}

void Waiters::notify(const std::vector<OperationId>& operations) {
    std::vector<std::shared_ptr<Ticket::Entry>> woken;
    {
        const std::lock_guard lock(mutex_);
        if (entries_.empty()) return;
        for (const OperationId& operation : operations) {
            const auto [first, last] = entries_.equal_range(operation);
            for (auto found = first; found != last; ++found) woken.push_back(found->second);
        }
    }
    for (const auto& entry : woken) entry->wake(true);
}

void Waiters::tick(TimePoint now) {
    std::vector<std::shared_ptr<Ticket::Entry>> over;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [operation, entry] : entries_) {
            const std::lock_guard entry_lock(entry->mutex);
            if (entry->handler && entry->deadline <= now) over.push_back(entry);
        }
    }
    for (const auto& entry : over) entry->wake(false);
}

void Waiters::abandon() {
    std::vector<Handler> handlers;  // destroyed after the lock is released: each takes its ticket with it
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [operation, entry] : entries_) {
            const std::lock_guard entry_lock(entry->mutex);
            if (entry->handler) handlers.push_back(std::move(entry->handler));
        }
    }
}

std::size_t Waiters::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

void Waiters::leave(const std::shared_ptr<Ticket::Entry>& entry) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = entries_.equal_range(entry->operation);
    for (auto found = first; found != last; ++found) {
        if (found->second == entry) {
            entries_.erase(found);
            return;
        }
    }
}

}  // namespace slipway
