// A redis.conf from a specification. Pure; holds hashes of passwords, never passwords.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "providers/provider.h"

namespace slipway::local {

// What can be changed while the engine runs.
struct OnlineSetting {
    std::string name;
    std::string value;
    friend bool operator==(const OnlineSetting&, const OnlineSetting&) = default;
};

struct RedisConfig {
    std::string text;                   // the whole file
    std::string tag;                    // a digest of all but the online settings: when it differs, restart
    std::vector<OnlineSetting> online;  // also in `text`
    std::uint16_t port = 0;
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;  // 0: no limit
    std::string management_user;
    bool password = true;  // whether the tenant needs one
};

// Reads of the plan's parameters: "maxmemory" (bytes, 0 or absent: no limit), "maxmemory_policy" ("noeviction"),
// "appendfsync" ("everysec"), "maxclients" (1 to 10000, 1000), "password" (true where a "password" secret exists),
// "max_file_bytes" (RLIMIT_FSIZE; absent: no limit). A wrong value is a permanent error that names it.
std::expected<RedisConfig, ProviderError> redis_config(const Target& target, const Spec& spec,
                                                       const std::vector<std::string>& addresses);

}  // namespace slipway::local
