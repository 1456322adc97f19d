// Processes that outlived the run that they belong to: helpers of ansible-playbook begin sessions of their own, and
// end neither with it nor with the broker.
#pragma once

#include <cstddef>
#include <filesystem>

namespace slipway::playbooks {

// Ends all processes of this user that belong to the run in this directory, or in one below it (known by
// kRunVariable in their environment). Blocks, for 2 s at most. Answers how many it has ended.
std::size_t end_leftovers(const std::filesystem::path& directory);

}  // namespace slipway::playbooks
