#include "ops/engine.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/log.h"

namespace slipway {

namespace asio = boost::asio;

std::shared_ptr<Engine> Engine::make(Parts parts, EngineOptions options) {
    return std::shared_ptr<Engine>(new Engine(std::move(parts), std::move(options)));
}

Engine::Engine(Parts parts, EngineOptions options)
    : parts_(std::move(parts)), options_(std::move(options)), signal_(parts_.executor) {}

void Engine::start() {
    asio::co_spawn(
        parts_.executor, [self = shared_from_this()]() -> Task<void> { co_await self->loop(); }, asio::detached);
}

void Engine::wake() {
    if (woken_.exchange(true)) return;
    asio::post(parts_.executor, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->woken_ = false;  // before it looks: what comes from here on wakes it again
        self->signal_.notify();
    });
}

Task<void> Engine::stop(Duration limit) {
    const auto self = shared_from_this();
    stopping_ = true;
    signal_.notify();
    const TimePoint until = parts_.clock.now() + limit;
    while (under_way_ > 0 && parts_.clock.now() < until) {
        co_await parts_.scheduler.sleep(std::chrono::milliseconds(5));
    }
}

Task<void> Engine::loop() {
    co_await recover();
    while (!stopping_) {
        if (!co_await lease_some()) co_await signal_.wait();
    }
}

// An earlier process of this host is dead: nobody has to wait for its leases to run out. Times far ahead come from
// a clock that was set back since.
Task<void> Engine::recover() {
    PageRequest page{"", 500};
    while (!stopping_) {
        OperationFilter open;
        open.only_open = true;
        auto found = co_await parts_.store.operations(open, page);
        if (!found) {
            log::error("ops", "the recovery could not read the store", {{"error", found.error().message}});
            co_await parts_.scheduler.sleep(options_.scan);
            continue;
        }
        for (Operation& operation : found->items) {
            const auto* running = std::get_if<operation_state::Running>(&operation.state);
            const bool ours = running != nullptr && running->token.str().starts_with(options_.host.str() + "/");
            if (!ours && operation.run_at <= parts_.clock.now() + options_.far) continue;
            if (auto made = co_await make_due(std::move(operation)); !made) {
                log::error("ops", "an operation could not be recovered", {{"error", made.error().message}});
            }
        }
        page.after = found->next;
        if (page.after.empty()) co_return;
    }
}

// A refused write means that somebody works on it: nothing to do then.
Task<Status> Engine::make_due(Operation operation) {
    const TimePoint now = parts_.clock.now();
    const std::uint64_t fence = operation.fence;
    Commit commit;
    commit.writes.emplace_back(write::PutOperation{due_now(std::move(operation), now), fence});
    const auto answer = co_await parts_.store.commit(std::move(commit));
    co_return answer ? Status() : Status(fail(answer.error()));
}

std::vector<std::pair<std::string, std::uint32_t>> Engine::capacity() const {
    std::vector<std::pair<std::string, std::uint32_t>> free;
    for (const auto& [name, provider] : parts_.calls.registry().all()) {
        const auto found = busy_.find(name);
        const std::uint32_t used = found == busy_.end() ? 0 : found->second;
        if (used < provider->concurrency()) {
            free.emplace_back(name, std::min(provider->concurrency() - used, options_.batch));
        }
    }
    return free;
}

// Leases what is due and spawns it. Answers whether there may be more right now.
Task<bool> Engine::lease_some() {
    LeaseRequest request{options_.host, options_.lease, capacity(), options_.per_organization, {}};
    if (request.capacity.empty()) co_return false;  // whoever ends wakes us
    std::uint32_t busiest = 0;
    for (const auto& [organization, count] : busy_organizations_) {
        if (count >= options_.per_organization) {
            request.saturated.push_back(organization);
        } else {
            busiest = std::max(busiest, count);
        }
    }
    request.per_organization -= busiest;  // what is under way counts: nobody gets more than its share
    const TimePoint asked_at = parts_.clock.now();
    auto answer = co_await parts_.store.lease(std::move(request));
    if (!answer) {
        log::error("ops", "leasing failed", {{"error", answer.error().message}});
        arm(parts_.clock.now() + options_.scan);
        co_return false;
    }
    for (LeasedWork& work : answer->work) {
        counters_.leased += 1;
        if (work.takeover) counters_.takeovers += 1;
        if (parts_.observer != nullptr) {
            const bool first = work.operation.leases == 1;
            const Duration waited = std::max(answer->now - work.operation.created_at, Duration::zero());
            parts_.observer->on_lease(work.operation, first ? std::optional(waited) : std::nullopt, work.takeover);
        }
        under_way_ += 1;
        busy_[work.operation.provider] += 1;
        busy_organizations_[work.operation.organization] += 1;
        asio::co_spawn(
            parts_.executor,
            [self = shared_from_this(), work = std::move(work), asked_at]() mutable -> Task<void> {
                co_await self->run(std::move(work), asked_at);
            },
            asio::detached);
    }
    if (!answer->work.empty()) co_return true;
    const TimePoint now = parts_.clock.now();
    const Duration until_due = answer->next_due ? *answer->next_due - answer->now : options_.scan;
    arm(now + std::clamp(until_due, Duration(std::chrono::milliseconds(1)), options_.scan));
    co_return false;
}

// At most one alarm is of use: the earliest.
void Engine::arm(TimePoint at) {
    const TimePoint now = parts_.clock.now();
    if (alarm_at_ > now && alarm_at_ <= at) return;
    alarm_at_ = at;
    asio::co_spawn(
        parts_.executor, [self = shared_from_this(), at]() -> Task<void> { co_await self->alarm(at); },
        asio::detached);
}

Task<void> Engine::alarm(TimePoint at) {
    co_await parts_.scheduler.sleep(at - parts_.clock.now());
    if (alarm_at_ == at) alarm_at_ = TimePoint::max();
    signal_.notify();
}

}  // namespace slipway
