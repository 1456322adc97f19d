// Webhooks: events posted to an address of the tenant's choice, signed, from the outbox by cursor, so that none is
// lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sealer.h"
#include "domain/ids.h"

namespace slipway {

struct Webhook {
    WebhookId id;
    OrganizationId organization;     // whose events; empty: everybody's
    std::string url;                 // public: it must not hold credentials
    Sealed secret;                   // signs every delivery
    std::vector<std::string> types;  // event types, or beginnings of them ("resource."); empty: all
    bool enabled = true;

    std::uint64_t cursor = 0;    // the last event that was delivered, or passed over because it does not match
    std::uint32_t failures = 0;  // in a row
    TimePoint next_attempt;      // not tried before
    std::string last_error;      // public; empty: the last delivery worked
    std::optional<TimePoint> delivered_at;  // the last success

    TimePoint created_at;
    std::uint64_t version = 0;  // as in Resource
};

// The context to which a webhook's secret is sealed.
inline std::string secret_context(const WebhookId& id) { return "webhook/" + id.str(); }

}  // namespace slipway
