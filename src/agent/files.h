// Files beneath a directory that is already open. Nothing here follows a symbolic link.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "agent/protocol.h"
#include "base/fd.h"

namespace slipway::agent {

// Called at named points between two effects. Does nothing in production; a test ends the process there.
using Checkpoint = std::function<void(std::string_view)>;

Answer<UniqueFd> open_directory(int parent, const std::string& name);
// Makes it where it is missing; `mode` is exact, whatever the umask.
Answer<UniqueFd> make_directory(int parent, const std::string& name, mode_t mode);
Answer<void> sync(int fd, std::string_view what);

struct FileOwner {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0600;
};
// What is to survive a power cut when the call returns.
enum class Durability : std::uint8_t {
    none,     // nothing: the file may even be empty afterwards
    content,  // if the name is there afterwards, its content is whole
    name,     // both
};
// Atomic: a reader sees the old content or the new one. Answers whether anything was to be done.
Answer<bool> replace_file(int directory, const std::string& name, std::string_view content, const FileOwner& owner,
                          Durability durability = Durability::name);
// A regular file of at most `limit` bytes; absent, foreign (not a regular file) or invalid (too large) otherwise.
Answer<std::string> read_file(int directory, const std::string& name, std::size_t limit);
// The last `limit` bytes, "" where there is none.
std::string read_tail(int directory, const std::string& name, std::size_t limit);
// Whatever it is, with all that is below. Absent is fine.
Answer<void> remove_tree(int parent, const std::string& name, int depth = 0);
// Names in byte order, without "." and "..".
std::vector<std::string> list_names(int directory);

Failure os_failure(std::string_view what);

}  // namespace slipway::agent
