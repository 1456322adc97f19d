// What an engine's process does by itself: filling pools, reconciling, sweeping, ending rotations and lifetimes.
// Each on its own rhythm and on hints.
#pragma once

#include <atomic>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "base/scheduler.h"
#include "ops/expiry_keeper.h"
#include "ops/pools.h"
#include "ops/reconciler.h"
#include "ops/retention.h"
#include "ops/rotation_keeper.h"
#include "ops/signal.h"
#include "ops/sweeper.h"

namespace slipway {

struct BackgroundOptions {
    Duration pool_interval = std::chrono::seconds(5);
    Duration pool_pause = std::chrono::milliseconds(20);  // hints closer together than this are one
    Duration reconcile_interval = std::chrono::seconds(30);
    Duration sweep_interval = std::chrono::minutes(10);
    Duration retention_interval = std::chrono::seconds(30);
    Duration rotation_interval = std::chrono::seconds(15);
    Duration expiry_interval = std::chrono::minutes(1);  // it wakes when something is due besides
    SweepOptions sweep;
};

// Everything runs on the executor; hints are thread-safe.
class Background : public std::enable_shared_from_this<Background> {
  public:
    struct Parts {
        PoolKeeper& pools;
        Reconciler& reconciler;
        Sweeper& sweeper;
        RotationKeeper& rotations;
        ExpiryKeeper& expiries;
        const ProviderRegistry& registry;
        const Clock& clock;
        Scheduler& scheduler;
        boost::asio::any_io_executor executor;
        BackupRetention* retention = nullptr;  // none: nobody keeps backups here
    };
    static std::shared_ptr<Background> make(Parts parts, BackgroundOptions options);

    // Spawns the loops and listens to the providers' hints. The first reconcile pass begins at once, so that what
    // died while no broker was there comes back.
    void start();
    void stop();
    // A pooled resource may have been claimed.
    void hint_pools();
    // The expiry of a resource is due then (CommitNotice).
    void hint_expiry(TimePoint due);

  private:
    Background(Parts parts, BackgroundOptions options);
    Task<void> fill_pools();
    Task<void> every(Duration interval, Signal& signal);
    Task<void> reconcile();
    Task<void> sweep();
    Task<void> retain();
    Task<void> confirm_rotations();
    Task<void> end_lifetimes();
    void arm_expiry(TimePoint at);
    void tick(Duration interval, Signal& signal);
    Task<void> look(std::string provider, std::string external_name);
    void spawn(Task<void> (Background::*loop)());

    Parts parts_;
    BackgroundOptions options_;
    Signal pool_signal_;
    Signal expiry_signal_;
    std::atomic<TimePoint> expiry_alarm_ = TimePoint::max();  // the next one; a time that has passed: none
    std::atomic<bool> hinted_ = false;                        // so that the hints of a busy store cost nothing
    bool stopping_ = false;
};

}  // namespace slipway
