#include "domain/expiry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/quantity.h"
#include "domain/draft.h"

namespace slipway {
namespace {

constexpr Duration kEarliestWarning = std::chrono::hours(1);
constexpr Duration kLatestWarning = std::chrono::seconds(10);
constexpr int kTenth = 10;
constexpr std::string_view kNever = "never";

std::string allowed() {
    return fmt::format("must be a duration from {} to {}, as a number of seconds or like \"2h\", or \"never\"",
                       format_duration(kShortestLifetime), format_duration(kLongestLifetime));
}

std::expected<LifetimeWish, std::string> bounded(Duration lifetime) {
    if (lifetime < kShortestLifetime || lifetime > kLongestLifetime) return std::unexpected(allowed());
    return lifetime;
}

// What is wrong with an end that is not to be; nothing where the plan has no say in it.
std::optional<std::string> fault_of_none(const Plan& plan) {
    if (!plan.max_lifetime) return std::nullopt;
    return fmt::format("must not be \"never\": what has the plan {} ends within {}", plan.name,
                       format_duration(*plan.max_lifetime));
}

std::optional<std::string> fault_of(const Plan& plan, Duration lifetime) {
    if (!plan.max_lifetime || lifetime <= *plan.max_lifetime) return std::nullopt;
    return fmt::format("must be at most {}: the plan {} allows no more", format_duration(*plan.max_lifetime),
                       plan.name);
}

// An end that was set before, by another plan.
std::optional<std::string> fault_of_present(const Plan& plan, const std::optional<Expiry>& present, TimePoint now) {
    if (!plan.max_lifetime || (present && present->at <= now + *plan.max_lifetime)) return std::nullopt;
    return fmt::format("is required, and at most {}: the plan {} ends what has it, and this one {}",
                       format_duration(*plan.max_lifetime), plan.name, present ? "ends later" : "has no end yet");
}

}  // namespace

std::expected<LifetimeWish, std::string> parse_lifetime(std::string_view text) {
    if (text == kNever) return NeverExpires{};
    std::int64_t seconds = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return parse_lifetime(seconds);
    if (const auto duration = parse_duration(text)) return bounded(*duration);
    return std::unexpected(allowed());
}

std::expected<LifetimeWish, std::string> parse_lifetime(std::int64_t seconds) {
    const std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(kLongestLifetime).count();
    if (seconds < 0 || seconds > most) return std::unexpected(allowed());
    return bounded(std::chrono::seconds(seconds));
}

std::string text_of(const LifetimeWish& wish) {
    if (std::holds_alternative<NeverExpires>(wish)) return std::string(kNever);
    const auto* lifetime = std::get_if<Duration>(&wish);
    return lifetime != nullptr ? format_duration(*lifetime) : std::string();
}

Expiry expiry_after(Duration lifetime, TimePoint now) {
    const Duration notice = std::clamp(lifetime / kTenth, kLatestWarning, kEarliestWarning);
    return {now + lifetime, now + lifetime - std::min(notice, lifetime / 2)};
}

std::expected<std::optional<Expiry>, std::string> first_expiry(const Plan& plan, const LifetimeWish& wish,
                                                               TimePoint now) {
    if (!std::holds_alternative<std::monostate>(wish)) return next_expiry({}, wish, std::array{&plan}, now);
    const std::optional<Duration> lifetime = plan.lifetime ? plan.lifetime : plan.max_lifetime;
    return lifetime ? std::optional(expiry_after(*lifetime, now)) : std::nullopt;
}

std::expected<std::optional<Expiry>, std::string> next_expiry(const std::optional<Expiry>& present,
                                                              const LifetimeWish& wish,
                                                              std::span<const Plan* const> plans, TimePoint now) {
    const auto* lifetime = std::get_if<Duration>(&wish);
    const bool never = std::holds_alternative<NeverExpires>(wish);
    for (const Plan* plan : plans) {
        std::optional<std::string> fault = lifetime != nullptr ? fault_of(*plan, *lifetime)
                                           : never             ? fault_of_none(*plan)
                                                               : fault_of_present(*plan, present, now);
        if (fault) return std::unexpected(std::move(*fault));
    }
    if (lifetime != nullptr) return expiry_after(*lifetime, now);
    return never ? std::nullopt : present;
}

std::optional<TimePoint> ends_at(const Resource& resource) {
    return resource.expiry ? std::optional(resource.expiry->at) : std::nullopt;
}

std::optional<TimePoint> expiry_due(const Resource& resource) {
    const bool leaving = std::holds_alternative<resource_state::Deprovisioning>(resource.state) ||
                         std::holds_alternative<resource_state::Gone>(resource.state);
    if (!resource.expiry || resource.pooled || leaving) return std::nullopt;
    return resource.expiry->due;
}

std::string words_of(const std::optional<Expiry>& expiry) {
    return expiry ? fmt::format("it ends at {}", format_time(expiry->at)) : "it does not end by itself any more";
}

EventDraft warn_of_end(Resource& resource, TimePoint now) {
    resource.expiry->warned = true;
    resource.expiry->due = resource.expiry->at;
    EventDraft event = draft_event(resource, {std::string(kExpiryActor), ""}, now, "resource.expiring",
                                   fmt::format("{} is about to end: it is removed at {}, unless its lifetime is "
                                               "extended before",
                                               resource.name, format_time(resource.expiry->at)));
    event.data["expires_at"] = format_time(resource.expiry->at);
    return event;
}

std::optional<EventDraft> delay_end(Resource& resource, std::string_view why, TimePoint now, Duration pause) {
    resource.expiry->due = now + pause;
    if (std::exchange(resource.expiry->delayed, true)) return std::nullopt;
    return draft_event(
        resource, {std::string(kExpiryActor), ""}, now, "resource.expiry_delayed",
        fmt::format("the lifetime of {} is over, and it cannot be removed yet: {}", resource.name, why));
}

}  // namespace slipway
