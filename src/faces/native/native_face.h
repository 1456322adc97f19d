// The face of our own: what the command line and the web UI speak (docs/cli.md). It always needs a key.
#pragma once

#include "faces/face.h"
#include "faces/native/ports.h"

namespace slipway::faces {

// Adds /api/v1, /healthz and /readyz (which need no key). The context outlives the router.
void add_native(http::Router& router, const FaceContext& context, NativePorts ports);

}  // namespace slipway::faces
