// Where the master key comes from: a file of its own beside the configuration, or the environment.
#pragma once

#include <filesystem>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace slipway::store {

// 32 bytes as base64 (44 characters) or hexadecimal (64); white space around them is ignored.
// invalid_argument: anything else. The text is not in the error.
Result<Secret> parse_master_key(const Secret& text);

// Reads the file, or makes it (mode 0600, durable, never half written) with a new key where it is missing.
// forbidden: others than its owner may read or write it. invalid_argument: no key in it. storage: I/O.
Result<Secret> load_or_create_master_key(const std::filesystem::path& file, Random& random);

}  // namespace slipway::store
