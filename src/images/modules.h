// Which modules of a kernel have to be loaded for some of them to work, and in which order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace slipway::images {

// `modules` is a kernel's /lib/modules/VERSION. What is built into the kernel is left out. Errors: not_found (it
// has no such module), unavailable (its modules are compressed), malformed, storage.
Result<std::vector<std::filesystem::path>> modules_in_order(const std::filesystem::path& modules,
                                                            const std::vector<std::string>& wanted);

}  // namespace slipway::images
