// The ids of the domain. Each is a type of its own.
#pragma once

#include "base/ids.h"

namespace slipway {

using ResourceId = StrongId<struct ResourceTag>;          // "res_…", immutable, never reused
using OperationId = StrongId<struct OperationTag>;        // "op_…"
using OrganizationId = StrongId<struct OrganizationTag>;  // chosen by people, e.g. "default"
using ApiKeyId = StrongId<struct ApiKeyTag>;              // "key_…", not secret
using WebhookId = StrongId<struct WebhookTag>;            // "whk_…"
using HostId = StrongId<struct HostTag>;                  // the machine on which a local resource lives
using LeaseToken = StrongId<struct LeaseTag>;             // made anew for every lease
using InstallationId = StrongId<struct InstallationTag>;  // the ownership tag on everything we make

// Organizations that always exist.
inline constexpr const char* kSystemOrganization = "system";        // owns what is not claimed yet
inline constexpr const char* kAnonymousOrganization = "anonymous";  // callers without a key
inline constexpr const char* kDefaultOrganization = "default";      // the administrator's first one

// The billing code of what is made ahead, overwritten at the claim.
inline constexpr const char* kPoolBillingCode = "pre-provisioned";

}  // namespace slipway
