// From the wish for a Redis to its first PONG: a bare redis-server that is forked, which is the limit, and one that
// a broker is asked for.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "load/histogram.h"

namespace slipway::bench {

struct ForkPong {
    std::string program = "redis-server";
    std::filesystem::path directory;  // each server gets a new one in it
    std::uint16_t port = 0;
    std::size_t count = 0;
};
// Starts one, asks it until it says PONG, stops it, `count` times. The servers are set up as the local provider
// sets up its own (an append-only file, a password, no snapshots).
Result<Histogram> fork_pong(const ForkPong& wanted);

struct BrokerPong {
    std::uint16_t port = 0;  // of the broker's Redis face, on 127.0.0.1
    std::string body;        // of POST /v1/redis/instance
    std::string key;         // an administrator's; needed where `pooled` is set
    std::size_t pooled = 0;  // waits (not counted) until so many are ready in the pool before each request
    std::size_t count = 0;
};
// Asks for one, connects to the URL that comes back, logs in and asks for PONG; then has it deleted and waits for
// that (not counted).
Result<Histogram> broker_pong(const BrokerPong& wanted);

}  // namespace slipway::bench
