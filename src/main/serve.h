// `slipway serve`.
#pragma once

#include <string>
#include <vector>

namespace slipway {

// Runs until it is told to stop. Writes `listening on ADDR:PORT` for each listener to standard output and nothing
// else there. Returns the exit status: 0 stopped as asked, 1 it could not run, 2 wrong usage or configuration.
int serve(std::vector<std::string> words);

}  // namespace slipway
