// The engine: leases operations that are due and runs them to their end.
//
//   lease (fence raised, intent on disk) -> observe -> act -> record, conditional on the fence
//
// It decides nothing: domain step() says what is called, retried, undone and recorded. Many engines may run over
// one store. Everything runs on one executor, given by the owner, and is deterministic if that is.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/scheduler.h"
#include "ops/calls.h"
#include "ops/observer.h"
#include "ops/signal.h"
#include "store/store.h"

namespace slipway {

struct EngineOptions {
    HostId host;
    Duration lease = std::chrono::seconds(30);
    // One provider call. With the margin it stays below the lease, so that a worker that wakes up late after its
    // call has no lease any more and nothing of it is recorded.
    Duration call_budget = std::chrono::seconds(15);
    Duration margin = std::chrono::seconds(3);
    Duration scan = std::chrono::seconds(1);  // the fallback where no notice wakes it
    Duration rest = std::chrono::minutes(1);  // freed ports and addresses are not given again before
    Duration far = std::chrono::minutes(10);  // nothing is ever due later than this by itself
    std::uint32_t batch = 64;                 // operations of one lease call
    std::uint32_t per_organization = 32;      // operations of one organization under way at once
    RetryPolicy policy;
};

// Counters for metrics and tests; read on the engine's executor.
struct EngineCounters {
    std::uint64_t leased = 0;
    std::uint64_t takeovers = 0;
    std::uint64_t calls = 0;
    std::uint64_t superseded = 0;  // writes refused because another worker had the lease
    std::uint64_t ended = 0;
};

class Engine : public std::enable_shared_from_this<Engine> {
  public:
    // The transition function, passed in so that a simulation can break it and see that it is caught.
    using Machine = std::function<std::expected<OperationStepped, Refusal>(const Operation&, const OperationEvent&,
                                                                           const RetryPolicy&)>;
    struct Parts {
        Store& store;
        const ProviderCalls& calls;
        const Clock& clock;
        Scheduler& scheduler;
        Random& random;
        boost::asio::any_io_executor executor;
        Machine machine = [](const Operation& operation, const OperationEvent& event, const RetryPolicy& policy) {
            return step(operation, event, policy);
        };
        OpsObserver* observer = nullptr;  // outlives it
    };
    // The parts outlive every coroutine of the executor.
    static std::shared_ptr<Engine> make(Parts parts, EngineOptions options);

    // Spawns the loop; it begins with what an earlier process of this host left: leases of its own are over at
    // once. There must be one process of a host at a time. Called once, on any thread.
    void start();
    // Something may be due. Thread-safe.
    void wake();
    // No new leases; operations under way finish their present call and give their lease back. Completes when none
    // is left or `limit` has passed. On the engine's executor.
    Task<void> stop(Duration limit);

    [[nodiscard]] const EngineCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t under_way() const { return under_way_; }

  private:
    Engine(Parts parts, EngineOptions options);
    struct Run;
    enum class Recorded : std::uint8_t { written, reloaded, exhausted, lost };

    Task<void> loop();
    Task<void> recover();
    Task<Status> make_due(Operation operation);
    Task<bool> lease_some();
    Task<void> alarm(TimePoint at);
    void arm(TimePoint at);
    Task<void> run(LeasedWork work, TimePoint leased_at);
    Task<bool> advance(Run& run, OperationChange change);
    Task<bool> renew(Run& run);
    std::optional<Commit> commit_of(Run& run, OperationStepped stepped, TimePoint now);
    Task<Recorded> record(Run& run, OperationStepped stepped, TimePoint now);
    Task<Recorded> reload(Run& run);
    Task<ProviderAnswer> call(Run& run, Verb verb);
    // Why what is placed on another cannot be made now; none: it can be.
    Task<std::optional<ProviderError>> no_host(const Resource& resource);
    [[nodiscard]] std::vector<std::pair<std::string, std::uint32_t>> capacity() const;

    Parts parts_;
    EngineOptions options_;
    Signal signal_;
    std::atomic<bool> woken_ = false;  // so that to wake it costs nothing where it has not looked yet
    EngineCounters counters_;
    std::map<std::string, std::uint32_t> busy_;  // by provider
    std::map<OrganizationId, std::uint32_t> busy_organizations_;
    std::size_t under_way_ = 0;
    TimePoint alarm_at_ = TimePoint::max();
    bool stopping_ = false;
};

}  // namespace slipway
