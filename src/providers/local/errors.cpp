#include "providers/local/call.h"

namespace slipway::local {

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

ProviderError out_of_time(bool touched) {
    return provider_error(touched ? ErrorClass::unknown_outcome : ErrorClass::transient, "it was not done in time");
}

}  // namespace slipway::local
