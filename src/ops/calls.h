// From stored records to a provider's call: who is meant, how it is to be, opened secrets, a bounded time.
#pragma once

#include "base/sealer.h"
#include "ops/registry.h"

namespace slipway {

// What can be made without its secrets is nothing, but what is there can be taken away without them: a lost data
// key must not keep things alive. To take away, secrets that cannot be opened are left out of the spec.
enum class Purpose : std::uint8_t { keep, take_away };

class ProviderCalls {
  public:
    // All parts outlive it.
    ProviderCalls(const ProviderRegistry& registry, const Sealer& sealer, InstallationId installation)
        : registry_(registry), sealer_(sealer), installation_(std::move(installation)) {}

    // `token` is the operation's client token; empty for plain observations.
    Task<ProviderAnswer> call(Verb verb, Resource resource, std::string token, Duration budget,
                              Purpose purpose = Purpose::keep) const;
    [[nodiscard]] const ProviderRegistry& registry() const { return registry_; }
    [[nodiscard]] const InstallationId& installation() const { return installation_; }

  private:
    const ProviderRegistry& registry_;
    const Sealer& sealer_;
    InstallationId installation_;
};

}  // namespace slipway
