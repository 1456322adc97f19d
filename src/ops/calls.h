// From stored records to a provider's call: who is meant, how it is to be, opened secrets, a bounded time.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/sealer.h"
#include "ops/observer.h"
#include "ops/registry.h"

namespace slipway {

// What can be made without its secrets is nothing, but what is there can be taken away without them: a lost data
// key must not keep things alive. To take away, secrets that cannot be opened are left out of the spec.
enum class Purpose : std::uint8_t { keep, take_away };

// The one way to providers: nothing else calls their verbs, so that every call is observed, and what a provider
// throws is an answer like any other.
class ProviderCalls {
  public:
    struct Watch {
        const Clock& clock;
        OpsObserver& observer;
    };
    // All parts outlive it. Without `logs` nothing is kept of what steps tell.
    ProviderCalls(const ProviderRegistry& registry, const Sealer& sealer, InstallationId installation,
                  std::optional<Watch> watch = std::nullopt, OperationLogs* logs = nullptr)
        : registry_(registry),
          sealer_(sealer),
          installation_(std::move(installation)),
          watch_(watch),
          logs_(logs) {}

    // Who asks: of an operation's step its id, whose log the provider may write to, and its client token; of a
    // plain observation nothing.
    struct Caller {
        OperationId operation = {};
        std::string token = {};
    };
    Task<ProviderAnswer> call(Verb verb, Resource resource, Caller caller, Duration budget,
                              Purpose purpose = Purpose::keep) const;
    // A page of what the provider has.
    Task<std::expected<InventoryPage, ProviderError>> inventory(Provider& provider, std::string cursor,
                                                                Duration budget) const;
    // What an inventory has shown and no resource stands for.
    Task<ProviderAnswer> remove(Provider& provider, Target target, Duration budget) const;
    [[nodiscard]] const ProviderRegistry& registry() const { return registry_; }
    [[nodiscard]] const InstallationId& installation() const { return installation_; }

  private:
    Task<ProviderAnswer> answer(Verb verb, Resource resource, Caller caller, Duration budget,
                                Purpose purpose) const;
    [[nodiscard]] std::shared_ptr<StepLog> log_for(const OperationId& operation, const Spec& spec) const;
    template <class T>
    Task<std::expected<T, ProviderError>> observed(std::string provider, std::string_view verb,
                                                   Task<std::expected<T, ProviderError>> call) const;

    const ProviderRegistry& registry_;
    const Sealer& sealer_;
    InstallationId installation_;
    std::optional<Watch> watch_;
    OperationLogs* logs_;
};

}  // namespace slipway
