// The provider of one process: its calls reach the cloud through a network that loses, delays and refuses.
#pragma once

#include "providers/provider.h"
#include "sim/cloud.h"
#include "sim/storage.h"

namespace slipway::sim {

// What a test wants to happen to one call, instead of what chance decides.
struct Scripted {
    std::optional<ErrorClass> error;  // answered without any effect
    bool lost_answer = false;         // the effect comes, the answer does not
    bool twice = false;               // the call reaches the provider two times
};

class CloudPort final : public Provider {
  public:
    using Script = std::function<Scripted(const std::string& label, const Target&, Verb)>;
    using Label = std::function<std::string(const Target&, Verb)>;
    struct Parts {
        World& world;
        Cloud& cloud;
        const Faults& faults;
        Mutant mutant = Mutant::none;
        Owner owner = 0;
        SimStore::CrashHook crash;
        Label label;
        bool external_tags = false;
        bool on_this_host = false;
        Script script;
    };
    explicit CloudPort(Parts parts) : parts_(std::move(parts)) {}

    [[nodiscard]] std::string_view name() const override { return "sim"; }
    [[nodiscard]] Status available(Kind, std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<AllocationRange> ranges(Kind, std::string_view) const override {
        return {{"sim/port", "port", 20000, 20199}};
    }
    [[nodiscard]] std::vector<std::string> secrets(Kind, std::string_view) const override {
        return {"management_password"};
    }
    [[nodiscard]] std::uint32_t concurrency() const override { return 8; }
    [[nodiscard]] bool on_this_host() const override { return parts_.on_this_host; }
    [[nodiscard]] bool external_tags() const override { return parts_.external_tags; }

    Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) override;
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) override;
    Task<std::expected<InventoryPage, ProviderError>> inventory(std::string cursor, Duration budget) override;
    void on_change(std::function<void(std::string)> listener) override { listener_ = std::move(listener); }
    void changed(std::string name) {
        if (listener_) listener_(std::move(name));
    }

  private:
    struct Fate;
    Task<ProviderAnswer> call(Verb verb, Target target, Spec spec, Duration budget);
    Fate fate_of(const std::string& label, Verb verb, const Target& target, Duration budget);
    Task<void> forever() { co_await parts_.world.wait(std::chrono::hours(24 * 365), parts_.owner); }

    Parts parts_;
    std::function<void(std::string)> listener_;
};

}  // namespace slipway::sim
