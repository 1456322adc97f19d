// What owners ask of their running engines: figures, and to forget everything. Not operations of the kind that are
// queued and tried again: the engine does it now, or the caller is told why not.
//
// Thread-safe, as the Broker.
#pragma once

#include "broker/broker.h"
#include "domain/live_engines.h"

namespace slipway {

class EngineOperations {
  public:
    struct Parts {
        Broker& broker;
        Store& store;
        const Clock& clock;
        LiveEngines& engines;
    };
    explicit EngineOperations(Parts parts, Duration limit = std::chrono::seconds(5))
        : parts_(parts), limit_(limit) {}

    // Errors: not_found (also for what is being deleted), conflict (it is not ready), unavailable (the engine does
    // not answer now, or cannot do this), exhausted, storage.
    Task<Result<std::vector<Statistic>>> statistics(CallContext context, ResourceId id) const;
    // Errors besides: forbidden. Who asked is on record before anything is forgotten.
    Task<Status> flush(CallContext context, ResourceId id) const;

  private:
    [[nodiscard]] Task<Result<Resource>> find_running(CallContext context, ResourceId id) const;

    Parts parts_;
    Duration limit_;
};

}  // namespace slipway
