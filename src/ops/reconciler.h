// Looks at what should be running and has what stopped brought back from its data.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "base/scheduler.h"
#include "ops/calls.h"
#include "store/store.h"

namespace slipway {

struct ReconcilerOptions {
    HostId host;
    Duration call_budget = std::chrono::seconds(10);
    Duration repair_limit = std::chrono::minutes(10);
    std::uint32_t page = 200;  // resources that are read at once, in which nothing else is done
};

struct ReconcileReport {
    std::uint32_t seen = 0;
    std::uint32_t healthy = 0;
    std::uint32_t repairs = 0;      // repair operations asked for
    std::uint32_t unreachable = 0;  // could not be observed
};

// Used on one executor.
class Reconciler {
  public:
    struct Parts {
        Store& store;
        const ProviderCalls& calls;
        const Clock& clock;  // never jumps
        Scheduler& scheduler;
        Random& random;
    };
    Reconciler(Parts parts, ReconcilerOptions options) : parts_(parts), options_(std::move(options)) {}

    // Observes every ready resource that lives on this host. However many there are, reading them takes at most a
    // tenth of the executor's time.
    Task<Result<ReconcileReport>> pass();
    // Observes one of them, after a hint.
    Task<Status> look(std::string provider, std::string external_name);

  private:
    Task<Status> check(Resource resource, ReconcileReport& report);
    Task<Status> pass_over(Resource resource, ReconcileReport& report);
    Task<Status> note_health(Resource resource, Health health, std::string detail);
    Task<Result<bool>> ask_repair(Resource resource, const Observation& seen);
    [[nodiscard]] bool mine(const Resource& resource) const;

    Parts parts_;
    ReconcilerOptions options_;
};

}  // namespace slipway
