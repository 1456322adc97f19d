// What a server asks of its own process before it does anything.
#pragma once

namespace slipway {

// No core dumps and no tracing by others of the same user (memory holds keys and passwords), as many open files as
// the system allows, a write to a closed socket is an error and no signal, files are private unless made otherwise.
void harden_process();
// Of that only: no core dumps and no tracing. For what has keys and passwords and is no server.
void forbid_dumps();

struct Signal {
    const char* name = "";
    bool reload = false;  // otherwise: stop
};

// Blocks the signals that wait_for_signal() takes, for this thread and all that it starts.
void block_signals();
// Waits for SIGTERM or SIGINT, after which a second one ends the process at once; or SIGHUP, which stops the server
// where the system sends it because the terminal is gone, and otherwise means a reload.
Signal wait_for_signal();

}  // namespace slipway
