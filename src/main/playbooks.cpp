#include "main/playbooks.h"

namespace slipway {

Playbooks::Playbooks(const StateDir& state_dir, const MachinesConfig& config, Metrics& metrics)
    : jobs_(config.playbooks) {
    options_.directory = state_dir.playbooks();
    options_.on_played = [&metrics](playbooks::Outcome outcome, Duration took) {
        metrics.on_playbook(to_string(outcome), took);
    };
    playbooks::PlaybookProvider::clear(options_.directory);
}

Provider& Playbooks::around(Provider& machines) {
    return *providers_.emplace_back(std::make_unique<playbooks::PlaybookProvider>(options_, jobs_, machines));
}

}  // namespace slipway
