// A router without a server: for tests of handlers, and for callers inside the process.
#pragma once

#include "base/task.h"
#include "http/message.h"
#include "http/router.h"

namespace slipway::http {

// What a server would answer to `request` (see make_request), the limits on sizes apart: routing, the group's
// filter, the handler, the group's rendering of 404, 405 and 500. `router` and `request` must live until it
// completes.
Task<Response> answer_in_process(const Router& router, Request& request);

}  // namespace slipway::http
