// What the use cases need to know of providers without seeing one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/resource.h"

namespace slipway {

// How resources of one kind are made by one provider.
struct ProviderTraits {
    std::string provider;
    std::vector<AllocationRange> ranges;
    std::vector<std::string> secrets;  // names of secrets it needs besides the tenant's password
    bool on_this_host = false;         // its operations are bound to this host
    bool external_tags = false;        // a claim has to be told to the provider (tags that it keeps)
};

// Thread-safe.
class ProviderDirectory {
  public:
    virtual ~ProviderDirectory() = default;
    // ErrorCode::unavailable, with the reason and the fix, where the provider cannot make this kind here and now.
    [[nodiscard]] virtual Result<ProviderTraits> traits(std::string_view provider, Kind kind,
                                                        std::string_view engine) const = 0;
};

}  // namespace slipway
