// Images that tests use: made before by `slipway images build`.
#pragma once

#include <string>

#include "providers/machines/shape.h"

namespace slipway::testing {

// The directory where they are.
std::string test_images();
Result<machines::Image> find_test_image(const std::string& name);

}  // namespace slipway::testing
