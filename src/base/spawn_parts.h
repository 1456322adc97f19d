// What every start of a program by posix_spawn takes.
#pragma once

#include <string>
#include <vector>

#include <spawn.h>

namespace slipway {

// As execve has them; valid as long as the words are, and as they are.
inline std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    out.reserve(words.size() + 1);
    for (std::string& word : words) out.push_back(word.data());
    out.push_back(nullptr);
    return out;
}

class SpawnParts {
  public:
    SpawnParts() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_init(&actions_);
    }
    SpawnParts(const SpawnParts&) = delete;
    SpawnParts& operator=(const SpawnParts&) = delete;
    ~SpawnParts() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

}  // namespace slipway
