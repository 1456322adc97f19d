// The reads, on one connection. All throw SqlFailure; a row that cannot be decoded is ErrorCode::storage.
#pragma once

#include "store/sqlite/database.h"
#include "store/store.h"

namespace slipway::sqlite {

Result<std::optional<Resource>> find_resource(Database& database, const ResourceId& id);
Result<std::optional<Resource>> find_resource_by_external_name(Database& database, const std::string& provider,
                                                               const std::string& external_name);
Result<std::optional<Resource>> find_claimable(Database& database, Kind kind, const std::string& engine,
                                               const std::string& plan, std::uint32_t skip);
Result<std::vector<PoolLevel>> read_pool_levels(Database& database);
Result<std::vector<HostLoad>> read_host_loads(Database& database, const OrganizationId& organization, Kind kind,
                                              const std::string& engine);
Result<std::vector<Resource>> read_expiring(Database& database, TimePoint until, std::uint32_t limit);
// How many resources hold a place on a host.
std::uint64_t count_placed(Database& database, const ResourceId& host);
Result<std::optional<Operation>> find_operation(Database& database, const OperationId& id);
Result<std::optional<IdempotencyRecord>> find_idempotency(Database& database, const std::string& scope,
                                                          const std::string& key, TimePoint now);
Result<std::vector<Duration>> read_durations(Database& database, const DurationQuery& query);
Result<std::vector<LiveCount>> read_live_counts(Database& database, const OrganizationId& organization);
Result<std::vector<ResourceCount>> read_resource_counts(Database& database);
Result<std::vector<Orphan>> read_orphans(Database& database);
Result<std::optional<std::string>> find_setting(Database& database, const std::string& key);

// access.cpp
Result<std::optional<ApiKey>> find_api_key_by_hash(Database& database, const std::string& hash);
Result<std::optional<ApiKey>> find_api_key(Database& database, const ApiKeyId& id);
Result<Page<ApiKey>> read_api_keys(Database& database, const std::optional<OrganizationId>& organization,
                                   const PageRequest& page);
Result<std::optional<Organization>> find_organization(Database& database, const OrganizationId& id);
Result<Page<Organization>> read_organizations(Database& database, const PageRequest& page);
Result<std::vector<Quota>> read_quotas(Database& database, const OrganizationId& organization);
Result<std::vector<Webhook>> read_webhooks(Database& database);
Result<std::optional<Cluster>> find_cluster(Database& database, const OrganizationId& organization,
                                            const std::string& name);
Result<Page<Cluster>> read_clusters(Database& database, const OrganizationId& organization,
                                    const PageRequest& page);

// feed.cpp
Result<EventPage> read_events(Database& database, const EventFilter& filter, std::uint64_t after,
                              std::uint32_t limit);
Result<std::uint64_t> read_last_event(Database& database);

// usage.cpp
Result<std::vector<UsageRow>> read_usage(Database& database, const UsageFilter& filter);

// pages.cpp
Result<Page<Resource>> read_resources(Database& database, const ResourceFilter& filter, const PageRequest& page);
Result<Page<Operation>> read_operations(Database& database, const OperationFilter& filter, const PageRequest& page);

}  // namespace slipway::sqlite
