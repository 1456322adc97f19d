// A socket to 127.0.0.1 that sends at once.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "load/descriptor.h"

namespace slipway::bench {

// Errors: unavailable (the message has the port and the cause).
Result<Descriptor> connect_to(std::uint16_t port);

}  // namespace slipway::bench
