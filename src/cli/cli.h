// The command line: everything but `serve` and `agent`. Talks HTTP to the native face, and to nothing else; only
// `images` works on this machine.
#pragma once

#include <string>
#include <vector>

namespace slipway::cli {

// A subcommand that the caller handles itself before it calls run(); listed in the help.
struct OtherCommand {
    std::string name;
    std::string help;  // one line
};

// Exit statuses, for scripts (docs/cli.md).
enum class Exit : int {
    ok = 0,
    failed = 1,           // the server refused, an operation failed, or doctor found a problem
    usage = 2,            // the command line is wrong
    not_found = 3,        // no such resource or operation, or it is not the caller's
    unauthenticated = 4,  // no key, a wrong one, or one that may not do this
    unreachable = 5,      // no server answers
    timeout = 6,          // it is still under way
    interrupted = 130,    // SIGINT, as shells have it; what the server was asked to do goes on
    // 141 as shells have it: SIGPIPE, where whoever read the output left.
};

class LocalImages;

// `argv` as main got it; `images` are those of this machine (cli/images.h). Returns the process's exit status. Call
// it while there is one thread: it reads the environment.
int run(int argc, char** argv, const std::vector<OtherCommand>& others = {}, LocalImages* images = nullptr);

}  // namespace slipway::cli
