// Events: the audit log and the feed. Numbered by the store in commit order, without gaps visible to readers.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "domain/ids.h"

namespace slipway {

// As written; the store adds the sequence number. Nothing in it may hold a secret.
struct EventDraft {
    TimePoint at;
    std::string type;     // "resource.ready", "operation.retrying", …: dotted, stable
    std::string message;  // public: a sentence for the resource's owner
    ResourceId resource;
    OperationId operation;        // empty: none
    OrganizationId organization;  // whose it is
    std::string actor;            // who caused it
    std::string request_id;       // the request that caused it
    std::string provider_request_id;
    std::string trace;  // W3C traceparent of the request that caused it; empty: none
    json::object data;  // public details
};

struct Event {
    std::uint64_t sequence = 0;
    EventDraft body;
};

}  // namespace slipway
