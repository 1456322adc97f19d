// A redis.conf from a specification. Pure; holds hashes of passwords, never passwords.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "providers/local/engine.h"

namespace slipway::local {

struct RedisConfig {
    std::string text;                   // the whole file
    std::string tag;                    // a digest of all but the online settings: when it differs, restart
    std::vector<OnlineSetting> online;  // also in `text`
    std::uint16_t port = 0;
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;  // 0: no limit
    bool password = true;         // whether the tenant needs one
};

// Each generation has a user of its own: an engine of an earlier one never lets a later one in.
std::string management_user(std::uint64_t generation);

// Reads of the plan's parameters: "maxmemory" (bytes, 0 or absent: no limit), "maxmemory_policy" ("noeviction"),
// "appendfsync" ("everysec"), "maxclients" (1 to 10000, 1000), "password" (true where a "password" secret exists),
// "max_file_bytes" (RLIMIT_FSIZE; absent: no limit). A wrong value is a permanent error that names it.
std::expected<RedisConfig, ProviderError> redis_config(const Target& target, const Spec& spec,
                                                       const std::vector<std::string>& addresses);

}  // namespace slipway::local
