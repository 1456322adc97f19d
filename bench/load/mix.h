// The mixed load of scripts/load: creates, polls, deletes and repeated creates through the native API, from one
// thread over a fixed number of keep-alive connections, by the clock (open loop). Latency counts from when a
// request was due where no connection was free then, so that a stalled server hides nothing, and else from when it
// was sent: what a busy machine keeps from us is not the server's. Unlike run_http_load it ends at no wrong answer:
// it judges every one, counts, goes on, and hands back what was promised for each key, so that somebody can check
// afterwards that it was kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "load/histogram.h"

namespace slipway::bench {

struct MixLoad {
    std::uint16_t port = 0;  // on 127.0.0.1
    std::string key;         // an API key
    std::string prefix;  // of the Idempotency-Keys, which go on with a number; also each resource's label "load"
    std::size_t connections = 100;
    double rate = 100;             // requests a second, all together
    std::size_t prepared = 0;      // creates that are answered before the clock starts
    unsigned creates_percent = 0;  // of the requests; what is left are polls
    unsigned deletes_percent = 0;
    unsigned repeats_percent = 0;
    Nanoseconds duration = std::chrono::seconds(5);
    std::uint64_t seed = 1;
};

enum class MixKind : std::uint8_t { create, repeat, poll_operation, poll_resource, erase, erase_again };
constexpr std::size_t kMixKinds = 6;
std::string_view to_string(MixKind kind);
// What the API promises for it where no limit is passed and nothing is broken.
bool promised(MixKind kind, int status);

// One create that was asked for, and what was answered.
struct MixItem {
    std::uint64_t number = 0;  // its key is prefix + number
    std::string resource;      // "" while no create of it was answered as promised
    std::string create;        // the operations' ids
    std::string erase;         // "" where no delete was answered
};

struct MixFigures {
    std::array<std::map<int, std::uint64_t>, kMixKinds> statuses;
    Histogram polls;    // of both kinds
    Histogram creates;  // without those before the clock
    Histogram erases;
    Histogram late;                     // from when a request was due until it was sent
    std::uint64_t unanswered = 0;       // no answer for 30 seconds, or the server hung up instead
    std::uint64_t faults = 0;           // answers that were not promised, and unanswered ones
    std::vector<std::string> examples;  // of faults, the first ones
    std::uint64_t overdue = 0;          // fell due and could not be sent before the end
    double seconds = 0;
    double generator_cpu = 0;
    std::vector<MixItem> items;
    [[nodiscard]] json::object to_json() const;
};

// Errors: unavailable (no connection could be made). All else is counted.
Result<MixFigures> run_mix(const MixLoad& load);

}  // namespace slipway::bench
