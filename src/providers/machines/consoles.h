// The consoles of machines on this host: those of every provider whose machines are instances of the helper.
#pragma once

#include "agent/client.h"
#include "domain/consoles.h"

namespace slipway::machines {

// Used from one executor only. The client outlives it.
class HelperConsoles final : public Consoles {
  public:
    HelperConsoles(InstallationId installation, agent::AgentClient& agent)
        : installation_(std::move(installation)), agent_(agent) {}

    Task<Result<ConsoleOutput>> read(Resource resource, ConsoleFrom from, Duration budget) override;
    Task<Status> type(Resource resource, Secret input, Duration budget) override;

  private:
    [[nodiscard]] agent::Identity identity_of(const Resource& resource) const;

    InstallationId installation_;
    agent::AgentClient& agent_;
};

}  // namespace slipway::machines
