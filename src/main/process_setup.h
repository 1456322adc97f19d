// What a server asks of its own process before it does anything.
#pragma once

namespace slipway {

// No core dumps and no tracing by others of the same user (memory holds keys and passwords), as many open files as
// the system allows, a write to a closed socket is an error and no signal, files are private unless made otherwise.
void harden_process();

// Blocks the signals that stop the server, for this thread and all that it starts.
void block_stop_signals();
// Waits for SIGTERM, SIGINT or SIGHUP; afterwards a second one ends the process at once. Answers its name.
const char* wait_for_stop_signal();

}  // namespace slipway
