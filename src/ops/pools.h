// Keeps the pools of ready-made resources at their level.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/scheduler.h"
#include "base/sealer.h"
#include "domain/catalog.h"
#include "domain/ports.h"
#include "store/placing.h"

namespace slipway {

struct PoolOptions {
    HostId host;
    std::string name_prefix = "oct";
    Duration provision_limit = std::chrono::minutes(15);
    std::uint32_t per_round = 16;  // resources asked for in one round
    // After a creation that failed its plan is left alone for a while, twice as long after each further one.
    Duration first_pause = std::chrono::seconds(1);
    Duration longest_pause = std::chrono::minutes(5);
};

// Used on one executor.
class PoolKeeper {
  public:
    struct Parts {
        Store& store;
        const Catalog& catalog;
        const ProviderDirectory& providers;
        Sealer& sealer;
        const Clock& clock;
        Random& random;
    };
    PoolKeeper(Parts parts, PoolOptions options) : parts_(parts), options_(std::move(options)) {}

    // One look at every plan; asks for what is missing. Answers how many were asked for. The store refuses what
    // would pass the plan's level, so that several keepers do not overfill it.
    Task<Result<std::uint32_t>> fill();

  private:
    // What became of what was asked for a plan.
    struct Trial {
        std::vector<OperationId> open;
        std::uint32_t failures = 0;  // in a row
        TimePoint not_before;
    };
    Task<Result<bool>> add(const Plan& plan, Trial& trial);
    Task<Result<bool>> add_placed(const ProvisionDraftRequest& wanted, Trial& trial);
    Task<Result<CommitAnswer>> commit_of(const Plan& plan, Commit commit);
    Task<Status> look_at(Trial& trial);
    Parts parts_;
    std::map<std::string, Trial> trials_;  // by kind, engine and plan
    PoolOptions options_;
};

}  // namespace slipway
