// The consoles of machines: who may read one, and type at it. Not operations of the kind that are queued and tried
// again.
//
// Thread-safe, as the Broker.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "base/scheduler.h"
#include "broker/broker.h"
#include "domain/consoles.h"

namespace slipway {

inline constexpr std::size_t kMostTyped = 4 * 1024;                        // bytes at once
inline constexpr std::uint64_t kMostConsoleTail = std::uint64_t{2} << 20;  // bytes: more is never kept

class ConsoleOperations {
  public:
    struct Parts {
        Broker& broker;
        Store& store;
        const Clock& clock;
        Scheduler& scheduler;  // usable from every executor that calls this
        Consoles& consoles;
    };
    explicit ConsoleOperations(Parts parts, std::size_t most_waiting = 256)
        : parts_(parts), most_waiting_(most_waiting) {}

    // What it printed, from there on; where that is nothing yet, waits for more as long as asked. As with
    // passwords, readers are refused: what stands on a console may be one. But administrators read every one, since
    // it is what helps where nothing else does. Errors: not_found, forbidden, conflict (it is no machine),
    // exhausted (too many wait), unavailable, storage.
    Task<Result<ConsoleOutput>> read(CallContext context, ResourceId id, ConsoleFrom from, Duration wait) const;

    // As it would be typed there: bytes, 1 to kMostTyped of them. Who begins to type is on record before (event
    // resource.console_opened; again after 10 minutes without), what is typed nowhere. Errors besides:
    // invalid_argument (none), too_large, conflict (it does not run, or does not read).
    Task<Status> type(CallContext context, ResourceId id, Secret input) const;

    // Whoever waits is answered as it is, soon: for the end of a server, which lets requests finish.
    void end_waits() { ending_ = true; }

  private:
    struct Use {
        TimePoint typed_at;                              // by anybody
        std::map<std::string, TimePoint> by_actor = {};  // when each typed last
    };
    [[nodiscard]] Task<Result<Resource>> find_machine(const CallContext& context, const ResourceId& id) const;
    // From the place on, as much as one answer takes.
    [[nodiscard]] Task<Result<ConsoleOutput>> read_now(const Resource& machine, ConsoleFrom from) const;
    [[nodiscard]] Task<Result<ConsoleOutput>> await(const Resource& machine, ConsoleOutput seen,
                                                    TimePoint until) const;
    // Whether nobody knows yet that this one types there.
    [[nodiscard]] bool begins(const std::string& actor, const ResourceId& machine, TimePoint now) const;
    void note(const std::string& actor, const ResourceId& machine, TimePoint now) const;
    [[nodiscard]] bool is_typed_at(const ResourceId& machine, TimePoint now) const;

    Parts parts_;
    std::size_t most_waiting_;
    mutable std::atomic<std::size_t> waiting_ = 0;
    std::atomic<bool> ending_ = false;
    mutable std::mutex mutex_;
    mutable std::map<ResourceId, Use> uses_;  // of late
};

}  // namespace slipway
