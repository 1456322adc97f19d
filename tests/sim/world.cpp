#include "sim/world.h"

#include <vector>

namespace slipway::sim {

namespace asio = boost::asio;

void World::at(Duration delay, Owner owner, Action action) {
    const TimePoint when = now_ + std::max(delay, Duration::zero());
    events_.emplace(std::pair(when, sequence_++), Event{owner, std::move(action)});
}

void World::drop(Owner owner) {
    // Destroying a coroutine may destroy others that wait in the queue: take them out first, destroy them then.
    std::vector<Event> dropped;
    for (auto found = events_.begin(); found != events_.end();) {
        if (found->second.owner == owner) {
            dropped.push_back(std::move(found->second));
            found = events_.erase(found);
        } else {
            ++found;
        }
    }
}

void World::pause(Owner owner, Duration by) {
    std::vector<std::pair<std::pair<TimePoint, std::uint64_t>, Event>> moved;
    for (auto found = events_.begin(); found != events_.end();) {
        if (found->second.owner == owner) {
            moved.emplace_back(found->first, std::move(found->second));
            found = events_.erase(found);
        } else {
            ++found;
        }
    }
    for (auto& [key, event] : moved) {
        events_.emplace(std::pair(std::max(key.first, now_ + by), key.second), std::move(event));
    }
}

bool World::step() {
    if (events_.empty()) return false;
    auto first = events_.extract(events_.begin());
    now_ = std::max(now_, first.key().first);
    first.mapped().action();
    return true;
}

Duration World::between(Duration least, Duration most) {
    const auto span = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + Duration(static_cast<Duration::rep>(random_.below(span)));
}

Task<void> World::wait(Duration delay, Owner owner) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
        [this, delay, owner](auto handler) {
            at(delay, owner, [handler = std::move(handler)]() mutable {
                auto executor = asio::get_associated_executor(handler);
                asio::post(executor, std::move(handler));
            });
        },
        asio::use_awaitable);
}

}  // namespace slipway::sim
