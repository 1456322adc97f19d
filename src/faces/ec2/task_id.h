// Task ids of the EC2 API: an operation's id, which is 48 bits of time and 80 random bits, written as a UUID. Each
// is the other's only one, so that nothing has to be kept of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/ids.h"

namespace slipway::faces {

// "0190b1c8-4d2e-7f00-8a1b-0123456789ab"; "" for an id that no server of ours made.
std::string task_id_of(const OperationId& operation);

// nullopt: it is no UUID. Capital letters are taken too.
std::optional<OperationId> operation_of(std::string_view task_id);

}  // namespace slipway::faces
