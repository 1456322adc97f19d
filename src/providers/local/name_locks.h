// The locks that all providers share, under the name that they have here.
#pragma once

#include "providers/name_locks.h"

namespace slipway::local {
using slipway::NameLocks;
}  // namespace slipway::local
