// Databases and instances in the words of this API: one table of states, every value a string as its document has
// them, "" for what is not known.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "broker/clusters.h"

namespace slipway::faces {

// awaiting_provisioning, provisioning, ready, awaiting_decommissioning, decommissioning, decommissioned, failed.
// `operation`: the one under way, which tells what is queued from what is being done; none: nothing is under way.
std::string_view hephy_state(const Resource& resource, const std::optional<Operation>& operation);

inline constexpr std::int64_t kDefaultStorage = 100;  // gigabytes, where nobody says how much

enum class DatabaseForm : std::uint8_t {
    created,  // of POST: without the instance's name, which may not be there yet
    mapping,  // of GET and DELETE; with `rotation` where its password was ever rotated
    rotated,  // of a rotation: always with it
};
// `password`: of the caller who owns it; none: "".
json::object database_json(const ClusterDatabase& in, const std::optional<Secret>& password, DatabaseForm form);

// `password`: of the master user; `operation` as above; `usual_version`: of those of which nobody asked for one.
json::object instance_json(const Resource& server, const std::optional<Operation>& operation,
                           const std::optional<Secret>& password, const std::string& usual_version);
// As GET /v2/hephy/available answers it.
json::object available_json(const Resource& server, const std::optional<Secret>& password);

json::object cluster_json(const Cluster& cluster);

}  // namespace slipway::faces
