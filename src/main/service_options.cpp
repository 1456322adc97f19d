#include "main/service_options.h"

#include <algorithm>
#include <thread>

namespace slipway {
namespace {

// What a client asks for where it says nothing is what the document says, as long as that is offered.
faces::EngineVersions versions_of(const std::vector<std::string>& offered, std::string_view usual) {
    const bool there = std::ranges::find(offered, usual) != offered.end();
    return {offered, there ? std::string(usual) : offered.back()};
}

}  // namespace

http::ServerOptions http_options(const ServerConfig& config) {
    http::ServerOptions options;
    options.listen = config.listen;
    options.threads =
        config.threads != 0 ? config.threads : std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 16);
    options.body_bytes = config.max_body;
    options.max_connections = config.max_connections;
    options.max_handlers = config.max_requests;
    options.access_log = config.access_log;
    if (!config.tls_cert.empty()) options.tls = http::TlsFiles{config.tls_cert, config.tls_key};
    return options;
}

agent::AgentClient::Options helper_options(const Config& config, const StateDir& state_dir) {
    const LocalConfig& local = config.local;
    if (!local.helper_socket.empty()) return agent::ConnectOptions{local.helper_socket, local.helper_uid};
    agent::SpawnOptions options;
    options.root = state_dir.instances().string();
    options.images = state_dir.images().string();
    options.bridge = config.machines.bridge;
    options.uid_first = static_cast<uid_t>(local.uid_first);
    options.uid_last = static_cast<uid_t>(local.uid_last);
    options.container_uids = config.machines.container_uids;
    return options;
}

local::LocalOptions local_options(const LocalConfig& config, const InstallationId& installation,
                                  sql::SharedTls tls) {
    local::LocalOptions options;
    options.tls = std::move(tls);
    options.installation = installation;
    options.domain = config.domain;
    options.addresses = config.bind;
    options.port_first = config.port_first;
    options.port_last = config.port_last;
    options.uid_first = config.uid_first;
    options.uid_last = config.uid_last;
    options.concurrency = config.concurrency;
    return options;
}

faces::HarbourMasterOptions harbourmaster_options(const HarbourMasterConfig& config) {
    faces::HarbourMasterOptions options;
    options.engine = config.engine;
    options.versions = {{"postgres", versions_of(config.postgres_versions, "10")},
                        {"mysql", versions_of(config.mysql_versions, "8.0")}};
    return options;
}

}  // namespace slipway
