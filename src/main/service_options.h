// What the parts of a server are told of its configuration.
#pragma once

#include "agent/client.h"
#include "faces/harbourmaster/harbourmaster_face.h"
#include "http/server.h"
#include "main/config.h"
#include "main/state_dir.h"
#include "providers/local/local_provider.h"

namespace slipway {

http::ServerOptions http_options(const ServerConfig& config);
// A helper of our own, or the one that is configured.
agent::AgentClient::Options helper_options(const Config& config, const StateDir& state_dir);
local::LocalOptions local_options(const LocalConfig& config, const InstallationId& installation,
                                  sql::SharedTls tls);
faces::HarbourMasterOptions harbourmaster_options(const HarbourMasterConfig& config);

}  // namespace slipway
