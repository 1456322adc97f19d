// A provider of nothing, whose every answer a test, a simulation or a benchmark can script. Deterministic: it has
// no clock and no randomness, and waits only where a script says so, through the Scheduler passed in.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "providers/dummy/world.h"
#include "providers/provider.h"

namespace slipway::dummy {

// How the provider treats a second create.
enum class Names : std::uint8_t {
    strict,  // names are unique: a create on a taken name is a conflict, even with the same token (like
             // ElastiCache)
    token,   // the same token answers the same thing; another token makes another thing of the same name (like EC2)
};

struct DummyOptions {
    std::string name = "dummy";
    Names names = Names::strict;
    bool tombstones = true;  // a create of what was removed before is refused
    bool on_this_host = false;
    std::uint32_t concurrency = 64;
    std::vector<AllocationRange> ranges;
    std::vector<std::string> secrets;
    std::uint32_t page_size = 100;  // of the inventory
    std::string unavailable;        // why it is not available; empty: it is
};

// What a call does.
struct Reaction {
    enum class Kind : std::uint8_t {
        succeed,       // now
        pend,          // it takes effect; then `polls` times the answer is pending (deleting, for a removal)
        fail,          // no effect; `error_class`
        lose_answer,   // it takes effect, and the answer is unknown_outcome
        lose_request,  // no effect, and the answer is unknown_outcome
    };
    Kind kind = Kind::succeed;
    std::uint32_t polls = 0;
    ErrorClass error_class = ErrorClass::transient;
    std::string message = "scripted";
    std::string allocation = {};  // of address_in_use
    Duration retry_after{};
    Duration delay{};  // before the effect; where it is over the budget the answer is lost (the effect is not)
    Duration answer_delay{};  // after the effect

    static Reaction succeed() { return {}; }
    static Reaction pend(std::uint32_t polls);
    static Reaction fail(ErrorClass error_class, std::string message = "scripted");
    static Reaction lose_answer();
    static Reaction lose_request();
};

enum class CallVerb : std::uint8_t { observe, create, update, remove, inventory };
struct Call {
    CallVerb verb = CallVerb::observe;
    Target target;               // empty for inventory
    std::uint64_t number = 0;    // of all calls, from 1
    std::uint64_t repeated = 0;  // calls of the same verb for the same name before
};
using Script = std::function<Reaction(const Call&)>;

// Used from one executor only. The world and the scheduler must outlive it.
class DummyProvider final : public Provider {
  public:
    DummyProvider(DummyOptions options, World& world, Scheduler& scheduler);

    // Asked at every call; where none is set, calls succeed. `once` comes first: each is used up by one call.
    void script(Script script) { script_ = std::move(script); }
    void once(CallVerb verb, Reaction reaction) { queued_[verb].push_back(std::move(reaction)); }
    [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
    [[nodiscard]] std::size_t count(CallVerb verb) const;
    // Keep the log of calls (on by default; benchmarks turn it off).
    void keep_log(bool keep) { keep_log_ = keep; }
    // As World::kill and World::vanish, and tells the listener, as a provider that notices would.
    void kill(const std::string& external_name);
    void vanish(const std::string& external_name);

    [[nodiscard]] std::string_view name() const override { return options_.name; }
    [[nodiscard]] Status available(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::vector<std::string> secrets(Kind kind, std::string_view engine) const override;
    [[nodiscard]] std::uint32_t concurrency() const override { return options_.concurrency; }
    [[nodiscard]] bool on_this_host() const override { return options_.on_this_host; }

    Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) override;
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    void on_change(std::function<void(std::string external_name)> listener) override;

  private:
    using Effect = std::function<ProviderAnswer(const Reaction&)>;
    Reaction react(CallVerb verb, const Target& target);
    Task<ProviderAnswer> perform(Reaction reaction, Duration budget, Effect effect);
    ProviderAnswer look(const Target& target);
    ProviderAnswer make(const Target& target, const Spec& spec, const Reaction& reaction);
    ProviderAnswer change(const Target& target, const Spec& spec, const Reaction& reaction);
    ProviderAnswer take_away(const Target& target, const Reaction& reaction);
    InventoryPage page(const std::string& cursor) const;

    DummyOptions options_;
    World& world_;
    Scheduler& scheduler_;
    Script script_;
    std::map<CallVerb, std::deque<Reaction>> queued_;
    std::vector<Call> calls_;
    std::uint64_t call_count_ = 0;
    std::map<std::pair<CallVerb, std::string>, std::uint64_t> repeated_;
    bool keep_log_ = true;
    std::function<void(std::string)> listener_;
};

}  // namespace slipway::dummy
