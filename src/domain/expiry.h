// The end that a resource may have: how it is asked for, what its plan says to that, when its owner is warned.
//
// A lifetime counts from the acceptance of the request that names it, not from when the resource is ready: then the
// end stands in the answer, and a creation that hangs ends as well.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "domain/catalog.h"
#include "domain/event.h"

namespace slipway {

// What may be asked for, and what a plan may say.
inline constexpr Duration kShortestLifetime = std::chrono::seconds(1);
inline constexpr Duration kLongestLifetime = std::chrono::hours(24 * 3650);

// What is asked of an end: nothing, so long from now, or that there is none.
struct NeverExpires {
    friend bool operator==(const NeverExpires&, const NeverExpires&) = default;
};
using LifetimeWish = std::variant<std::monostate, Duration, NeverExpires>;

// From a request: whole seconds, with or without quotes, a duration ("2h"), or "never". Else what is wrong, to go
// after the field's name.
std::expected<LifetimeWish, std::string> parse_lifetime(std::string_view text);
std::expected<LifetimeWish, std::string> parse_lifetime(std::int64_t seconds);
// The same in a form that tells wishes apart; "" for none.
std::string text_of(const LifetimeWish& wish);

// The end of what lasts so long from now on. Its owner is warned when a tenth of that is left: at most an hour
// before the end, at least 10 s, and never in the first half of the time.
Expiry expiry_after(Duration lifetime, TimePoint now);

// The end that a new one of the plan gets: what is asked for, else the plan's lifetime, else its max_lifetime. Or
// what is wrong with the wish.
std::expected<std::optional<Expiry>, std::string> first_expiry(const Plan& plan, const LifetimeWish& wish,
                                                               TimePoint now);
// The end that one gets which is there already, within what all of the plans allow: the one it has, and while it
// changes the other one too. A wish for nothing leaves it as it is.
std::expected<std::optional<Expiry>, std::string> next_expiry(const std::optional<Expiry>& present,
                                                              const LifetimeWish& wish,
                                                              std::span<const Plan* const> plans, TimePoint now);

// When it ends by itself; none: never.
std::optional<TimePoint> ends_at(const Resource& resource);
// When somebody has to see to its end next; none: it has none, nobody owns it yet, or it is on its way there.
std::optional<TimePoint> expiry_due(const Resource& resource);

// For its owner: "it ends at 2026-05-20T04:28:03.758Z", "it does not end by itself any more".
std::string words_of(const std::optional<Expiry>& expiry);

// Its owner is told that it is about to end. Changes only the expiry, which it has.
EventDraft warn_of_end(Resource& resource, TimePoint now);
// Something is in the way of its removal, which is tried again after `pause`. None: its owner was told before.
std::optional<EventDraft> delay_end(Resource& resource, std::string_view why, TimePoint now, Duration pause);

// Who it is that removes what has come to its end, in events and operations.
inline constexpr std::string_view kExpiryActor = "expiry";

}  // namespace slipway
