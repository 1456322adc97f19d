// The one table from neutral error codes to HTTP status codes. A face may answer otherwise where its contract does.
#pragma once

#include "base/result.h"

namespace slipway::http {

// `exhausted` is 429: a quota or a range that is full is the caller's business, and clients back off on it;
// 503 is kept for `unavailable` and `storage`, which are the server's.
int status_of(ErrorCode code);

}  // namespace slipway::http
