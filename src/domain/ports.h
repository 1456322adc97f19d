// What the use cases need to know of providers without seeing one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "domain/resource.h"

namespace slipway {

// How resources of one kind are made by one provider.
struct ProviderTraits {
    std::string provider;
    std::vector<AllocationRange> ranges;
    std::vector<std::string> secrets;  // names of secrets it needs besides the tenant's password
    bool on_this_host = false;         // its operations are bound to this host
    bool external_tags = false;        // a claim has to be told to the provider (tags that it keeps)
};

// Thread-safe.
class ProviderDirectory {
  public:
    virtual ~ProviderDirectory() = default;
    // ErrorCode::unavailable, with the reason and the fix, where the provider cannot make this kind here and now.
    [[nodiscard]] virtual Result<ProviderTraits> traits(std::string_view provider, Kind kind,
                                                        std::string_view engine) const = 0;
};

// How a database server is administered.
struct ServerAccess {
    ResourceId server;
    std::string engine;   // "postgres", "mysql"
    std::string address;  // to connect to; an IP address where one is known
    std::uint16_t port = 0;
    Endpoint endpoint;  // as clients are told
    std::string user;   // with every right that making roles and databases takes
    Secret password;
    std::string trouble = {};  // why it was found not to answer; empty: it was not
};

// Thread-safe.
class DatabaseServers {
  public:
    virtual ~DatabaseServers() = default;
    // None where there is no such server (any more): what was on it is gone with it.
    // Errors: unavailable (it is being made, or is being removed), storage.
    virtual Task<Result<std::optional<ServerAccess>>> find(ResourceId server) = 0;
    // Those that are ready; for inventories.
    virtual Task<Result<std::vector<ServerAccess>>> all() = 0;
};

// How a tenant logs in to its database.
struct DatabaseLogin {
    ResourceId database;
    std::string engine;   // "postgres", "mysql"
    std::string address;  // to connect to; an IP address where one is known
    std::uint16_t port = 0;
    std::string user;
    std::string name;             // of the database
    std::string tls = "disable";  // libpq's sslmode
    Secret password;
};

// Thread-safe.
class DatabaseLogins {
  public:
    virtual ~DatabaseLogins() = default;
    // None where there is no such database (any more). Errors: unavailable (it or its server cannot be reached
    // now), storage.
    virtual Task<Result<std::optional<DatabaseLogin>>> find(ResourceId database) = 0;
};

}  // namespace slipway
