// Who may see and change what.
#pragma once

#include "broker/broker.h"

namespace slipway {

// Administrators see everything, others their own organization's. What a caller may not see does not exist for it.
bool may_see(const Caller& caller, const Resource& resource);
bool may_change(const Caller& caller, const Resource& resource);
std::unexpected<Error> no_such_resource();
std::unexpected<Error> no_such_operation();

}  // namespace slipway
