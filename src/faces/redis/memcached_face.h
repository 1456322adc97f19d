// The memcached broker's face: as the Redis broker's, and figures and flushing besides (docs/api-memcached.md).
#pragma once

#include "broker/engine_operations.h"
#include "faces/face.h"

namespace slipway::faces {

// Adds the routes below /v1/memcached; /v1/tag comes with add_redis. Both references outlive the router.
void add_memcached(http::Router& router, const FaceContext& context, const EngineOperations& engines);

}  // namespace slipway::faces
