// Copies of whole directories, as quickly as the file system allows.
#pragma once

#include "agent/files.h"

namespace slipway::agent {

// Files and directories below `from` into `to`, which is empty; everything there belongs to `owner` and nobody else
// may read it (owner.mode is not used). What is neither file nor directory is refused: a symbolic link would lead
// an engine, or us, somewhere else. Nothing is made durable.
Answer<void> copy_tree(int from, int to, const FileOwner& owner);
// What comes after the positions of both, with holes filled. Nothing is made durable.
Answer<void> copy_rest(int from, int to);
// Gives the directory and all that is below to somebody else. The directory's processes are gone.
Answer<void> give_tree(int directory, uid_t uid, gid_t gid);

}  // namespace slipway::agent
