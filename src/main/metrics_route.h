// GET /metrics, for Prometheus.
#pragma once

#include <functional>

#include "faces/face.h"
#include "http/router.h"
#include "main/metrics.h"

namespace slipway {

struct MetricsRoute {
    Metrics& metrics;
    const faces::FaceContext& faces;
    // Reads what is read at the time; called on the server's threads.
    std::function<Task<Metrics::Levels>()> levels;
    bool open = false;  // without a key on every address; on loopback addresses it always is
};

// The parts outlive the router.
void add_metrics(http::Router& router, MetricsRoute route);

}  // namespace slipway
