// Files as disks: loop devices, which go by themselves with their last use.
#pragma once

#include <string>

#include "base/fd.h"

namespace slipway::agent {

struct Loop {
    UniqueFd device;   // keeps it until it is mounted; empty: it could not be had, errno says why
    std::string path;  // "/dev/loop3"
};
Loop attach_loop(const std::string& file);

// Whether a loop device still has this file. One whose mount has just gone lets go of it a moment later.
bool has_loop(const std::string& file);

}  // namespace slipway::agent
