// This process's terminal as the other end of a console.
#pragma once

#include "cli/environment.h"

namespace slipway::cli {

inline constexpr char kLeave = '\x1d';  // Ctrl-]

// What is typed goes there byte by byte, and what comes is shown as it is. The terminal is what it was before when
// this returns, whatever ended it. Call it while there is one thread, with standard input and output a terminal.
Parting converse_on_terminal(const Dialogue& dialogue);

}  // namespace slipway::cli
