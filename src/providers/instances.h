// For providers whose things are instances of the helper (src/agent).
#pragma once

#include <optional>

#include "agent/protocol.h"
#include "providers/provider.h"
#include "providers/provider_error.h"

namespace slipway {

agent::Identity identity_of(const Target& target);
// What is seen where the name is another's, another generation's, or nobody knows whose; empty where it is the
// target's own or nothing is there.
std::optional<Observation> not_ours(const Target& target, const agent::InstanceStatus& status);
// How a failed request to the helper is treated by the engine. `touched`: it, or one before it, may have changed
// something.
ProviderError error_of(const agent::Failure& failure, bool touched);

}  // namespace slipway
