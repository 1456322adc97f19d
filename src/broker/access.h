// Who may see and change what.
#pragma once

#include "broker/broker.h"

namespace slipway {

// Administrators see everything, others their own organization's. What a caller may not see does not exist for it.
bool may_see(const Caller& caller, const Resource& resource);
bool may_change(const Caller& caller, const Resource& resource);
std::unexpected<Error> no_such_resource();
std::unexpected<Error> no_such_operation();

// What several use cases refuse with.
Error only_reading();
Error administrators_only();
Error no_such_organization();
// One that is there: whatever takes an organization takes no deleted one. Errors: not_found, storage.
Task<Result<Organization>> living_organization(Store& store, OrganizationId id);
Error another_request();  // the idempotency key came before with another one

// Callers may name their own organization; administrators every one but the system's.
Status may_name(const Caller& caller, const OrganizationId& organization);

// A new API key.
Secret make_key(Random& random);

// Which organization's things a listing is of. Those without the role see their own; nullopt: everybody's.
Result<std::optional<OrganizationId>> scope_for(const Caller& caller, std::optional<OrganizationId> named);

// Whose idempotency keys these are.
std::string idempotency_scope(const CallContext& context, std::string_view face);

}  // namespace slipway
