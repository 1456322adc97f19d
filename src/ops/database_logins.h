// How tenants log in to their databases, read from their records.
#pragma once

#include "base/sealer.h"
#include "domain/ports.h"
#include "store/store.h"

namespace slipway {

// Thread-safe if its store is.
class StoreDatabaseLogins final : public DatabaseLogins {
  public:
    // All outlive it.
    StoreDatabaseLogins(Store& store, const Sealer& sealer, DatabaseServers& servers)
        : store_(store), sealer_(sealer), servers_(servers) {}

    Task<Result<std::optional<DatabaseLogin>>> find(ResourceId database) override;

  private:
    Store& store_;
    const Sealer& sealer_;
    DatabaseServers& servers_;
};

}  // namespace slipway
