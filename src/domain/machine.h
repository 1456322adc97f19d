// What is particular to machines: the login that its owner asks for, and a password that is kept only until the
// machine was seen to take it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "domain/resource.h"

namespace slipway {

// Of a machine's own parameters, and of requests.
inline constexpr std::string_view kUsername = "username";
// Of its secrets.
inline constexpr std::string_view kMachinePassword = "password";

// Of a plan's parameters: the file of the Ansible playbook that is run on a new machine before it is its owner's,
// absent where there is none, and the most seconds that it may take.
inline constexpr std::string_view kPlaybook = "playbook";
inline constexpr std::string_view kPlaybookSeconds = "playbook_limit_seconds";
inline constexpr std::chrono::minutes kPlaybookLimit(10);  // where nothing is said

// Of a plan's parameters: virtual machines are restored from a saved state, where that is possible.
inline constexpr std::string_view kWarm = "warm";

// What every image takes: Dropbear, the server of the tiny one, refuses more than 100 bytes.
inline constexpr std::size_t kMaxMachinePassword = 100;

// What is wrong with a login that is to be made; both texts are public and never repeat what was given.
std::optional<std::string> fault_of_username(std::string_view name);
std::optional<std::string> fault_of_machine_password(const Secret& password);

// Its login; "" where nobody knows it, e.g. of a machine whose record was lost.
std::string username_of(const Resource& machine);

// What follows from its state: a machine that is made, or came to nothing, has no password any more, and one that
// can be reached is known by its address from then on. Part of every transition.
void settle_machine(Resource& resource);

}  // namespace slipway
