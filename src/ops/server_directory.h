// How the shared database servers are reached and administered, read from their records.
#pragma once

#include "base/sealer.h"
#include "domain/ports.h"
#include "store/store.h"

namespace slipway {

// Thread-safe if its store is. A secret that cannot be opened makes its server unavailable.
class StoreDatabaseServers final : public DatabaseServers {
  public:
    // Both outlive it.
    StoreDatabaseServers(Store& store, const Sealer& sealer) : store_(store), sealer_(sealer) {}

    Task<Result<std::optional<ServerAccess>>> find(ResourceId server) override;
    Task<Result<std::vector<ServerAccess>>> all() override;

  private:
    [[nodiscard]] Result<ServerAccess> access_of(const Resource& server) const;

    Store& store_;
    const Sealer& sealer_;
};

}  // namespace slipway
