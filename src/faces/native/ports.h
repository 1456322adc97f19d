// What the native face needs of parts that it may not see; the wiring fills them in.
//
// Called on the HTTP server's threads: a part that lives on an executor of its own is called there by the wiring,
// and the answer comes back on the caller's. An empty function answers as if that part did not exist (501).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/broker.h"
#include "broker/console_operations.h"
#include "broker/rotation.h"
#include "domain/operation_log.h"

namespace slipway::faces {

struct ReadinessCheck {
    std::string name;  // "store", "local provider", ...
    bool ready = false;
    std::string detail;  // public: readable without a key, so no paths and no names of tenants
    bool needed = true;  // where it is not ready, the whole server is not
};

enum class Severity : std::uint8_t { ok, warning, problem };
std::string_view to_string(Severity severity);

struct Finding {
    std::string check;
    Severity severity = Severity::ok;
    std::string message;  // what was found, for administrators
    std::string fix;      // what to do about it; "" where nothing is to be done
};

struct SweepRequest {
    bool dry_run = true;
    std::optional<Duration> grace = {};  // between first sight and removal; nullopt: as configured
};

struct SweepResult {
    std::vector<Orphan> found;
    std::uint32_t inventory = 0;
    std::uint32_t removed = 0;
    std::uint32_t failed = 0;
};

// What became of an orphan that was to be removed.
struct OrphanRemoval {
    Orphan orphan;
    bool removed = false;  // false: the provider is still at it
};

// A test event, posted at once.
struct Delivery {
    bool delivered = false;
    std::optional<int> status = {};  // none: no answer came
    std::string error = {};          // public; empty where it was delivered
};

struct NativePorts {
    std::function<std::vector<ReadinessCheck>()> readiness = {};  // quick: asked on every /readyz
    std::function<Task<Result<std::vector<Finding>>>()> doctor = {};
    std::function<Task<Result<std::vector<Orphan>>>()> orphans = {};
    std::function<Task<Result<SweepResult>>(SweepRequest)> sweep = {};
    // Errors: not_found, conflict (foreign, or accounted for meanwhile), unavailable, provider_failure.
    std::function<Task<Result<OrphanRemoval>>(std::string provider, std::string external_name)> remove_orphan = {};
    std::function<Task<Result<Delivery>>(WebhookId)> test_webhook = {};
    const Rotations* rotations = nullptr;  // null: this server has none (501)
    const OperationLogs* logs = nullptr;   // likewise
    const ConsoleOperations* consoles = nullptr;
};

}  // namespace slipway::faces
