// What machines print on their consoles, and typing at them: a port that the wiring fills, and that nobody has to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "domain/resource.h"

namespace slipway {

// Before anything was printed: whoever goes on from there misses nothing that is kept.
inline constexpr std::string_view kConsoleBeginning = "0000000000000000-0";
// Whether it may be a place in a console: [0-9a-f]{16}-[0-9]{1,19}.
bool valid_console_place(std::string_view text);

// Where to begin.
struct ConsoleFrom {
    std::string after = {};            // a place that was answered before; empty: the end
    std::uint64_t tail = 64UL * 1024;  // bytes of that end
};

struct ConsoleOutput {
    std::string bytes = {};  // as the machine printed them: anything, control characters and halves of characters
    std::string next{kConsoleBeginning};  // the place to go on from
    bool lost = false;  // something between the place that was asked for and these is kept no longer
    bool more = false;  // there is more after them already
};

// Nothing here is an operation: nothing is queued, tried again or undone. Every call ends within its budget.
// Errors: unavailable (it cannot be reached now, or its provider has no consoles).
class Consoles {
  public:
    virtual ~Consoles() = default;
    // What has been printed from there on, a part of it at a time. Nothing yet: empty.
    virtual Task<Result<ConsoleOutput>> read(Resource resource, ConsoleFrom from, Duration budget) = 0;
    // All of it or nothing, and it is in no log, event or error. Errors besides: conflict (it does not run, or does
    // not read what was typed before).
    virtual Task<Status> type(Resource resource, Secret input, Duration budget) = 0;
};

}  // namespace slipway
