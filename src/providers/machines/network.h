// What machines of one installation share: their network, whoever runs them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/client.h"
#include "domain/ids.h"
#include "domain/provider_types.h"
#include "providers/deadline.h"
#include "providers/machines/net.h"

namespace slipway::machines {

// Eight hexadecimal digits that follow from the installation.
std::string network_of(const InstallationId& installation);
// One range for all providers.
std::vector<AllocationRange> address_ranges(const Net& net);

// Unavailable; timeout where the helper ended on its way: the next one can be asked at once.
std::unexpected<Error> unavailable(const agent::Failure& failure);
// Brings a provider up, and begins anew where that was cut short, a few times. Errors: unavailable.
Task<Status> bring_up_whole(std::function<Task<Status>()> bring_up);

// Whether any machine is there, whoever made it. Errors: unavailable.
Task<Result<bool>> any_machine(agent::AgentClient& agent, Deadline deadline);
// Removes the taps, and what is treated like one, of which there is no machine any more: an interrupted removal
// left them. Errors: unavailable.
Task<Status> clear_taps(agent::AgentClient& agent, std::string network, Deadline deadline);

}  // namespace slipway::machines
