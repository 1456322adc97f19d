// A client of a history: asks, is cut off, asks again with the same key, and remembers what it was promised.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/process.h"

namespace slipway::sim {

// One thing that somebody wants, and what was answered about it.
struct Intent {
    std::string key;  // Idempotency-Key
    std::string plan;
    OrganizationId organization;
    LifetimeWish expires_in = {};
    bool settled = false;                // a definite answer came
    std::optional<ResourceId> resource;  // accepted
    std::optional<OperationId> operation;
    bool ready_seen = false;  // its creation was answered as done
    bool delete_wanted = false;
    bool delete_accepted = false;
    bool cancel_accepted = false;
};

class Client {
  public:
    struct Parts {
        World& world;
        std::function<Process*()> pick;  // a live process, or null
        std::vector<std::string>& violations;
        std::vector<std::string>& outputs;  // every text that was answered, to be searched for secrets
    };
    Client(Parts parts, int number);

    void start(Duration busy_for);
    // The process died: what was asked there has no answer.
    void cut_off(Owner process);
    // Asks for the removal of everything it still has.
    void delete_everything();
    [[nodiscard]] bool idle() const;
    [[nodiscard]] const std::vector<Intent>& intents() const { return intents_; }
    [[nodiscard]] std::uint64_t requests() const { return requests_; }

  private:
    enum class Kind : std::uint8_t { create, remove, cancel, replay, reuse, tag, extend, list };
    struct Ask {
        Kind kind = Kind::create;
        std::size_t intent = 0;
    };
    void act();
    void ask(Ask what);
    void answered(std::uint64_t call, const std::function<void()>& take);
    Task<void> perform(Process& process, Ask what, std::uint64_t call);
    Task<void> create(Process& process, std::size_t index, std::uint64_t call);
    Task<void> remove(Process& process, std::size_t index, std::uint64_t call);
    Task<void> cancel(Process& process, std::size_t index, std::uint64_t call);
    Task<void> replay(Process& process, std::size_t index, std::uint64_t call, bool other_plan);
    Task<void> tag(Process& process, std::size_t index, std::uint64_t call);
    Task<void> extend(Process& process, std::size_t index, std::uint64_t call);
    Task<void> list(Process& process, std::uint64_t call);
    LifetimeWish some_lifetime();
    ProvisionRequest request_of(const Intent& intent) const;
    CallContext context_of(const Intent& intent);
    void note(const Error& error);
    std::optional<std::size_t> pick_intent(const std::function<bool(const Intent&)>& fits);

    Parts parts_;
    int number_;
    TimePoint busy_until_;
    std::vector<Intent> intents_;
    std::optional<Ask> asking_;  // waits for its answer
    std::uint64_t call_ = 0;     // answers to older calls are ignored
    Owner asked_of_ = kWorld;
    std::uint64_t requests_ = 0;
};

}  // namespace slipway::sim
