// Use cases of clusters and their databases.
//
// Thread-safe, as the Broker. What is another organization's does not exist for anybody but administrators: every
// call answers not_found for it, and for an organization or a cluster that there is not.
#pragma once

#include <optional>
#include <string>

#include "broker/broker.h"
#include "domain/cluster.h"

namespace slipway {

struct ClusterDatabaseRequest {
    std::string face;    // through which it is asked for
    std::string engine;  // "postgres", "mysql"
    std::string plan;    // of databases of that engine
    // The name of a shared server that takes new databases; administrators only. None: as the plan's rule says.
    std::optional<std::string> server_name;
    std::string billing_code;     // empty: the organization's id
    std::string idempotency_key;  // as in ProvisionRequest
    // The backup that it is filled from (Backups::to_restore), of the same engine; none: it is empty.
    std::optional<Resource> restore_from = {};
};

// A cluster's database, and how it stands.
struct ClusterDatabase {
    Cluster cluster;
    // Always there in answers of the three calls below. Its parameters have "database" and "user".
    std::optional<Resource> database;
    std::optional<Resource> server;      // what it lives on; kept when both are gone
    std::optional<Operation> operation;  // the one that is at work on the database now; none: none is
    bool created = false;                // by this call
};

class Clusters {
  public:
    struct Parts {
        Store& store;
        Broker& broker;
        const Clock& clock;
        Random& random;
    };
    explicit Clusters(Parts parts) : parts_(parts) {}

    // `idempotency_key` as in ProvisionRequest. Errors: forbidden (a reader), invalid_argument ("name", as
    // valid_name), conflict (the name is taken; what the key made was removed since), idempotency_reuse, storage.
    Task<Result<Cluster>> create(CallContext context, OrganizationId organization, std::string name,
                                 std::string idempotency_key = {});
    // By name; the cursor is the last name.
    Task<Result<Page<Cluster>>> list(CallContext context, OrganizationId organization, PageRequest page);
    Task<Result<Cluster>> show(CallContext context, OrganizationId organization, std::string name);
    // Errors: forbidden (a reader), conflict (its database lives), storage.
    Task<Status> remove(CallContext context, OrganizationId organization, std::string name);

    // The one that lives (neither gone nor failed; one that is being removed does) is answered as it is; else a new
    // one is made, one however many ask at once, and answered as it was accepted, whatever a worker did since. What
    // a failed one left behind is removed first: the new one waits for that. Errors: as Broker::provision;
    // invalid_argument ("server_name": no such server, of another engine, or one that takes no new databases),
    // forbidden (a server named by another than an administrator), conflict (the named server is full; a backup is
    // to be restored, and the cluster has a database that was not filled from it).
    Task<Result<ClusterDatabase>> create_database(CallContext context, OrganizationId organization,
                                                  std::string cluster, ClusterDatabaseRequest request);
    // Gone and failed ones too. not_found: there was never one.
    Task<Result<ClusterDatabase>> find_database(CallContext context, OrganizationId organization,
                                                std::string cluster);
    // Answered as it was accepted; one that is being removed already, or is gone, as it is. Errors: as
    // find_database; forbidden (a reader).
    Task<Result<ClusterDatabase>> remove_database(CallContext context, OrganizationId organization,
                                                  std::string cluster);

  private:
    Task<Status> may_look(const CallContext& context, const OrganizationId& organization);
    Task<Result<Cluster>> changeable(const CallContext& context, const OrganizationId& organization,
                                     const std::string& name);
    Task<Result<std::optional<Resource>>> server_of(const Resource& database);
    struct Memory;  // of an idempotency key
    Task<Result<std::optional<Cluster>>> made_before(const Memory& memory, OrganizationId organization,
                                                     std::string name);
    Task<Result<ClusterDatabase>> view(Cluster cluster);
    Task<Result<ClusterDatabase>> accepted_view(Cluster cluster, Accepted accepted);
    Task<Result<std::optional<Commit>>> clearance(const CallContext& context,
                                                  const std::optional<Resource>& former);
    Task<Result<std::optional<ResourceId>>> named_server(const CallContext& context,
                                                         const ClusterDatabaseRequest& request);

    Parts parts_;
};

}  // namespace slipway
