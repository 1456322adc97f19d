#include "providers/instances.h"

namespace slipway {

agent::Identity identity_of(const Target& target) {
    return {target.installation.str(), target.resource.str(), target.generation};
}

std::optional<Observation> not_ours(const Target& target, const agent::InstanceStatus& status) {
    if (!status.exists) return std::nullopt;
    if (status.damage.empty() && agent::identity_of(status.meta) == identity_of(target)) return std::nullopt;
    Observation seen;
    seen.presence = Presence::foreign;
    seen.detail = status.damage.empty() ? "the name belongs to another resource or generation" : status.damage;
    return seen;
}

ProviderError error_of(const agent::Failure& failure, bool touched) {
    const auto with = [&](ErrorClass error_class) { return provider_error(error_class, failure.message); };
    switch (failure.code) {
        case agent::FailureCode::unknown:
        case agent::FailureCode::unavailable:
            return with(touched ? ErrorClass::unknown_outcome : ErrorClass::transient);
        case agent::FailureCode::invalid:
        case agent::FailureCode::gone:
        case agent::FailureCode::unsupported: return with(ErrorClass::permanent);
        case agent::FailureCode::foreign: return with(ErrorClass::conflict);
        case agent::FailureCode::absent:
        case agent::FailureCode::busy:
        case agent::FailureCode::io: return with(ErrorClass::transient);
    }
    return with(ErrorClass::transient);
}

}  // namespace slipway
