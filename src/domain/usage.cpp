#include "domain/usage.h"

namespace slipway {

std::optional<UsageKey> usage_key(const Resource& resource) {
    const bool usable = std::holds_alternative<resource_state::Ready>(resource.state) ||
                        std::holds_alternative<resource_state::Updating>(resource.state);
    if (!usable || resource.pooled) return std::nullopt;
    return UsageKey{resource.organization, resource.billing_code, resource.kind, resource.engine, resource.plan};
}

}  // namespace slipway
