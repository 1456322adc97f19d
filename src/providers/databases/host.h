// One shared server, in the words of its engine: what the provider asks of it.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "domain/ports.h"
#include "providers/databases/tenant.h"
#include "providers/deadline.h"
#include "providers/sql/server_tls.h"
#include "providers/sql/sql_types.h"

namespace slipway::databases {

using Items = std::expected<std::vector<InventoryItem>, ProviderError>;

// Used from one executor only; must outlive its calls. Calls for one name come one after the other.
class Host {
  public:
    virtual ~Host() = default;
    virtual Task<ProviderAnswer> observe(Tenant tenant, Deadline deadline) = 0;
    // Brings what is there to what is wanted. Without `make` what is not there stays away.
    virtual Task<ProviderAnswer> converge(Tenant tenant, bool make, Deadline deadline) = 0;
    virtual Task<ProviderAnswer> remove(Tenant tenant, Deadline deadline) = 0;
    virtual Task<Items> list(Deadline deadline) = 0;
};

std::shared_ptr<Host> make_postgres_host(ServerAccess access, boost::asio::any_io_executor executor,
                                         sql::SharedTls tls);
std::shared_ptr<Host> make_mysql_host(ServerAccess access, boost::asio::any_io_executor executor,
                                      sql::SharedTls tls);

// Observations that both engines make.
Observation foreign(std::string detail);
// The same, where another resource of this installation has the name: it is said which.
Observation held(const Tag& by);
Observation stopped(std::string detail);
Observation running(const ServerAccess& access, const Tenant& tenant, const std::string& user,
                    const std::string& version, std::string detail);
// How the tenant's own login went: running, or stopped with the reason.
ProviderAnswer after_login(const std::expected<void, sql::SqlError>& login, Observation if_well);

}  // namespace slipway::databases
