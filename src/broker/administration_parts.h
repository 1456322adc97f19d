// What the use cases of Administration share. Internal to this folder.
#pragma once

#include <string>
#include <vector>

#include "broker/administration.h"

namespace slipway {

// Of an idempotency key. Requests of administration have one face.
struct Administration::Memory {
    std::string scope;
    std::string key;  // empty: the request has none
    std::string request_hash;
};

// What such a key made before.
struct Administration::Made {
    std::string id;
    Secret secret;  // what was shown once; empty: nothing
};

std::string administration_scope(const CallContext& context);

// An event of the audit log that is about no resource.
EventDraft audit_event(const CallContext& context, const OrganizationId& organization, TimePoint at,
                       std::string type, std::string message);

// Text that people read: up to 200 bytes, no control characters.
void check_text(std::string_view field, std::string_view text, std::vector<FieldProblem>& problems);

}  // namespace slipway
