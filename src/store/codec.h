// Rows as JSON text. What a store keeps in columns because it changes without the body (version, blocked_by,
// sequence) is not in the text. Reading ignores members that it does not know and answers ErrorCode::storage,
// naming the thing and the member, for whatever is missing or wrong: a row can be damaged.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/access.h"
#include "domain/event.h"
#include "domain/operation.h"
#include "domain/resource.h"
#include "domain/webhook.h"

namespace slipway::store {

std::string encode(const Resource& resource);
Result<Resource> decode_resource(std::string_view id, std::string_view body, std::uint64_t version);

std::string encode(const Operation& operation);
Result<Operation> decode_operation(std::string_view id, std::string_view body, std::uint64_t version,
                                   std::string_view blocked_by);

std::string encode(const EventDraft& event);
Result<Event> decode_event(std::string_view body, std::uint64_t sequence);

std::string encode(const Webhook& webhook);
Result<Webhook> decode_webhook(std::string_view id, std::string_view body, std::uint64_t version);

}  // namespace slipway::store
