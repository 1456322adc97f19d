// Use cases of backups: of databases, and into new ones.
//
// Thread-safe, as the Broker. A backup is a resource of the organization whose database it is of, and outlives it:
// everything but its making goes by the Broker's own calls. What is another organization's does not exist for
// anybody but administrators.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace slipway {

struct BackupRequest {
    std::string face;
    std::string plan;             // of backups of the database's engine; empty: the first there is
    std::string name;             // as in ProvisionRequest
    std::string billing_code;     // empty: the database's
    std::string idempotency_key;  // as in ProvisionRequest
};

// Dumps and restores take as long as their data need.
inline constexpr Duration kBackupLimit = std::chrono::hours(6);

// What is kept with a backup of what it was taken from: "source", "source_name", "database".
struct BackupSource {
    ResourceId database;
    std::string name;           // the database's name as a resource
    std::string database_name;  // on its server; the cluster's slug where it is a cluster's
};
BackupSource source_of(const Resource& backup);

class Backups {
  public:
    // It outlives this.
    explicit Backups(Broker& broker) : broker_(broker) {}

    // Accepts a backup of this database. Errors: as Broker::provision; not_found; invalid_argument ("plan"; it is
    // no database); conflict (it is not ready); unavailable (none are offered of its engine).
    Task<Result<Accepted>> create(CallContext context, ResourceId database, BackupRequest request);

    // A dry run of that. Errors: storage; what would be refused is an answer.
    Task<Result<Preview>> preview(CallContext context, ResourceId database, BackupRequest request);

    // Those of an organization that are neither gone nor going, the newest first; of one database by its name on
    // its server, or by its id, where these are given. At most 1,000.
    struct Of {
        std::optional<std::string> database_name = {};
        std::optional<ResourceId> database = {};
    };
    Task<Result<std::vector<Resource>>> list(CallContext context, OrganizationId organization, Of of);
    // All of an organization, page by page, the oldest first; without those that are gone or going, so that a page
    // may be short while there is a next one.
    Task<Result<Page<Resource>>> page(CallContext context, OrganizationId organization, PageRequest page);
    // By id, else by name. not_found: there is none (any more) in this organization.
    Task<Result<Resource>> find(CallContext context, OrganizationId organization, std::string id_or_name);
    // The same, of a database of this name on its server only.
    Task<Result<Resource>> find_of(CallContext context, OrganizationId organization, std::string database_name,
                                   std::string id_or_name);
    // The one that a new database is to be filled from. Errors: invalid_argument ("restore_from": there is none, or
    // it is not ready).
    Task<Result<Resource>> to_restore(CallContext context, OrganizationId organization, std::string id_or_name);

  private:
    // What is asked of the Broker for it.
    Task<Result<ProvisionRequest>> wanted(const CallContext& context, ResourceId database, BackupRequest request);

    Broker& broker_;
};

// So that what is asked for is filled from this backup.
void fill_from(const Resource& backup, ProvisionRequest& request);

}  // namespace slipway
