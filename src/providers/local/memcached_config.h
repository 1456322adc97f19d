// How a memcached is started, from a specification. Pure.
#pragma once

#include "providers/local/engine.h"

namespace slipway::local {

// Reads of the plan's parameters: "maxmemory" (bytes in whole MiB, 1 MiB or more; 64 MiB), "maxclients" (1 to
// 10000, 1000), "max_item_size" (bytes in steps of 512 KiB, to half of maxmemory and at most 1 GiB; 1 MiB, or that
// half where it is less), "password" (never true). A wrong value is a permanent error that names it.
std::expected<Setup, ProviderError> memcached_setup(const Target& target, const Spec& spec,
                                                    const std::vector<std::string>& addresses);

}  // namespace slipway::local
