// The HTTP load: a fixed number of keep-alive connections, one request under way on each, from one thread.
//
// Closed loop (no rate): each connection asks again as soon as it was answered. The figure is throughput; the
// latencies are those of exactly that many callers and leave out what callers who do not wait would have seen.
// Open loop (a rate): requests fall due by the clock whatever the server does, and latency counts from when a
// request was due, so that a stall counts for all who would have come during it (no coordinated omission).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "load/histogram.h"

namespace slipway::bench {

struct HttpLoad {
    std::uint16_t port = 0;  // on 127.0.0.1
    std::string method = "GET";
    std::vector<std::string> paths;  // one of them for each request, in turn from `first_path` on
    std::size_t first_path = 0;
    std::string body;                  // "{n}" in it becomes the request's number
    std::vector<std::string> headers;  // "Name: value"
    std::vector<int> expected = {200};
    std::size_t connections = 64;
    std::uint64_t requests = 0;  // at most, counted and warm-up together; 0: as many as the time allows
    Nanoseconds warm_up{};       // first, not counted
    Nanoseconds duration = std::chrono::seconds(5);
    double rate = 0;  // requests a second; 0: closed loop
    bool keep_locations = false;
};

struct HttpFigures {
    std::uint64_t answered = 0;  // as expected, within the counted time
    double seconds = 0;          // of it
    Histogram latencies;
    std::vector<std::uint64_t> by_second;  // answers in each counted second
    std::vector<std::string> locations;    // warm-up's too
    std::uint64_t overdue = 0;             // with a rate: fell due and could not be sent any more before the end
    double generator_cpu = 0;              // share of a core that we used ourselves
    [[nodiscard]] json::object to_json() const;
};

// Errors: unavailable (no connection, or the server hung up), provider_failure (an unexpected status; the message
// has it and the answer's beginning), malformed, timeout (no answer for 30 seconds).
Result<HttpFigures> run_http_load(const HttpLoad& load);

}  // namespace slipway::bench
