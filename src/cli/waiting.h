// Waiting for an operation's end, and showing how far it is.
#pragma once

#include <cstdint>
#include <string>

#include "cli/api.h"

namespace slipway::cli {

struct WaitOptions {
    bool wait = true;
    bool quiet = false;           // no progress
    std::uint32_t timeout = 900;  // seconds
};

// On a terminal one line that is written over, and wiped in the end whatever happens; elsewhere a line for each
// change.
class ProgressLine {
  public:
    ProgressLine(Environment& environment, std::string label, bool quiet);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    void show(const std::string& text);

  private:
    void draw();

    Environment& environment_;
    std::string label_;
    bool quiet_;
    TimePoint begun_;
    std::string text_;
};

bool has_ended(const json::object& operation);
// "step 1 of 2: creating it"
std::string sentence_of(const json::object& operation);

// Waits until the operation has ended: as it was last seen. `label`: what the progress is of, e.g. a name.
Outcome<json::object> await_operation(Api& api, const std::string& id, const WaitOptions& options,
                                      const std::string& label);

// How a command ends whose operation ended like this.
inline Exit exit_of(const json::object& operation) {
    const std::string state = json::get_string(operation, "state");
    return state == "failed" || state == "cancelled" ? Exit::failed : Exit::ok;
}

}  // namespace slipway::cli
