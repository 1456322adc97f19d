// The deadline that all providers share, under the name that it has here.
#pragma once

#include "providers/deadline.h"

namespace slipway::local {
using slipway::Deadline;
}  // namespace slipway::local
