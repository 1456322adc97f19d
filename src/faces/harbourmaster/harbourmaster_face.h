// The HarbourMaster API: clusters, the databases that are made for them, and the instances that host those.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/clusters.h"
#include "broker/database_servers.h"
#include "broker/rotation.h"
#include "faces/face.h"

namespace slipway::faces {

struct EngineVersions {
    std::vector<std::string> supported;
    std::string preferred;  // one of them: what holds where nobody says one
};

struct HarbourMasterOptions {
    std::string engine = "postgres";  // of databases and instances where nobody says one
    // What may be asked for; what runs is told in a field of its own.
    std::map<std::string, EngineVersions, std::less<>> versions = {
        {"postgres", {{"9.5", "9.6", "10", "11"}, "10"}}, {"mysql", {{"5.5", "5.6", "5.7", "8.0"}, "8.0"}}};
};

// Thread-safe. The use cases outlive the router.
struct HarbourMasterPorts {
    Clusters& clusters;
    SharedServers& servers;
    Rotations& rotations;
    HarbourMasterOptions options = {};
};

void add_harbourmaster(http::Router& router, const FaceContext& context, HarbourMasterPorts ports);

}  // namespace slipway::faces
