// What all threads of one server share. Internal to this folder.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "http/head_scanner.h"
#include "http/server.h"
#include "http/tls_context.h"

namespace slipway::http {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Core {
    Core(ServerOptions given, Router routes, const Clock& time)
        : options(std::move(given)),
          router(std::move(routes)),
          clock(time),
          head_limits{options.header_bytes, options.request_line_bytes, options.header_fields} {}

    const ServerOptions options;
    const Router router;
    const Clock& clock;
    const HeadLimits head_limits;

    std::atomic<std::size_t> connections = 0;
    std::atomic<std::size_t> handlers = 0;
    std::atomic<std::uint64_t> refused = 0;
    std::atomic<std::uint64_t> failed_handshakes = 0;
    std::atomic<bool> stopping = false;

    std::mutex mutex;
    std::condition_variable none_left;  // signalled when nothing accepts or no connection is left
    std::size_t accepting = 0;          // listeners; under `mutex` once the threads run

    mutable std::mutex tls_mutex;
    std::shared_ptr<const TlsContext> tls;

    // Null: plain. Connections that have one keep it when another takes its place.
    std::shared_ptr<const TlsContext> current_tls() const {
        if (!options.tls) return nullptr;
        const std::lock_guard lock(tls_mutex);
        return tls;
    }
    void set_tls(std::shared_ptr<const TlsContext> next) {
        const std::lock_guard lock(tls_mutex);
        tls = std::move(next);
    }

    void listener_ended() {
        const std::lock_guard lock(mutex);
        --accepting;
        none_left.notify_all();
    }
    void connection_ended() {
        const std::lock_guard lock(mutex);
        if (connections.fetch_sub(1) == 1) none_left.notify_all();
    }
};

}  // namespace slipway::http
