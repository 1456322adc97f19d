// The shapes of the Redis face's answers.
#pragma once

#include "base/json.h"
#include "domain/resource.h"

namespace slipway::faces {

// {"CacheCluster":{...}} as ElastiCache answers a deletion: every key, nulls kept. What only the provider knows is
// taken from the resource's handle or its plan's parameters (engine_version, node_type, parameter_group,
// subnet_group, security_groups, availability_zone, maintenance_window, auto_minor_version_upgrade,
// client_download_page), and is null where neither knows it.
json::object deleted_cluster(const Resource& resource);

// What lists and `show` say of an instance, REDIS_URL apart.
json::object instance_summary(const Resource& resource);

}  // namespace slipway::faces
