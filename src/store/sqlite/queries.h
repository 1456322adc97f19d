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
Result<std::optional<Operation>> find_operation(Database& database, const OperationId& id);
Result<std::vector<Event>> read_events(Database& database, std::uint64_t after,
                                       const std::optional<ResourceId>& resource, std::uint32_t limit);
Result<std::optional<IdempotencyRecord>> find_idempotency(Database& database, const std::string& scope,
                                                          const std::string& key, TimePoint now);
Result<std::optional<ApiKey>> find_api_key(Database& database, const std::string& hash);
Result<std::optional<Organization>> find_organization(Database& database, const OrganizationId& id);
Result<std::vector<Orphan>> read_orphans(Database& database);
Result<std::optional<std::string>> find_setting(Database& database, const std::string& key);

// pages.cpp
Result<Page<Resource>> read_resources(Database& database, const ResourceFilter& filter, const PageRequest& page);
Result<Page<Operation>> read_operations(Database& database, const OperationFilter& filter, const PageRequest& page);

}  // namespace slipway::sqlite
