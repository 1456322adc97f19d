// What is asked of ELF files of this architecture (64 bits, little-endian): which others they need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::images {

// Of a program or a library: the names of the libraries that it is linked with. ErrorCode::malformed.
Result<std::vector<std::string>> needed_libraries(std::string_view elf);
// Of a kernel module: the names of the modules that have to be loaded before it, as modules are named
// ("virtio_ring").
Result<std::vector<std::string>> needed_modules(std::string_view elf);

}  // namespace slipway::images
