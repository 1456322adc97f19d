// The key by which a machine's SSH server is known.
#pragma once

#include <expected>
#include <string>

#include "providers/playbooks/playbook.h"

namespace slipway::playbooks {

// Who answers by its address, as a .pub file has it ("ssh-ed25519 AAAA…"), where its fingerprint ("SHA256:…", as
// `ssh-keygen -l` prints it) is this one. Else why not, in public words. Blocks, for some seconds at most.
std::expected<std::string, std::string> host_key_of(const Machine& machine, const std::string& fingerprint);

}  // namespace slipway::playbooks
