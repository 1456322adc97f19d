// What may go wrong in a history, which mutants there are, and how often each crash point was hit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::sim {

// A deliberate mistake that the simulation must notice.
enum class Mutant : std::uint8_t {
    none,
    no_fence,               // writes of a superseded worker are taken
    create_before_intent,   // the provider is called before the intent is stored
    skip_observe,           // after a crash the creation is simply repeated
    synchronous_off,        // a commit is answered before it is on disk
    undo_skipped,           // a failed creation leaves what it made
    claim_not_conditional,  // a pooled resource can be given to two callers
    lease_never_expires,    // a dead worker's operation is never taken over
    retry_without_token,    // every retry looks like a new request to the provider
    delete_does_not_wait,   // a deletion runs beside the creation that it halts
    forget_release,         // a port is given again at once, with no regard to who has it
    places_unchecked,       // a place on a server is taken with no regard to whether it is still free
};
std::string_view to_string(Mutant mutant);
std::optional<Mutant> parse_mutant(std::string_view text);
const std::vector<Mutant>& all_mutants();  // without none

enum class CrashPoint : std::uint8_t { before_commit, after_commit, before_call, after_call };
std::string_view to_string(CrashPoint point);

// Faults of one history, drawn from its seed.
struct Faults {
    bool active = true;         // switched off for the end of a history
    double crash = 0;           // at each crash point
    double provider_error = 0;  // of each call
    double lost_answer = 0;
    double late_effect = 0;   // the call takes effect after its answer is overdue
    double permanent = 0;     // of each creation
    double pending = 0;       // a creation takes several looks
    double stop_thing = 0;    // an engine dies, each second of the world
    double vanish_thing = 0;  // an engine and its data vanish, likewise
    double pause = 0;         // a process stands still past its leases, each second
};

// step of an operation × crash point -> how often a process was killed there.
using CrashTable = std::map<std::pair<std::string, CrashPoint>, std::uint64_t>;

}  // namespace slipway::sim
