// What the core knows of any provider's answers: data only, so that the transition functions stay pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace slipway {

// Where clients reach a resource. Holds no credentials.
struct Endpoint {
    std::string scheme;  // "redis", "rediss", "memcached", …
    std::string host;    // the advertised name or address
    std::uint16_t port = 0;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// What is out there under a resource's external name, as seen just now.
enum class Presence : std::uint8_t {
    absent,    // nothing
    pending,   // being made; look again later
    running,   // there, ours, and it answered
    stopped,   // there and ours (its data or its record exist), but it does not answer
    deleting,  // being removed; look again later
    failed,    // there and ours, and it will never run
    foreign,   // the name is taken by something that is not ours: never touched
};
std::string_view to_string(Presence presence);

struct Observation {
    Presence presence = Presence::absent;
    std::optional<Endpoint> endpoint;  // always set where presence is running, but for backups
    json::object handle;               // the provider's own immutable ids; kept with the resource
    std::string detail;                // public: one sentence for the owner, no secrets
    std::string request_id;            // the provider's id of the call, for its support
    Duration look_again{};             // when to look again while pending or deleting; 0: by policy
    // Where presence is foreign: the external name of the resource of this installation that has its name; empty:
    // it is nobody's of ours.
    std::string holder;
    // It was used within this very call, as its owner will use it: a check after it would see the same.
    bool proven = false;
    // Seen by a look: whoever makes it has something left to do. create is to be called again.
    bool unfinished = false;
};

// How a failed call is to be treated; every provider classes its own errors.
enum class ErrorClass : std::uint8_t {
    throttled,        // slow down; nothing happened
    transient,        // nothing happened; the same call may work later
    permanent,        // nothing happened; it will never work
    unknown_outcome,  // it may have taken effect (timeout, lost answer): observe before anything else
    conflict,         // the name or token is already used: observe, adopt if ours
    address_in_use,   // an allocated port or address is occupied by a stranger: allocate another
};
std::string_view to_string(ErrorClass error);

struct ProviderError {
    ErrorClass error_class = ErrorClass::transient;
    std::string message;  // public: for the owner, no secrets
    std::string detail;   // private: for the log, no secrets
    std::string request_id;
    Duration retry_after{};       // what the provider asked for; 0: by policy
    std::string allocation = {};  // address_in_use: the key of the allocation, e.g. "port"
};

using ProviderAnswer = std::expected<Observation, ProviderError>;

// A range of numbers that the store gives out to a provider's resources, one each, e.g. ports.
struct AllocationRange {
    std::string range;       // "local/port"
    std::string key;         // "port"
    std::int64_t first = 0;  // inclusive
    std::int64_t last = 0;   // inclusive
};

// Verbs of providers, in effects and events.
enum class Verb : std::uint8_t { observe, create, update, remove };
std::string_view to_string(Verb verb);

}  // namespace slipway
