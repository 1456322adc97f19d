#include "providers/name_locks.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slipway {

namespace asio = boost::asio;

void NameLocks::Guard::release(Table& table, const std::string& name) {
    const auto entry = table.find(name);
    if (entry == table.end()) return;
    if (entry->second.empty()) {
        table.erase(entry);
        return;
    }
    const std::shared_ptr<Waiter> next = entry->second.front();
    entry->second.pop_front();
    next->granted = true;
    next->timer.cancel();
}

Task<std::optional<NameLocks::Guard>> NameLocks::acquire(std::string name, Deadline deadline) {
    const std::shared_ptr<Guard::Table> table = table_;
    const auto entry = table->find(name);
    if (entry == table->end()) {
        table->try_emplace(name);
        co_return Guard(table, std::move(name));
    }
    const auto executor = co_await asio::this_coro::executor;
    const auto waiter = std::make_shared<Guard::Waiter>(asio::steady_timer(executor, deadline.at()));
    entry->second.push_back(waiter);
    co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (waiter->granted) co_return Guard(table, std::move(name));
    if (const auto held = table->find(name); held != table->end()) std::erase(held->second, waiter);
    co_return std::nullopt;
}

}  // namespace slipway
