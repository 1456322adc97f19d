// The playbooks of machines' plans: what runs them around whichever provider makes the machines.
#pragma once

#include <memory>
#include <vector>

#include "main/config.h"
#include "main/metrics.h"
#include "main/state_dir.h"
#include "providers/playbooks/playbook_provider.h"

namespace slipway {

// Used on the engine's thread, once made. Its end stops those that run.
class Playbooks {
  public:
    // Ends what an earlier server left running. The metrics outlive it.
    Playbooks(const StateDir& state_dir, const MachinesConfig& config, Metrics& metrics);
    // The provider that is to be asked instead of this one, which outlives it.
    Provider& around(Provider& machines);

  private:
    playbooks::PlaybookOptions options_;
    Jobs jobs_;  // of all of them together
    std::vector<std::unique_ptr<playbooks::PlaybookProvider>> providers_;
};

}  // namespace slipway
