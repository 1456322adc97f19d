// How every provider says what went wrong.
#pragma once

#include <expected>
#include <string>

#include "domain/provider_types.h"

namespace slipway {

// `message` is public, `detail` for operators; neither holds a secret.
inline ProviderError provider_error(ErrorClass error_class, std::string message, std::string detail = {}) {
    ProviderError error;
    error.error_class = error_class;
    error.message = std::move(message);
    error.detail = std::move(detail);
    return error;
}

// The same as the answer of a call.
inline std::unexpected<ProviderError> refuse(ErrorClass error_class, std::string message, std::string detail = {}) {
    return std::unexpected(provider_error(error_class, std::move(message), std::move(detail)));
}

}  // namespace slipway
