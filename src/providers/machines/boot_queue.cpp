#include "providers/machines/boot_queue.h"

#include <algorithm>

namespace slipway::machines {
namespace {

constexpr Duration kForgottenAfter = std::chrono::seconds(30);
constexpr Duration kLongBoot = std::chrono::minutes(3);

}  // namespace

void BootQueue::forget(TimePoint now) {
    std::erase_if(waiting_, [&](const Waiting& each) { return now - each.asked > kForgottenAfter; });
    std::erase_if(booting_, [&](const auto& each) { return now - each.second > kLongBoot; });
}

BootLevels BootQueue::levels(TimePoint now) const {
    BootLevels levels;
    for (const auto& [name, since] : booting_) levels.under_way += now - since <= kLongBoot ? 1 : 0;
    for (const Waiting& each : waiting_) levels.waiting += now - each.asked <= kForgottenAfter ? 1 : 0;
    return levels;
}

std::size_t BootQueue::ask(const std::string& name, TimePoint now) {
    if (booting_.contains(name)) return 0;
    auto found = std::ranges::find(waiting_, name, &Waiting::name);
    if (found != waiting_.end()) found->asked = now;
    forget(now);
    found = std::ranges::find(waiting_, name, &Waiting::name);
    if (found == waiting_.end()) found = waiting_.insert(waiting_.end(), {name, now});
    const auto before = static_cast<std::size_t>(found - waiting_.begin());
    if (booting_.size() + before >= at_once_) return booting_.size() + before + 1 - at_once_;
    waiting_.erase(found);
    booting_[name] = now;
    return 0;
}

void BootQueue::leave(const std::string& name) {
    booting_.erase(name);
    std::erase_if(waiting_, [&](const Waiting& each) { return each.name == name; });
}

}  // namespace slipway::machines
