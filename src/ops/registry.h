// The providers of this process by name, and what the use cases may know of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "domain/ports.h"
#include "providers/provider.h"

namespace slipway {

// Filled before use from several threads, unchanged afterwards. Does not own the providers.
class ProviderRegistry final : public ProviderDirectory {
  public:
    void add(Provider& provider) { providers_.emplace(provider.name(), &provider); }
    // Null where there is no such provider.
    [[nodiscard]] Provider* find(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, Provider*, std::less<>>& all() const { return providers_; }
    [[nodiscard]] Result<ProviderTraits> traits(std::string_view provider, Kind kind,
                                                std::string_view engine) const override;

  private:
    std::map<std::string, Provider*, std::less<>> providers_;
};

}  // namespace slipway
