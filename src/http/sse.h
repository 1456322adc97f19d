// Server-sent events: one event as text, for a Response::stream of type kEventStream.
#pragma once

#include <string>
#include <string_view>

namespace slipway::http {

inline constexpr std::string_view kEventStream = "text/event-stream; charset=UTF-8";
inline constexpr std::string_view kHeartbeat = ":\n\n";  // a comment: clients ignore it, a dead connection shows

// `id` is what a client sends back as Last-Event-ID; "" sends none. Line breaks in `data` are kept; in `event` and
// `id` they are dropped, because there they would begin another field.
std::string sse_event(std::string_view event, std::string_view id, std::string_view data);

}  // namespace slipway::http
