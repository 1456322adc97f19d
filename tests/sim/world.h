// Simulated time: one queue of events, one random source, so that a whole history follows from one seed.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/scheduler.h"
#include "base/task.h"

namespace slipway::sim {

using Action = std::move_only_function<void()>;

// Whose event it is: the world's own happen whatever crashes, a process's die with it.
using Owner = int;
constexpr Owner kWorld = 0;

class World {
  public:
    explicit World(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] TimePoint now() const { return now_; }
    void at(Duration delay, Owner owner, Action action);
    // Forgets every event of the owner, and with them the coroutines that waited for them.
    void drop(Owner owner);
    // The owner stands still for a while: all its events come later.
    void pause(Owner owner, Duration by);
    // Runs the next event; false where there is none.
    bool step();

    SeededRandom& random() { return random_; }
    bool chance(double probability) { return random_.unit() < probability; }
    Duration between(Duration least, Duration most);

    // Suspends the awaiting coroutine of `owner` for that long.
    Task<void> wait(Duration delay, Owner owner);

  private:
    struct Event {
        Owner owner = kWorld;
        Action action;
    };
    SeededRandom random_;
    TimePoint now_ = from_micros(1'700'000'000'000'000);
    std::uint64_t sequence_ = 0;
    std::map<std::pair<TimePoint, std::uint64_t>, Event> events_;
};

class SimScheduler final : public Scheduler {
  public:
    SimScheduler(World& world, Owner owner) : world_(world), owner_(owner) {}
    Task<void> sleep(Duration delay) override { co_await world_.wait(delay, owner_); }

  private:
    World& world_;
    Owner owner_;
};

// The world's time, seen through a clock that may have been set wrong.
class SimClock final : public Clock {
  public:
    SimClock(const World& world, const Duration& offset) : world_(world), offset_(offset) {}
    [[nodiscard]] TimePoint now() const override { return world_.now() + offset_; }

  private:
    const World& world_;
    const Duration& offset_;
};

}  // namespace slipway::sim
