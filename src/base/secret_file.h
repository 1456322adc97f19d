// A file of one secret that belongs to its owner alone: read with care, made whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace slipway {

// Reads the file, or makes it (mode 0600, durable, never half written, never replacing another's) with what `make`
// answers where it is missing; two that make it at once both get the same. Symbolic links are not followed. At most
// `max_bytes` are read; a longer file is answered with one byte more, for the caller's parser to refuse. Messages
// begin with the path. Errors: forbidden (others than its owner may read or write it), invalid_argument (not a
// file), storage (I/O).
Result<Secret> load_or_create_secret_file(const std::filesystem::path& file, std::size_t max_bytes,
                                          const std::function<Secret()>& make, Random& random);

}  // namespace slipway
