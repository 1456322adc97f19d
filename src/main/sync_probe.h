// How long a disk takes to keep what it is told to, asked without being held up by one that never does.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace slipway {

// Thread-safe. Its end waits for a look that is under way.
class SyncProbe {
  public:
    SyncProbe() = default;
    ~SyncProbe();
    SyncProbe(const SyncProbe&) = delete;
    SyncProbe& operator=(const SyncProbe&) = delete;

    // sync_time() of the directory on a thread of its own, which whoever asks meanwhile shares, whatever directory
    // is named; nullopt where that takes longer than the limit. Errors: sync_time()'s; unavailable: no thread can
    // be made.
    Task<std::optional<Result<Duration>>> measure(std::string directory, Duration limit);

  private:
    struct Look {
        std::atomic<bool> ended = false;
        Result<Duration> time = Duration::zero();  // read once it has ended
    };
    std::shared_ptr<Look> look(const std::string& directory);

    std::mutex mutex_;
    std::shared_ptr<Look> look_;
    std::thread thread_;
};

}  // namespace slipway
