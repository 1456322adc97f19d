#include "faces/redis/shapes.h"

#include <fmt/format.h>

namespace slipway::faces {
namespace {

// What the provider found out wins over what the plan asked for.
json::value known(const Resource& resource, std::string_view key) {
    if (const auto* found = resource.handle.if_contains(key)) return *found;
    if (const auto* found = resource.parameters.if_contains(key)) return *found;
    return nullptr;
}

json::value or_else(json::value value, json::value otherwise) {
    return value.is_null() ? std::move(otherwise) : std::move(value);
}

json::value security_groups(const Resource& resource) {
    const json::value ids = known(resource, "security_groups");
    if (!ids.is_array()) return nullptr;
    json::array groups;
    for (const json::value& id : ids.get_array()) {
        groups.push_back(json::object{{"SecurityGroupId", id}, {"Status", "active"}});
    }
    return groups;
}

}  // namespace

json::object deleted_cluster(const Resource& resource) {
    const json::object pending{{"CacheNodeIdsToRemove", nullptr},
                               {"CacheNodeType", nullptr},
                               {"EngineVersion", nullptr},
                               {"NumCacheNodes", nullptr}};
    const json::object parameter_group{{"CacheNodeIdsToReboot", nullptr},
                                       {"CacheParameterGroupName", known(resource, "parameter_group")},
                                       {"ParameterApplyStatus", "in-sync"}};
    json::object cluster;
    cluster["AutoMinorVersionUpgrade"] = or_else(known(resource, "auto_minor_version_upgrade"), false);
    cluster["CacheClusterCreateTime"] = format_time(resource.created_at);
    cluster["CacheClusterId"] = resource.name;
    cluster["CacheClusterStatus"] = "deleting";
    cluster["CacheNodeType"] =
        or_else(known(resource, "node_type"), json::value(fmt::format("{}.{}", resource.provider, resource.plan)));
    cluster["CacheNodes"] = nullptr;
    cluster["CacheParameterGroup"] = parameter_group;
    cluster["CacheSecurityGroups"] = nullptr;
    cluster["CacheSubnetGroupName"] = known(resource, "subnet_group");
    cluster["ClientDownloadLandingPage"] = known(resource, "client_download_page");
    cluster["ConfigurationEndpoint"] = nullptr;
    cluster["Engine"] = resource.engine;
    cluster["EngineVersion"] = known(resource, "engine_version");
    cluster["NotificationConfiguration"] = nullptr;
    cluster["NumCacheNodes"] = 1;
    cluster["PendingModifiedValues"] = pending;
    cluster["PreferredAvailabilityZone"] = known(resource, "availability_zone");
    cluster["PreferredMaintenanceWindow"] = known(resource, "maintenance_window");
    cluster["ReplicationGroupId"] = nullptr;
    cluster["SecurityGroups"] = security_groups(resource);
    cluster["SnapshotRetentionLimit"] = nullptr;
    cluster["SnapshotWindow"] = nullptr;
    return json::object{{"CacheCluster", std::move(cluster)}};
}

json::object instance_summary(const Resource& resource) {
    json::object tags;
    for (const auto& [name, value] : resource.labels) tags[name] = value;
    json::object summary{{"name", resource.name},
                         {"plan", resource.plan},
                         {"billingcode", resource.billing_code},
                         {"state", state_name(resource.state)},
                         {"health", to_string(resource.health)},
                         {"created_at", format_time(resource.created_at)},
                         {"tags", std::move(tags)}};
    if (const auto* failed = std::get_if<resource_state::Failed>(&resource.state)) {
        summary["reason"] = failed->reason;
    }
    return summary;
}

}  // namespace slipway::faces
