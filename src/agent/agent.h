// The helper process: makes instance directories, starts engines under uids of their own and takes both away.
// It is the only part of Slipway that may be root; it works without root too, then every engine runs as its uid.
#pragma once

#include "agent/files.h"

namespace slipway::agent {

// `slipway agent --root DIR (--fd N | --socket PATH (--allow-uid UID | --allow-user NAME)) [--uid-first N
// --uid-last N] [--container-uids N]` argv[0] is the program, argv[1] is "agent". With --fd it ends with the
// connection; what it started lives on. Returns the process's exit status.
int run(int argc, char** argv);
// The same, stopping at every checkpoint: for tests of what a helper that dies half way leaves behind.
int run(int argc, char** argv, const Checkpoint& checkpoint);

}  // namespace slipway::agent
