#include "http/error_status.h"

namespace slipway::http {

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
        case ErrorCode::malformed: return 400;
        case ErrorCode::unauthenticated: return 401;
        case ErrorCode::forbidden: return 403;
        case ErrorCode::not_found: return 404;
        case ErrorCode::conflict: return 409;
        case ErrorCode::idempotency_reuse: return 422;
        case ErrorCode::too_large: return 413;
        case ErrorCode::exhausted: return 429;
        case ErrorCode::timeout: return 504;
        case ErrorCode::unavailable: return 503;
        case ErrorCode::provider_failure: return 502;
        case ErrorCode::precondition_failed: return 412;
        case ErrorCode::superseded: return 409;
        case ErrorCode::storage: return 503;
        case ErrorCode::cancelled: return 409;
        case ErrorCode::internal: return 500;
    }
    return 500;
}

}  // namespace slipway::http
