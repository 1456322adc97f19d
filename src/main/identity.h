// Who this installation is, and who its administrator is: made once, kept in the store.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/task.h"
#include "domain/ids.h"
#include "store/store.h"

namespace slipway {

struct Identity {
    InstallationId installation;  // the ownership tag on everything that is made
    // The machine on which local resources live. The embedded store belongs to one machine, so that its host is in
    // it.
    HostId host;
};

// Makes the organizations that always exist, too.
Task<Result<Identity>> load_or_create_identity(Store& store, const Clock& clock, Random& random);

// Makes `key` the administrator's key of the organization "default": its hash is stored where it is not known yet,
// and the one registered here before is revoked. Repeating it changes nothing.
Task<Status> register_administrator(Store& store, Secret key, const Clock& clock, Random& random);

}  // namespace slipway
