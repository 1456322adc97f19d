#include "ops/background.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/log.h"

namespace slipway {

namespace asio = boost::asio;

std::shared_ptr<Background> Background::make(Parts parts, BackgroundOptions options) {
    return std::shared_ptr<Background>(new Background(std::move(parts), std::move(options)));
}

Background::Background(Parts parts, BackgroundOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      pool_signal_(parts_.executor),
      expiry_signal_(parts_.executor) {}

void Background::spawn(Task<void> (Background::*loop)()) {
    asio::co_spawn(
        parts_.executor, [self = shared_from_this(), loop]() -> Task<void> { co_await ((*self).*loop)(); },
        asio::detached);
}

void Background::tick(Duration interval, Signal& signal) {
    asio::co_spawn(
        parts_.executor,
        [self = shared_from_this(), interval, &signal]() -> Task<void> { co_await self->every(interval, signal); },
        asio::detached);
}

void Background::start() {
    spawn(&Background::fill_pools);
    spawn(&Background::reconcile);
    spawn(&Background::sweep);
    if (parts_.retention != nullptr) spawn(&Background::retain);
    spawn(&Background::confirm_rotations);
    spawn(&Background::end_lifetimes);
    tick(options_.pool_interval, pool_signal_);
    tick(options_.expiry_interval, expiry_signal_);
    for (const auto& entry : parts_.registry.all()) {
        entry.second->on_change([weak = weak_from_this(), name = entry.first](std::string external_name) {
            const auto self = weak.lock();
            if (!self || self->stopping_) return;
            asio::co_spawn(
                self->parts_.executor,
                [self, name, external_name = std::move(external_name)]() -> Task<void> {
                    co_await self->look(name, external_name);
                },
                asio::detached);
        });
    }
}

void Background::stop() {
    stopping_ = true;
    for (const auto& entry : parts_.registry.all()) entry.second->on_change(nullptr);
    hint_pools();
    hint_expiry(TimePoint::min());
}

void Background::hint_pools() {
    if (hinted_.exchange(true)) return;
    asio::post(parts_.executor, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->hinted_ = false;
        self->pool_signal_.notify();
    });
}

// An alarm that rings before then, or the next tick, sees to it as well.
void Background::hint_expiry(TimePoint due) {
    const TimePoint now = parts_.clock.now();
    const TimePoint alarm = expiry_alarm_.load();
    if (due > now + options_.expiry_interval || (alarm > now && alarm <= due)) return;
    asio::post(parts_.executor, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->expiry_signal_.notify();
    });
}

void Background::arm_expiry(TimePoint at) {
    const TimePoint now = parts_.clock.now();
    const TimePoint alarm = expiry_alarm_.load();
    if (at > now + options_.expiry_interval || (alarm > now && alarm <= at)) return;
    expiry_alarm_ = at;
    asio::co_spawn(
        parts_.executor,
        [self = shared_from_this(), delay = at - now]() -> Task<void> {
            co_await self->parts_.scheduler.sleep(delay);
            self->expiry_signal_.notify();
        },
        asio::detached);
}

Task<void> Background::end_lifetimes() {
    constexpr Duration again = std::chrono::seconds(1);  // where the store failed
    while (!stopping_) {
        co_await expiry_signal_.wait();
        if (stopping_) co_return;
        const auto passed = co_await parts_.expiries.pass();
        if (!passed) {
            log::error("expiry", "a pass failed", {{"error", passed.error().message}});
            arm_expiry(parts_.clock.now() + again);
        } else if (passed->next) {
            arm_expiry(*passed->next);
        }
    }
}

Task<void> Background::every(Duration interval, Signal& signal) {
    while (!stopping_) {
        signal.notify();
        co_await parts_.scheduler.sleep(interval);
    }
}

Task<void> Background::fill_pools() {
    while (!stopping_) {
        co_await pool_signal_.wait();
        if (stopping_) co_return;
        if (const auto filled = co_await parts_.pools.fill(); !filled) {
            log::error("pools", "filling failed", {{"error", filled.error().message}});
        }
        co_await parts_.scheduler.sleep(options_.pool_pause);
    }
}

Task<void> Background::reconcile() {
    while (!stopping_) {
        if (const auto passed = co_await parts_.reconciler.pass(); !passed) {
            log::error("reconcile", "a pass failed", {{"error", passed.error().message}});
        }
        co_await parts_.scheduler.sleep(options_.reconcile_interval);
    }
}

Task<void> Background::confirm_rotations() {
    while (!stopping_) {
        if (const auto passed = co_await parts_.rotations.pass(); !passed) {
            log::error("rotation", "a pass failed", {{"error", passed.error().message}});
        }
        co_await parts_.scheduler.sleep(options_.rotation_interval);
    }
}

Task<void> Background::look(std::string provider, std::string external_name) {
    const auto looked = co_await parts_.reconciler.look(provider, external_name);
    if (!looked)
        log::error("reconcile", "a look failed", {{"name", external_name}, {"error", looked.error().message}});
}

Task<void> Background::retain() {
    while (!stopping_) {
        const auto passed = co_await parts_.retention->pass();
        if (!passed) {
            log::error("retention", "a pass failed", {{"error", passed.error().message}});
        } else if (*passed > 0) {
            log::info("retention", "backups are removed, as their plans say",
                      {{"removed", std::to_string(*passed)}});
        }
        co_await parts_.scheduler.sleep(options_.retention_interval);
    }
}

Task<void> Background::sweep() {
    while (!stopping_) {
        co_await parts_.scheduler.sleep(options_.sweep_interval);
        if (stopping_) co_return;
        const auto swept = co_await parts_.sweeper.sweep(options_.sweep);
        if (!swept) {
            log::error("sweep", "a sweep failed", {{"error", swept.error().message}});
        } else if (!swept->found.empty()) {
            log::warning(
                "sweep", "found what nobody accounts for",
                {{"found", std::to_string(swept->found.size())}, {"removed", std::to_string(swept->removed)}});
        }
    }
}

}  // namespace slipway
