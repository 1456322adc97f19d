// The console of a machine: shown, followed, or typed at.
#pragma once

#include <optional>
#include <string>

#include "cli/api.h"

namespace slipway::cli {

struct ConsoleOptions {
    std::string name;               // of the machine, or its id
    bool follow = false;            // show what comes, and type nothing
    bool no_input = false;          // show what there is, and type nothing
    std::optional<unsigned> lines;  // to begin with
};

// On a terminal, unless told otherwise, what is typed goes to the machine.
Outcome<Exit> open_console(Api& api, const ConsoleOptions& options);

// Takes escape sequences and control characters out of what comes in pieces: for terminals that are not to obey.
class PlainText {
  public:
    std::string take(std::string_view piece);

  private:
    enum class State : std::uint8_t { text, escape, intermediate, sequence, string, string_escape };
    void take(char c, std::string& to);
    void take_text(unsigned char c, std::string& to);

    State state_ = State::text;
    bool c2_ = false;  // the first half of what may be a control character
};

}  // namespace slipway::cli
