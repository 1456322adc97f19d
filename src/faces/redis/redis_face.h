// The Redis broker's face: plans, instances, their URLs, tags (docs/api-redis.md).
#pragma once

#include "faces/face.h"

namespace slipway::faces {

// Adds the routes below /v1/redis, and /v1/tag. The context outlives the router.
void add_redis(http::Router& router, const FaceContext& context);

}  // namespace slipway::faces
