// Compares what is out there, by ownership tag, with what the store knows, and can remove what nobody accounts for.
#pragma once

#include "base/clock.h"
#include "ops/calls.h"
#include "store/store.h"

namespace slipway {

struct SweepOptions {
    bool dry_run = true;
    Duration grace = std::chrono::hours(1);  // between first sight and removal
    Duration call_budget = std::chrono::seconds(30);
    Duration rest = std::chrono::minutes(1);  // freed ports and addresses are not given again before
};

struct SweepReport {
    std::vector<Orphan> found;    // everything unaccounted for, the removed ones included
    std::uint32_t inventory = 0;  // things seen
    std::uint32_t removed = 0;
    std::uint32_t failed = 0;  // removals that did not work; tried again by the next sweep
};

// What became of one orphan that was to be removed.
struct SweepRemoval {
    Orphan orphan;
    bool removed = false;  // false: the provider is still at it
};

// Used on one executor.
class Sweeper {
  public:
    struct Parts {
        Store& store;
        const ProviderCalls& calls;
        const Clock& clock;
    };
    explicit Sweeper(Parts parts) : parts_(parts) {}

    // Foreign things are reported and never touched. Only what is still unaccounted for at the moment of its
    // removal is removed.
    Task<Result<SweepReport>> sweep(SweepOptions options);
    // Removes one orphan that a sweep has noted, without a grace period. Errors: not_found, conflict (foreign, or
    // it is accounted for meanwhile), unavailable (its provider is not there), provider_failure, storage.
    Task<Result<SweepRemoval>> remove_one(std::string provider, std::string external_name, SweepOptions options);

  private:
    Task<Status> sweep_provider(Provider& provider, const SweepOptions& options, SweepReport& report);
    // One provider's sweep: what the sweeps before it have noted, and what this one answers.
    struct Sweep {
        const SweepOptions& options;
        SweepReport& report;
        std::vector<Orphan> known;
    };
    Task<Status> judge(const Provider& provider, const InventoryItem& item, Sweep& sweep);
    Task<Result<std::string>> verdict(const InventoryItem& item);
    Task<Result<bool>> remove(const Orphan& orphan, const InventoryItem& item, const SweepOptions& options);
    Task<std::expected<bool, ProviderError>> ask_for_removal(const Orphan& orphan, const InventoryItem& item,
                                                             const SweepOptions& options);
    Task<Status> settle(const Orphan& orphan, const SweepOptions& options);
    Task<Result<bool>> try_settle(const Orphan& orphan, const SweepOptions& options);
    Task<Status> forget_vanished(const Provider& provider, const Sweep& sweep);

    Parts parts_;
};

}  // namespace slipway
