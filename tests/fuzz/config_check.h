// What holds of every configuration that was accepted, wherever it came from.
#pragma once

#include "main/config.h"

namespace slipway::fuzz {

void check_config(const Config& config);

}  // namespace slipway::fuzz
