#include "providers/local/call.h"

namespace slipway::local {

ProviderError out_of_time(bool touched) {
    return provider_error(touched ? ErrorClass::unknown_outcome : ErrorClass::transient, "it was not done in time");
}

}  // namespace slipway::local
