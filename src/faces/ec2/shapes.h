// The words of the EC2 API for what the broker knows. Internal to it.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "broker/broker.h"

namespace slipway::faces {

// What stands for an address while there is none.
inline constexpr std::string_view kNoAddress = "Not Applicable";
inline constexpr std::string_view kFailure = "FAILURE";
inline constexpr std::string_view kUnknown = "UNKNOWN";  // of a task that there is not

// Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED.
std::string_view task_status(const Operation& operation);

// The address that a task is about: of a creation once it has succeeded, of anything else once it has ended.
std::string task_address(const Operation& operation, const Resource& machine);

// Why it came to nothing; "" where it did not.
std::string task_error(const Operation& operation);

// {"ip", "status"}, and "error" where the task has failed or was revoked.
json::object task_json(const Operation& operation, const Resource& machine);

// One of the listing, or a changed one: with the task that works on it now, or null.
json::object machine_json(const Resource& machine);

}  // namespace slipway::faces
