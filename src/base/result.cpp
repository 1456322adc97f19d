#include "base/result.h"

namespace slipway {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument: return "invalid_argument";
        case ErrorCode::malformed: return "malformed";
        case ErrorCode::unauthenticated: return "unauthenticated";
        case ErrorCode::forbidden: return "forbidden";
        case ErrorCode::not_found: return "not_found";
        case ErrorCode::conflict: return "conflict";
        case ErrorCode::idempotency_reuse: return "idempotency_reuse";
        case ErrorCode::too_large: return "too_large";
        case ErrorCode::exhausted: return "exhausted";
        case ErrorCode::timeout: return "timeout";
        case ErrorCode::unavailable: return "unavailable";
        case ErrorCode::provider_failure: return "provider_failure";
        case ErrorCode::precondition_failed: return "precondition_failed";
        case ErrorCode::superseded: return "superseded";
        case ErrorCode::storage: return "storage";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::internal: return "internal";
    }
    return "unknown";
}

}  // namespace slipway
